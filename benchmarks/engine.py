"""Time the engine on ground truths: ``python benchmarks/engine.py --data <folder with the JSONL files>``.

Prints the tables of docs/performance.md. The official evaluator's figures are stored ones, because a run of it
takes half an hour, a second environment and a machine that it may damage.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bigcodebench_tasks.execution import Program, Verdict, execute
from bigcodebench_tasks.execution.prepare import prepare

# bigcodebench 0.2.5, two workers, two cores: wall and CPU seconds, ground truths that pass.
OFFICIAL = {"Hard": (285, 278, 143), "Full": (1363, 1633, 1113)}
SLEEPERS = {461, 1104, 1040, 195, 821, 1103, 220, 17}

TRIVIAL = Program(
    "trivial",
    "def task_func():\n    return 1\n",
    "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(task_func(), 1)\n",
)


def programs(file: Path) -> list[Program]:
    """Ground truths as calibrated samples."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Program(
            row["task_id"],
            f"{row['code_prompt']}\n    pass\n{row['complete_prompt']}{row['canonical_solution']}",
            row["test"],
        )
        for row in rows
    ]


def timed(chosen: Sequence[Program], workers: int, durations: dict[str, float]) -> tuple[list[Verdict], float, float]:
    """Verdicts, wall seconds and CPU seconds, everything included."""
    environment = prepare().environment
    began, before = time.monotonic(), _cpu_s()
    verdicts = execute(chosen, environment, workers=workers, durations=durations)
    return verdicts, time.monotonic() - began, _cpu_s() - before


def _cpu_s() -> float:
    """CPU of this process and of all children that have ended; the kernel's clean-up is not in it."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench[-Hard]-v0.1.4.jsonl.gz")
    parser.add_argument("--subset", choices=["Hard", "Full"], action="append", help="default: Hard")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--durations", type=Path, help="JSON: task_id to seconds; written there if missing")
    options = parser.parse_args()
    durations: dict[str, float] = {}
    if options.durations and options.durations.exists():
        durations = json.loads(options.durations.read_text())
    print(f"{prepare().isolation.description}\nload before: {os.getloadavg()[0]:.1f}\n")
    print("| work | official | ours | ratio |\n| --- | --- | --- | --- |")
    for subset in options.subset or ["Hard"]:
        name = "" if subset == "Full" else "-Hard"
        every = programs(options.data / f"BigCodeBench{name}-v0.1.4.jsonl.gz")
        verdicts, wall, cpu = timed(every, options.workers, durations)
        passed = sum(verdict.passed for verdict in verdicts)
        official_wall, official_cpu, official_passed = OFFICIAL[subset]
        print(f"| {subset} ({len(every)}), pass | {official_passed} | {passed} | |")
        print(f"| {subset}, wall | {official_wall} s | {wall:.0f} s | {official_wall / wall:.1f} |")
        print(f"| {subset}, CPU | {official_cpu} s | {cpu:.0f} s | {official_cpu / cpu:.1f} |")
        found = {p.task_id: verdict.seconds for p, verdict in zip(every, verdicts, strict=True)}
        if options.durations and not options.durations.exists():
            options.durations.write_text(json.dumps(found))
        busy = [p for p in every if int(p.task_id.split("/")[1]) not in SLEEPERS]
        _, wall, cpu = timed(busy, options.workers, durations or found)
        share = wall / (cpu / options.workers)
        print(f"| {subset} without the longest sleepers, wall to CPU / workers | | {share:.2f} | |")
    _, once, _ = timed([TRIVIAL], 1, {})
    _, wall, _ = timed([TRIVIAL] * 1000, 1, {})
    print(f"| a trivial program, one worker | | {(wall - once) / 999 * 1000:.1f} ms | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
