"""What goes into execution and what comes out: a `Program` in, a `Verdict` out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, Literal

from bigcodebench_tasks.execution.worker.protocol import Program

__all__ = ["CANARY", "Program", "Reason", "Status", "Verdict", "exception_line", "headline"]

Status = Literal["pass", "fail", "timeout"]

EMPTY_SUITE = "import unittest\nclass TestCases(unittest.TestCase):\n    def test_nothing(self): pass\n"

CANARY = Program("canary", "", EMPTY_SUITE)
"""A program that runs wherever programs can run at all."""


class Reason(str, Enum):
    """Why a program has its status. `sentence` says when a verdict has this reason."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> Reason:
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        return member

    __str__ = str.__str__

    PASSED = "passed", "every declared test method ran, none failed"
    ASSERTION = "assertion", "tests failed, all of them by an assertion"
    ERROR = "error", "a test failed by another exception"
    DID_NOT_LOAD = "did not load", "the program raised while it was loaded, SystemExit included"
    NOT_ALL_TESTS_RAN = (
        "not all tests ran",
        "a declared test did not run to its end, or the solution skipped it or marked it as expected to fail",
    )
    TAMPERED = (
        "tampered",
        "the solution replaced parts of unittest or builtins, and its tests failed or it did so while they ran",
    )
    INVALID_REPORT = "invalid report", "something else arrived in place of the report"
    TIMEOUT = "timeout", "no report within the time limit"
    MEMORY = "memory", "all processes together exceeded the memory limit"
    PROCESSES = "processes", "all processes together exceeded the limit on processes and threads"
    OUTPUT_LIMIT = "output limit", "the sample sent more than a report can be"
    BROKE_THE_SANDBOX = (
        "broke the sandbox",
        "the execution machinery failed with it three times, the last time alone, and works with a minimal program",
    )
    EXITED_EARLY = "exited early", "the process ended before it had reported"
    SIGNAL = "killed by signal", "the process was killed by a signal; the signal's number follows"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one program.

    Attributes:
        status: the official evaluator's word: "pass", "fail" or "timeout". It says "timeout" for every process that
            did not report.
        reason: a `Reason`; after `Reason.SIGNAL` comes a number, as in "killed by signal 9".
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
        return {**asdict(self), "reason": str(self.reason)}


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
