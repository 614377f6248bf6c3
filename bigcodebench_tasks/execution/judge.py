"""From what happened to a program to its verdict: the one place that decides."""

from __future__ import annotations

import ast
import functools
import warnings
from dataclasses import dataclass

from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.verdict import Verdict
from bigcodebench_tasks.execution.worker.protocol import Report

_SKIPPING = {"skip", "skipIf", "skipUnless", "skipTest", "SkipTest"}


@dataclass(frozen=True)
class Suite:
    """What a test suite's source promises.

    Attributes:
        methods: names of the test methods of ``TestCases``; None if the source shows no such class.
        may_skip: whether the suite itself skips tests.
        may_expect_failure: whether the suite itself says that tests are expected to fail.
    """

    methods: frozenset[str] | None
    may_skip: bool
    may_expect_failure: bool


@functools.lru_cache(maxsize=4096)
def suite_of(test: str) -> Suite:
    """Read a test suite's source; it is never executed here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the dataset's strings
            tree = ast.parse(test)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Suite(None, False, False)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    methods: frozenset[str] | None = None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "TestCases":
            methods = frozenset(
                item.name
                for item in node.body
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and item.name.startswith("test")
            )
    return Suite(methods, bool(names & _SKIPPING), "expectedFailure" in names)


def judge(outcome: Outcome, suite: Suite) -> Verdict:
    """The verdict on one program.

    The official evaluator says "timeout" for every process that never reported, whether it ran out of
    time, was killed or left early; so does `Verdict.status`, and `Verdict.reason` keeps what it was.
    A pass needs all of: a normal exit, exactly one report with the sample's secret, no failure in it,
    and a run of every method that the suite declares. Stricter than the official evaluator: it passes
    suites that ran no test, or whose tests the solution skipped or expected to fail. What a solution replaced of
    unittest before its tests ran is no failure by itself, because they ran with the originals; it is named where they
    failed.
    """
    report = outcome.report
    if report is None or outcome.killed:
        return _without_report(outcome)

    def verdict(status: str, reason: str, details: dict[str, str]) -> Verdict:
        return Verdict(status, reason, details, outcome.seconds, len(set(report.ran)))  # type: ignore[arg-type]

    details = {name: _printable(text) for name, text in report.details.items()}
    tampered = report.tampered or report.undone
    if not report.loaded:
        reason = "tampered" if tampered else "did not load"
        return verdict("fail", reason, details or {"ALL": "the program did not load"})
    if details:
        failed_only = all(
            "AssertionError" in text.rstrip().rpartition("\nAssertionError")[1] for text in details.values()
        )
        return verdict("fail", "tampered" if tampered else "assertion" if failed_only else "error", details)
    if report.tampered:
        return verdict("fail", "tampered", {"ALL": "the program replaced parts of unittest while its tests ran"})
    if outcome.exit != 0:
        return verdict("fail", _exit_reason(outcome.exit), {"ALL": f"the process ended with status {outcome.exit}"})
    missing = _missing(report, suite)
    if missing:
        reason = "tampered" if report.undone else "not all tests ran"
        return verdict("fail", reason, {"ALL": f"did not run: {', '.join(missing)}"})
    return verdict("pass", "passed", {})


def _missing(report: Report, suite: Suite) -> list[str]:
    if suite.methods is None:
        return ["TestCases, which the test suite's source does not define"]
    if not suite.methods:
        return ["any test, because TestCases has none"]
    ran = set(report.ran)
    if not suite.may_skip:
        ran -= set(report.skipped)
    if not suite.may_expect_failure:
        ran -= set(report.expected)
    return sorted(suite.methods - ran)


def _without_report(outcome: Outcome) -> Verdict:
    if outcome.killed == "timeout":
        return Verdict("timeout", "timeout", {"ALL": "no report within the time limit"}, outcome.seconds)
    if outcome.killed:
        reason = "memory" if outcome.killed == "memory" else outcome.killed
        return Verdict("timeout", reason, {"ALL": f"killed: {outcome.killed}"}, outcome.seconds)
    if outcome.problem == "forged":
        text = "something that is not the report of the test run arrived in its place"
        return Verdict("fail", "invalid report", {"ALL": text}, outcome.seconds)
    reason = _exit_reason(outcome.exit)
    return Verdict("timeout", reason, {"ALL": f"no report: {reason}, status {outcome.exit}"}, outcome.seconds)


def _exit_reason(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else "exited early"


def _printable(text: str) -> str:
    """Lone surrogates as escapes, so that every file format downstream can hold the text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
