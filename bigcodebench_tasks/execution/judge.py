"""The verdict on a program, from how it ended and what it reported. Nothing else decides."""

from __future__ import annotations

import ast
import functools
import warnings
from dataclasses import dataclass

from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.verdict import Reason, Status, Verdict
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

    A pass needs all of:

    - a normal exit,
    - exactly one report with the sample's token, without a failure in it,
    - a run of every test method that the suite's source declares.

    The official evaluator is less strict: a suite passes there although it ran no test, or the solution skipped its
    tests or marked them as expected to fail. A solution that had replaced parts of unittest before the tests may pass,
    because the tests ran with the originals; the reason is "tampered" if it fails.
    """
    report = outcome.report
    if report is None or outcome.killed:
        return _without_report(outcome)

    def verdict(reason: str, details: dict[str, str]) -> Verdict:
        status: Status = "pass" if reason == Reason.PASSED else "fail"
        return Verdict(status, reason, details, outcome.seconds, len(set(report.ran)))

    details = {name: _printable(text) for name, text in report.details.items()}
    tampered = report.tampered or report.undone
    if not report.loaded:
        reason = Reason.TAMPERED if tampered else Reason.DID_NOT_LOAD
        return verdict(reason, details or {"ALL": "the program did not load"})
    if details:
        failed_only = all(
            "AssertionError" in text.rstrip().rpartition("\nAssertionError")[1] for text in details.values()
        )
        return verdict(Reason.TAMPERED if tampered else Reason.ASSERTION if failed_only else Reason.ERROR, details)
    if report.tampered:
        return verdict(Reason.TAMPERED, {"ALL": "the program replaced parts of unittest while its tests ran"})
    if outcome.exit != 0:
        return verdict(_exit_reason(outcome.exit), {"ALL": f"the process ended with status {outcome.exit}"})
    if missing := _missing(report, suite):
        reason = Reason.TAMPERED if report.undone else Reason.NOT_ALL_TESTS_RAN
        return verdict(reason, {"ALL": f"did not run: {', '.join(missing)}"})
    return verdict(Reason.PASSED, {})


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
    if outcome.problem == "forged" and not outcome.killed:
        text = "something that is not the report of the test run arrived in its place"
        return Verdict("fail", Reason.INVALID_REPORT, {"ALL": text}, outcome.seconds)
    if outcome.killed == Reason.TIMEOUT:
        text = "no report within the time limit"
    elif outcome.killed:
        text = f"killed: {outcome.killed}"
    else:
        text = f"no report: {_exit_reason(outcome.exit)}, status {outcome.exit}"
    return Verdict("timeout", outcome.killed or _exit_reason(outcome.exit), {"ALL": text}, outcome.seconds)


def _exit_reason(status: int) -> str:
    return f"{Reason.SIGNAL} {-status}" if status < 0 else Reason.EXITED_EARLY


def _printable(text: str) -> str:
    """The text with lone surrogates escaped, so that every file format can hold it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
