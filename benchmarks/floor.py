"""What of an engine's CPU is the programs' own? ``python benchmarks/floor.py --data <folder>``.

Executes the ground truths and asks each program, from inside, what it used itself: from its first line to its last
test, with its child processes, without what its import statements took. The rest is imports and the engine.

With ``--fresh`` nothing is imported beforehand. A program then shares no memory with the process that forked it, so
its own figure has none of the pages in it that a forked process copies when it first writes to them.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from engine import Bench, programs

from bigcodebench_tasks.execution import Program, Verdict

# Before the solution: the CPU time of the outermost imports, those within an import being part of it.
_BEFORE = """
def _start_clock():
    import builtins, os, time
    cpu_s, times, real = time.process_time, os.times, builtins.__import__
    depth, imports_s = 0, 0.0
    def timed(*args, **kwargs):
        nonlocal depth, imports_s
        if depth:
            return real(*args, **kwargs)
        depth, began = 1, cpu_s()
        try:
            return real(*args, **kwargs)
        finally:
            depth, imports_s = 0, imports_s + cpu_s() - began
    builtins.__import__ = timed
    began_s = cpu_s()
    def say():
        children = times()
        used_s = cpu_s() - began_s + children.children_user + children.children_system
        raise AssertionError(f"own cpu {used_s - imports_s:.4f} imports {imports_s:.4f}")
    return say
_say_own_cpu = _start_clock()
"""

# After the tests: a failing tearDownClass is the only way out of the sandbox, through the details of the verdict.
_AFTER = """
def _then_say(tear_down=TestCases.tearDownClass, say=_say_own_cpu):
    tear_down()
    say()
TestCases.tearDownClass = _then_say
"""

_SAID = re.compile(r"own cpu ([\d.]+) imports ([\d.]+)")


@dataclass(frozen=True)
class Inside:
    """What a program says that it used, in seconds of CPU."""

    own_s: float
    imports_s: float


def instrumented(program: Program) -> Program:
    """The program, which ends in an error that says what it used; so it never passes."""
    return replace(program, solution=_BEFORE + program.solution, test=program.test + _AFTER)


def inside(verdict: Verdict) -> Inside | None:
    """What the program said; None if it did not come to it."""
    said = _SAID.search("\n".join(verdict.details.values()))
    return Inside(float(said[1]), float(said[2])) if said else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench[-Hard]-v0.1.4.jsonl.gz")
    parser.add_argument("--subset", choices=["Hard", "Full"], action="append", help="default: both")
    parser.add_argument("--fresh", action="store_true", help="import nothing beforehand")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    bench = Bench(options.workers)
    print("| subset | CPU, all in | the programs' own | their imports | the rest | programs that did not say |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in options.subset or ["Hard", "Full"]:
        chosen = [instrumented(program) for program in programs(options.data, name)]
        cost, verdicts = bench.run(chosen, preload=not options.fresh)
        said = [found for verdict in verdicts if (found := inside(verdict))]
        own_s, imports_s = sum(found.own_s for found in said), sum(found.imports_s for found in said)
        rest_s = cost.cpu_s - own_s - imports_s
        seconds = f"{cost.cpu_s:.0f} s | {own_s:.0f} s | {imports_s:.0f} s | {rest_s:.0f} s"
        print(f"| {name} ({len(chosen)}) | {seconds} | {len(chosen) - len(said)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
