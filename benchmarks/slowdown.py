"""What a head start costs the model: ``python benchmarks/slowdown.py --data <folder> --model pretrained=<model>``.

A real model answers through the harness's own ``hf`` loader, on the CPU, with all cores busy: with the head start and
without it, in turns. What it answers is of no use here, so where the loader reports an answer the task's ground truth
is put in its place: what runs beside the model is what would run beside a model that solves everything, the ground
truth's own check included. Each run has an empty cache of verdicts. Prints the seconds of each generation and the
ratio of their medians; generation is the loader's ``generate_until``, from its first request to its last answer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tail import programs_of, tasks_of

from bigcodebench_tasks.execution.prepare import prepare


def truth_of(question: str, programs: Mapping[str, str]) -> str:
    """The answer that solves the task that is asked."""
    prompt = next(prompt for prompt in programs if prompt in question)
    return f"```python\n{programs[prompt]}\n```"


def generation_s(model: Any, programs: Mapping[str, str], limit: int, tokens: int, head_start: bool) -> float:
    """Seconds in which the model answers `limit` tasks in both splits, both of them asked as chats."""
    from lm_eval import simple_evaluate
    from lm_eval.api.model import CacheHook

    taken = 0.0
    generate = model.generate_until

    def add_partial(attr: str, request: Any, _answer: str) -> None:
        # Through the class, where whoever wants to hear of answers listens.
        CacheHook.add_partial(model.cache_hook, attr, request, truth_of(str(request[0]), programs))

    def generate_until(requests: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal taken
        model.cache_hook.add_partial = add_partial
        began = time.monotonic()
        try:
            return generate(requests, *arguments, **named)
        finally:
            taken += time.monotonic() - began
            del model.cache_hook.add_partial

    model.generate_until = generate_until
    try:
        simple_evaluate(
            model=model,
            tasks=["bigcodebench_hard_complete", "bigcodebench_hard_instruct"],
            limit=limit,
            apply_chat_template=True,
            gen_kwargs={"max_gen_toks": tokens},
            metadata={"bigcodebench": {"head_start": head_start}},
            confirm_run_unsafe_code=True,
        )
    finally:
        del model.generate_until
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python benchmarks/slowdown.py --data data --model pretrained=.,gguf_file=model.gguf",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench-Hard-v0.1.4.jsonl.gz")
    parser.add_argument("--model", required=True, help="--model_args of the harness's hf loader")
    parser.add_argument("--limit", type=int, default=40, help="tasks of Hard in each split (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=64, help="of each answer, at most (default: %(default)s)")
    parser.add_argument("--times", type=int, default=2, help="runs of each kind (default: %(default)s)")
    options = parser.parse_args()
    from lm_eval.models.huggingface import HFLM

    content, rows = tasks_of(options.data, "Hard")
    programs = programs_of(rows)
    os.environ["BIGCODEBENCH_PYTHON"] = str(prepare().environment.python)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tasks.jsonl"
        file.write_text(content, encoding="utf-8")
        os.environ["BIGCODEBENCH_OVERRIDE_PATH"] = str(file)
        model = HFLM.create_from_arg_string(options.model, {"device": "cpu", "batch_size": 1})
        for number in range(options.times):
            for head_start in (False, True):
                os.environ["BIGCODEBENCH_CACHE"] = f"{folder}/cache{number}{head_start}"
                taken = generation_s(model, programs, options.limit, options.tokens, head_start)
                seconds[head_start].append(taken)
                print(f"{'with' if head_start else 'without'} a head start: {taken:.1f} s", flush=True)
    without, with_it = statistics.median(seconds[False]), statistics.median(seconds[True])
    print(f"{options.limit * 2} answers: {with_it / without:.2f} times as long with the head start as without")
    return 0


if __name__ == "__main__":
    sys.exit(main())
