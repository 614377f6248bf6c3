"""Do verdicts depend on how programs are run? ``python benchmarks/flips.py --data <folder> namespaces landlock``.

Executes the ground truths once for each word, in this order, and prints every task whose verdicts differ:

namespaces, landlock   at that level, with the common libraries imported once
fresh                  nothing imported beforehand: every program imports for itself
busy                   beside twice as many endless loops as there are cores

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
from pathlib import Path

from engine import cpu_s, programs

from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.execution import Program, Verdict, execute
from bigcodebench_tasks.execution.preparation import prepare
from bigcodebench_tasks.progress import progress

WAYS = ("namespaces", "landlock", "fresh", "busy")


@contextlib.contextmanager
def endless_loops(number: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run(way: str, chosen: Sequence[Program]) -> list[Verdict]:
    level = "landlock" if way == "landlock" else None
    with (
        endless_loops(2 * (os.cpu_count() or 1) if way == "busy" else 0),
        progress(len(chosen), way, "task") as bar,
    ):
        return execute(
            chosen,
            prepare(level).environment,
            sandbox=level,
            preload=way != "fresh",
            on_verdict=lambda _index, _verdict: bar.update(),
        )


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
    parser.add_argument("--out", type=Path, help="folder for the verdicts of each run, as JSONL")
    options = parser.parse_args()
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
        verdicts = run(way, chosen)
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
