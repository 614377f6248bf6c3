"""Time the engine beside the official evaluator: ``python benchmarks/engine.py --data <folder with the JSONL files>``.

Prints the tables of docs/development/benchmarks.md: ground truths as calibrated samples, on an otherwise idle machine.
The official evaluator runs on the same programs in the same environment and takes half an hour for Full;
``--no-official`` takes stored figures in its place.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import official

from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution import Engine, Program, Verdict
from bigcodebench_tasks.execution.prepare import prepare
from bigcodebench_tasks.execution.worker import processes

TRIVIAL = Program(
    "trivial",
    "def task_func():\n    return 1\n",
    "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(task_func(), 1)\n",
)
IMPORTING = Program(
    "importing",
    "import time\nimport numpy\nimport pandas\ndef task_func():\n    time.sleep(6)\n    return 1\n",
    TRIVIAL.test,
)


@dataclass(frozen=True)
class Cost:
    """What judging some programs took, everything included: preload, sandbox, clean-up of our processes."""

    wall_s: float
    cpu_s: float
    passed: int


# bigcodebench 0.2.5, two workers, two cores, no network, the official environment.
STORED = {"Hard": Cost(285, 278, 143), "Full": Cost(1363, 1633, 1113)}


def programs(folder: Path, subset: str) -> list[Program]:
    """Ground truths as calibrated samples, from the JSONL files in `folder`; `subset` is "Hard" or "Full"."""
    suffix = {"Hard": "-Hard", "Full": ""}[subset]
    with gzip.open(folder / f"BigCodeBench{suffix}-v0.1.4.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Program(
            row["task_id"],
            f"{row['code_prompt']}\n    pass\n{row['complete_prompt']}{row['canonical_solution']}",
            row["test"],
        )
        for row in rows
    ]


# A program that takes this much CPU computes; what an evaluator costs beside is little then.
COMPUTES_S = 10

# The ten tasks that sleep longest, 10 to 155 s: with them, wall time says nothing of the engine.
SLEEPERS = {461, 1104, 1040, 195, 821, 1103, 220, 17, 1105, 819}


class Bench:
    """Ours, with the same environment and number of workers in every run."""

    def __init__(self, workers: int) -> None:
        self.prepared = prepare()
        self.environment: Environment = self.prepared.environment
        self.workers = workers

    def run(
        self, chosen: Sequence[Program], workers: int | None = None, *, preload: bool = True
    ) -> tuple[Cost, list[Verdict]]:
        began, before = time.monotonic(), cpu_s()
        workers = workers or self.workers
        with Engine(self.environment, self.prepared.conditions, workers=workers, preload=preload) as engine:
            verdicts = list(engine.map(chosen))
        cost = Cost(time.monotonic() - began, cpu_s() - before, sum(verdict.passed for verdict in verdicts))
        return cost, verdicts

    def peak_memory_mb(self, running: int) -> float:
        """Most memory of all our processes with so many programs at once; what they share counts once (PSS)."""
        done = threading.Event()
        peak = 0.0

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.5):
                ours = processes.descendants([os.getpid()], processes.snapshot())
                peak = max(peak, sum(_pss_mb(process.pid) for process in ours))

        watcher = threading.Thread(target=watch)
        watcher.start()
        self.run(several(IMPORTING, running))
        done.set()
        watcher.join()
        return peak


def several(program: Program, number: int) -> list[Program]:
    """So many programs that do the same; equal ones would be executed once."""
    return [replace(program, solution=f"{program.solution}\n# {index}\n") for index in range(number)]


def cpu_s() -> float:
    """CPU of this process and of all descendants that have ended; the kernel's own clean-up is not in it."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _pss_mb(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:  # it has just ended
        pass
    return 0.0


