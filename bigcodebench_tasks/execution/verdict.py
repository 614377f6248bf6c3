"""The values that cross the seam of execution: a program goes in, a verdict comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bigcodebench_tasks.execution.worker.protocol import Program

__all__ = ["CANARY", "Program", "Status", "Verdict", "exception_line", "headline"]

Status = Literal["pass", "fail", "timeout"]


CANARY = Program(
    "harmless", "", "import unittest\nclass TestCases(unittest.TestCase):\n    def test_nothing(self): pass\n"
)
"""A program that every machine can run which can run programs at all."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one program.

    Attributes:
        status: what the official evaluator would say: "pass", "fail" or "timeout".
        reason: why, in one of our words: "passed", "assertion", "error", "timeout", "memory",
            "killed by signal N", "exited early", "did not load", "output limit", "not all tests ran",
            "tampered", "broke the sandbox".
        details: test method name to traceback, or {"ALL": message} when no single test is to blame.
        seconds: wall-clock seconds from the start of loading to the report.
        tests_run: how many test methods reported.
    """

    status: Status
    reason: str
    details: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    tests_run: int = 0

    @property
    def passed(self) -> bool:
        return self.status == "pass"

    def headline(self) -> str:
        """See `headline`."""
        return headline(self.details, self.reason)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON types."""
        return asdict(self)


def headline(details: Mapping[str, str], reason: str) -> str:
    """The exception of the first test that failed, in one line; the reason where there is none.

    Args:
        details, reason: those of a verdict.
    """
    return exception_line(next(iter(details.values()), "")) or reason


def exception_line(traceback: str) -> str:
    """The line that names the exception: the first one below the frames, because a message can have many lines."""
    lines = traceback.strip().splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback (")]
    below = lines[starts[-1] + 1 :] if starts else lines
    return next((line for line in below if line.strip() and not line.startswith(" ")), "")
