"""Do verdicts depend on how programs are run? ``python benchmarks/flips.py --data <folder> namespaces landlock``.

Executes the ground truths once for each word, in this order, and prints every task whose verdicts differ:

namespaces, landlock   at that level, with the common libraries imported once
fresh                  nothing imported beforehand: every program imports for itself
busy                   beside twice as many endless loops as there are cores
generating             in the background of a model (`--model`) that generates on all cores for `--seconds`, and then,
                       once it is done, with the whole machine: as a head start does in a run of the harness

A word can be given several times. Nothing is taken from the cache.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from pathlib import Path

from engine import cpu_s, programs

from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.execution import Engine, Program, Verdict
from bigcodebench_tasks.execution.prepare import prepare
from bigcodebench_tasks.progress import progress

WAYS = ("namespaces", "landlock", "fresh", "busy", "generating")

# A model that answers without end. It says when it begins.
GENERATE = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
words = tokenizer("def task_func(", return_tensors="pt")
print("ready", flush=True)
while True:
    model.generate(**words, max_new_tokens=64, do_sample=False, pad_token_id=0)
"""


@contextlib.contextmanager
def endless_loops(number: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run_under_model(model: Path, seconds: float, chosen: Sequence[Program]) -> list[Verdict]:
    """The verdicts of programs, all of them submitted while a model generates."""
    prepared = prepare()
    with (
        subprocess.Popen([sys.executable, "-c", GENERATE, str(model)], stdout=subprocess.PIPE, text=True) as process,
        Engine(prepared.environment, prepared.conditions) as engine,
    ):
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit(f"{model} does not generate")
            engine.set_background(True)
            futures = [engine.submit(program) for program in chosen]
            done, _ = wait(futures, seconds)
            print(f"generating: {len(done)} of {len(futures)} had their verdict when the model was done", flush=True)
        finally:
            process.kill()
        engine.set_background(False)
        return [future.result() for future in futures]


def run(way: str, chosen: Sequence[Program]) -> list[Verdict]:
    prepared = prepare("landlock" if way == "landlock" else None)
    with (
        endless_loops(2 * (os.cpu_count() or 1) if way == "busy" else 0),
        progress(len(chosen), way, "task") as bar,
        Engine(prepared.environment, prepared.conditions, preload=way != "fresh") as engine,
    ):
        futures = [engine.submit(program) for program in chosen]
        for future in futures:
            future.add_done_callback(lambda _: bar.update())
        return [future.result() for future in futures]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python benchmarks/flips.py --data data --subset Hard namespaces landlock fresh busy",
    )
    parser.add_argument("ways", nargs="+", choices=WAYS, metavar="WAY")
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench[-Hard]-v0.1.4.jsonl.gz")
    parser.add_argument("--subset", choices=["Hard", "Full"], default="Full", help="(default: %(default)s)")
    parser.add_argument("--known", type=Path, action="append", default=[], help="a JSONL of engine.py --out, compared")
    parser.add_argument("--model", type=Path, help="folder of a model that transformers reads, for `generating`")
    parser.add_argument("--seconds", type=float, default=400.0, help="that it generates (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="folder for the verdicts of each run, as JSONL")
    options = parser.parse_args()
    if "generating" in options.ways and options.model is None:
        parser.error("generating needs --model")
    chosen = programs(options.data, options.subset)
    try:
        for way in set(options.ways):  # what the machine cannot do is said before anything runs
            prepare("landlock" if way == "landlock" else None)
    except BigCodeBenchError as error:
        parser.error(str(error))
    runs: dict[str, dict[str, str]] = {}
    for file in options.known:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        runs[file.name] = {row["task_id"]: f"{row['ours']['status']}, {row['ours']['reason']}" for row in rows}
    for number, way in enumerate(options.ways, start=1):
        began, before = time.monotonic(), cpu_s()
        verdicts = run_under_model(options.model, options.seconds, chosen) if way == "generating" else run(way, chosen)
        name = f"{number} {way}"
        runs[name] = {p.task_id: f"{v.status}, {v.reason}" for p, v in zip(chosen, verdicts, strict=True)}
        passed, wall = sum(v.passed for v in verdicts), time.monotonic() - began
        print(f"{name}: {passed} pass, {wall:.0f} s, CPU {cpu_s() - before:.0f} s", flush=True)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            rows = [{"task_id": p.task_id, "ours": v.to_dict()} for p, v in zip(chosen, verdicts, strict=True)]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (options.out / f"{name.replace(' ', '-')}.jsonl").write_text(text)
    flips = 0
    for program in chosen:
        seen = Counter(outcomes[program.task_id] for outcomes in runs.values() if program.task_id in outcomes)
        if len(seen) > 1:
            flips += 1
            print(f"{program.task_id}: " + "; ".join(f"{name}: {runs[name][program.task_id]}" for name in runs))
    print(f"{len(runs)} runs of {len(chosen)} tasks: {flips} tasks whose verdicts differ")
    return 1 if flips else 0


if __name__ == "__main__":
    sys.exit(main())
