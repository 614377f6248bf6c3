"""Small programs, and how to see whether a process of theirs is left."""

from __future__ import annotations

import contextlib
import glob
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, Program, Verdict
from bigcodebench_tasks.execution.conditions import OFFICIAL_LIMITS
from bigcodebench_tasks.execution.prepare import probe

SUITE = """
import unittest

class TestCases(unittest.TestCase):
    def test_one(self):
        self.assertEqual(task_func(), "right")

    def test_two(self):
        self.assertEqual(task_func(), "right")
"""
RIGHT = "def task_func():\n    return 'right'\n"
WRONG = "def task_func():\n    return 'wrong'\n"

LIMITS = Limits(timeout_s=300, tree_memory_mib=512)
"""For programs that end by themselves: no busy machine reaches this time limit."""

THIS_PYTHON = Environment(Path(sys.executable), "custom", "0" * 64, Path(sys.prefix))
"""The interpreter of the tests as an execution environment, without BigCodeBench's libraries."""


def program(solution: str, test: str = SUITE, task_id: str = "test/0") -> Program:
    return Program(task_id, solution, test)


def asleep(seconds: float, number: int = 0) -> str:
    """A right solution that sleeps first; another number is another program."""
    return f"import time\ntime.sleep({seconds})  # {number}\n{RIGHT}"


def execute(
    programs: Sequence[Program],
    environment: Environment,
    *,
    sandbox: str | None = None,
    network: str = "loopback",
    limits: Limits = OFFICIAL_LIMITS,
    on_verdict: Callable[[int, Verdict], None] | None = None,
    **options: Any,
) -> list[Verdict]:
    """The verdicts of programs, in an engine of their own.

    Args:
        on_verdict: called with index and verdict, in the order of completion.
        options: of the engine.
    """
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox, network=network), limits)
    with Engine(environment, conditions, **options) as engine:
        futures = {engine.submit(program): index for index, program in enumerate(programs)}
        for future in as_completed(futures):
            verdict = future.result()
            if on_verdict:
                on_verdict(futures[future], verdict)
        return [future.result() for future in futures]


def assert_gone(mark: str | Path) -> None:
    """No process is left; the kernel may need a moment for the last one that was killed, or a minute if it is busy."""
    end = time.monotonic() + 60
    while processes_of(mark) and time.monotonic() < end:
        time.sleep(0.02)
    assert processes_of(mark) == []


def processes_of(mark: str | Path) -> list[int]:
    """Processes that were started, or forked from one that was started, with this in their variables.

    The path of a scratch folder is such a mark; so is any text that nobody else knows. Each thread is looked at: a
    process whose first one has ended shows nothing.
    """
    found = set()
    for entry in glob.iglob("/proc/[0-9]*/task/[0-9]*/environ"):
        try:
            if str(mark).encode() in Path(entry).read_bytes():
                found.add(int(entry.split("/")[2]))
        except OSError:  # ended meanwhile, or not ours
            continue
    return sorted(found)


def kill_all(mark: str | Path) -> list[int]:
    """Kill those processes; one that dies may take others with it before their turn."""
    found = processes_of(mark)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found
