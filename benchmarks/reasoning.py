"""What removing reasoning changes: real responses of a reasoning model, parsed both ways and executed.

    python benchmarks/reasoning.py [FILE]

FILE holds a JSON object a line with ``task_id`` and ``raw_solution``; the default is ``r1_distill_qwen_14b.jsonl.gz``
of ../shared. The dataset is that of ../shared too. Prints the table of docs/concepts/fidelity.md.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from bigcodebench_tasks.benchmark.response_parser import ResponseParser
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.evaluate import Evaluator, Sample

SHARED = Path(__file__).resolve().parents[2] / "shared"
STOPS = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")


def lines(file: Path) -> list[dict[str, str]]:
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as content:
        return [json.loads(line) for line in content]


def main(file: Path) -> None:
    said = lines(file)
    rows = {row["task_id"]: row for row in lines(SHARED / "data" / "BigCodeBench-v0.1.4.jsonl.gz")}
    tasks = [rows[each["task_id"]] for each in said]
    parsers = {name: ResponseParser("complete", "chat", Options(reasoning=name), STOPS) for name in ("off", "auto")}
    read = {
        name: [parser.parse(task, each["raw_solution"]) for task, each in zip(tasks, said, strict=True)]
        for name, parser in parsers.items()
    }
    evaluator = Evaluator.prepare(checks_ground_truth=False)
    passed = {}
    for name, answers in read.items():
        samples = [[Sample(partial(getattr, answer, "solution"))] for answer in answers]
        passed[name] = [record.passed for (record,) in evaluator.evaluate(tasks, samples).records]
    kinds: dict[str, Counter[str]] = {}
    for off, auto, passes_off, passes_auto in zip(
        read["off"], read["auto"], passed["off"], passed["auto"], strict=True
    ):
        same = "the same" if off.solution == auto.solution else "another"
        kind = f"with reasoning, {same} solution" if auto.reasoning.found else "without reasoning"
        for counts in (kinds.setdefault(kind, Counter()), kinds.setdefault("all", Counter())):
            counts.update(number=1, off=passes_off, auto=passes_auto)
            counts.update({"only off": passes_off and not passes_auto, "only auto": passes_auto and not passes_off})
            if passes_off and not passes_auto:
                counts[f"only off, {auto.diagnosis or 'whole'}"] += 1
    for kind, counts in sorted(kinds.items(), key=lambda each: each[0] == "all"):
        print(kind, dict(counts))
    print("auto:", dict(Counter(answer.diagnosis for answer in read["auto"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "real" / "r1_distill_qwen_14b.jsonl.gz")
