"""Only a complete, single, honest report of every declared test is a pass."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest

from bigcodebench_tasks.execution.judge import judge, suite_of
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.verdict import Reason, Verdict, exception_line
from bigcodebench_tasks.execution.worker.protocol import Report

SUITE = suite_of(
    "import unittest\nclass TestCases(unittest.TestCase):\n  def test_a(self): pass\n  def test_b(self): pass"
)


def report(**changes: Any) -> Report:
    return replace(Report(True, False, False, ["test_a", "test_b"], [], [], {}), **changes)


def outcome(report: Report | None, *, status: int = 0, killed: str = "", problem: str = "") -> Outcome:
    return Outcome(0, status, killed, report, problem or ("" if report else "missing"), 1.0)


@pytest.mark.parametrize(
    ("happened", "status", "reason"),
    [
        (outcome(report()), "pass", "passed"),
        (outcome(report(ran=["test_a"])), "fail", "not all tests ran"),
        (outcome(report(ran=[])), "fail", "not all tests ran"),
        (outcome(report(skipped=["test_b"])), "fail", "not all tests ran"),
        (outcome(report(expected=["test_b"])), "fail", "not all tests ran"),
        (outcome(report(tampered=True)), "fail", "tampered"),
        (outcome(report(undone=True)), "pass", "passed"),
        (outcome(report(undone=True, ran=["test_a"])), "fail", "tampered"),
        (outcome(report(undone=True, details={"test_a": "Traceback\nAssertionError: 1\n"})), "fail", "tampered"),
        (outcome(report(tampered=True, details={"test_a": "Traceback\nValueError: 1\n"})), "fail", "tampered"),
        (outcome(report(loaded=False, ran=[], details={"ALL": "x"})), "fail", "did not load"),
        (outcome(report(details={"test_a": "Traceback\nAssertionError: 1 != 2\n"})), "fail", "assertion"),
        (outcome(report(details={"test_a": "Traceback\nValueError: no\n"})), "fail", "error"),
        (outcome(report(), status=1), "fail", "exited early"),
        (outcome(report(), status=-9), "fail", "killed by signal 9"),
        (outcome(report(), killed="timeout"), "timeout", "timeout"),
        (outcome(None, status=-9, killed="memory"), "timeout", "memory"),
        (outcome(None, status=-11), "timeout", "killed by signal 11"),
        (outcome(None), "timeout", "exited early"),
        (outcome(None, problem="forged"), "fail", "invalid report"),
    ],
)
def test_verdict(happened: Outcome, status: str, reason: str) -> None:
    verdict = judge(happened, SUITE)
    assert (verdict.status, verdict.reason) == (status, reason)
    assert verdict.reason in list(Reason) or verdict.reason.startswith(f"{Reason.SIGNAL} ")


def test_a_reason_is_its_word_wherever_it_is_written() -> None:
    verdict = Verdict("fail", Reason.DID_NOT_LOAD)
    assert f"{verdict.reason}" == str(verdict.reason) == "did not load"
    assert verdict.to_dict() == Verdict("fail", "did not load").to_dict()
    assert type(verdict.to_dict()["reason"]) is str
    assert json.dumps(verdict.reason) == '"did not load"'
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    assert all(reason.sentence for reason in Reason)


def test_a_suite_may_skip_its_own_tests() -> None:
    suite = suite_of("class TestCases:\n  @unittest.skip('slow')\n  def test_a(self): pass\n  def test_b(self): pass")
    assert judge(outcome(report(skipped=["test_a"])), suite).passed


def test_a_suite_may_expect_its_own_tests_to_fail() -> None:
    suite = suite_of(
        "class TestCases:\n  @unittest.expectedFailure\n  def test_a(self): pass\n  def test_b(self): pass"
    )
    assert judge(outcome(report(expected=["test_a"])), suite).passed


def test_a_suite_without_tests_is_no_pass() -> None:
    assert not judge(outcome(report(ran=[])), suite_of("class TestCases: pass")).passed
    assert not judge(outcome(report()), suite_of("def broken(")).passed


def test_details_can_be_written_to_any_file() -> None:
    verdict = judge(outcome(report(details={"test_a": "\ud800"})), SUITE)
    assert verdict.details["test_a"].encode() == b"\\ud800"


def test_a_traceback_is_known_by_the_line_that_names_its_exception() -> None:
    frames = "Traceback (most recent call last):\n  File 'x', line 3\n"
    compared = f"{frames}AssertionError: 'a' != 'b'\n- a\n+ b\n? ^\n"
    chained = f"{frames}KeyError: 1\n\nDuring handling:\n\n{compared}"
    assert exception_line(compared) == exception_line(chained) == "AssertionError: 'a' != 'b'"
    assert exception_line("No module named 'x'") == "No module named 'x'"
    assert exception_line("") == ""
    assert Verdict("fail", "assertion", {"t": compared}).headline() == "AssertionError: 'a' != 'b'"
    assert Verdict("timeout", "memory").headline() == "memory"