def bubblewrap_ms(environment: Environment, times: int = 50) -> float | None:
    """Wall time of the trivial program in an interpreter of its own that bubblewrap confines; None without bwrap.

    It confines what it starts by exec, so nothing that was imported before can be shared.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return None
    words = [bwrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    words += ["--tmpfs", "/tmp", "--chdir", "/tmp", str(environment.python), "-c"]
    began = time.monotonic()
    for _ in range(times):
        code = f"{TRIVIAL.solution}\n{TRIVIAL.test}\nunittest.main(argv=['x'])"
        subprocess.run([*words, code], check=True, capture_output=True)
    return (time.monotonic() - began) / times * 1000


def compare(name: str, chosen: list[Program], bench: Bench, live: bool, out: Path | None) -> Cost:
    """Print a subset's rows, write its verdicts to `out` and return what ours cost."""
    ours, verdicts = bench.run(chosen)
    theirs, run = STORED[name], None
    if live:
        run = official.evaluate(chosen, bench.environment, bench.workers)
        theirs = Cost(run.wall_s, run.cpu_s, run.statuses.count("pass"))
    floor_s = max(verdict.seconds for verdict in verdicts)
    print(f"| {name} ({len(chosen)}), pass | {theirs.passed} | {ours.passed} | | |")
    walls = f"{theirs.wall_s:.0f} s | {ours.wall_s:.0f} s | {theirs.wall_s / ours.wall_s:.1f}"
    print(f"| {name}, wall | {walls} | {floor_s:.0f} s, the longest program |")
    _print_cpu(f"{name}, CPU", theirs.cpu_s, ours.cpu_s)
    if run:
        heavy = [index for index, cpu_s in enumerate(run.cpu_each_s) if cpu_s >= COMPUTES_S]
        their_heavy_s = sum(run.cpu_each_s[index] for index in heavy)
        our_heavy, _ = bench.run([chosen[index] for index in heavy])
        _print_cpu(
            f"{name}, CPU of the {len(heavy)} that compute {COMPUTES_S} s and more", their_heavy_s, our_heavy.cpu_s
        )
        _print_cpu(f"{name}, CPU of the others", theirs.cpu_s - their_heavy_s, ours.cpu_s - our_heavy.cpu_s)
    if out:
        statuses: Sequence[str | None] = run.statuses if run else [None] * len(chosen)
        rows = zip(chosen, statuses, verdicts, strict=True)
        lines = [{"task_id": p.task_id, "official": status, "ours": v.to_dict()} for p, status, v in rows]
        (out / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return ours


def _print_cpu(what: str, theirs_s: float, ours_s: float) -> None:
    print(f"| {what} | {theirs_s:.0f} s | {ours_s:.0f} s | {theirs_s / ours_s:.1f} | |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python benchmarks/engine.py --data data --subset Hard --no-official"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench[-Hard]-v0.1.4.jsonl.gz")
    parser.add_argument("--subset", choices=["Hard", "Full"], action="append", help="default: both")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ten-samples", action="store_true", help="also ten samples per task of Hard: ten minutes")
    parser.add_argument("--no-official", action="store_true", help="stored figures in place of the official evaluator")
    parser.add_argument("--out", type=Path, help="folder for the verdicts of both, a JSONL file per subset")
    options = parser.parse_args()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.workers)
    data = {name: programs(options.data, name) for name in ("Hard", "Full")}
    sandbox = prepare().conditions.sandbox
    print(f"{sandbox.description}; {options.workers} workers; load before: {os.getloadavg()[0]:.1f}")
    everything = data["Full" if "Full" in (options.subset or ["Full"]) else "Hard"]
    print("\n| work | official | ours | ratio | floor |\n| --- | --- | --- | --- | --- |")
    ours: dict[str, Cost] = {}
    for name in options.subset or ["Hard", "Full"]:
        ours[name] = compare(name, data[name], bench, live=not options.no_official, out=options.out)
    cost, _ = bench.run([program for program in everything if int(program.task_id.split("/")[1]) not in SLEEPERS])
    share = cost.wall_s / (cost.cpu_s / options.workers)
    print(f"| without sleepers, wall | | {cost.wall_s:.0f} s | | {share:.2f} times CPU / {options.workers} |")
    single, _ = bench.run([TRIVIAL], 1)
    many, _ = bench.run(several(TRIVIAL, 1001), 1)
    print(f"| a trivial program, one worker | | {many.wall_s - single.wall_s:.1f} ms | | 5 ms |", flush=True)
    other_ms = bubblewrap_ms(bench.environment)
    if other_ms is not None:
        print(f"| the same, an interpreter each, confined by bubblewrap | | {other_ms:.1f} ms | | |")
    if options.ten_samples:
        one = ours.get("Hard") or bench.run(data["Hard"])[0]
        ten, _ = bench.run([sample for program in data["Hard"] for sample in several(program, 10)])
        what = f"Hard, 10 samples per task ({len(data['Hard']) * 10}), CPU"
        print(f"| {what} | | {ten.cpu_s:.0f} s | | {ten.cpu_s / one.cpu_s:.1f} times one sample |", flush=True)
        print(f"| the same, wall | | {ten.wall_s:.0f} s | | |", flush=True)
        print(f"| the same, pass | | {ten.passed} | | |", flush=True)
    extra = (bench.peak_memory_mb(9) - bench.peak_memory_mb(3)) / 6
    print(f"| memory of one more program that runs (imports pandas) | | {extra:.0f} MB | | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
