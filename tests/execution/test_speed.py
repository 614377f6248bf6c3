"""The option `speed`: a shorter time limit by task, a suite that ends after its first failing test, nothing else."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, Verdict, prepare, probe
from bigcodebench_tasks.execution import speed as speed_module
from bigcodebench_tasks.execution.speed import time_limit_s
from tests.helpers.programs import RIGHT, WRONG, program

SUBTESTS = """
import unittest
class TestCases(unittest.TestCase):
    def test_one(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(task_func(), "right")
    def test_two(self):
        self.assertEqual(task_func(), "right")
"""
UNEXPECTED = """
import unittest
class TestCases(unittest.TestCase):
    @unittest.expectedFailure
    def test_one(self):
        self.assertEqual(task_func(), "right")
    def test_two(self):
        self.assertEqual(task_func(), "right")
"""


def verdict(environment: Environment, level: str, speed: str, solution: str, test: str | None = None) -> Verdict:
    conditions = Conditions.of(environment, probe(environment, sandbox=level), speed=speed)
    with Engine(environment, conditions) as engine:
        return engine.submit(program(solution, test) if test else program(solution)).result()


def test_the_suite_ends_after_its_first_failing_test(environment: Environment, level: str) -> None:
    official = verdict(environment, level, "official", WRONG)
    fast = verdict(environment, level, "fast", WRONG)
    assert (official.status, official.tests_run, set(official.details)) == ("fail", 2, {"test_one", "test_two"})
    assert (fast.status, fast.tests_run, set(fast.details)) == ("fail", 1, {"test_one"})
    assert fast.reason == official.reason == "assertion"


def test_the_first_failing_subtest_ends_it_too(environment: Environment, level: str) -> None:
    official = verdict(environment, level, "official", WRONG, SUBTESTS)
    fast = verdict(environment, level, "fast", WRONG, SUBTESTS)
    assert official.status == "fail"
    assert "test_two" in official.details
    assert fast.status == "fail"
    assert "test_two" not in fast.details


@pytest.mark.parametrize("speed", ["official", "fast"])
def test_an_unexpected_success_passes_and_ends_nothing(environment: Environment, level: str, speed: str) -> None:
    passed = verdict(environment, level, speed, RIGHT, UNEXPECTED)
    assert (passed.status, passed.tests_run) == ("pass", 2), passed


@pytest.mark.parametrize(
    ("speed", "canonical_s", "task", "limit_s"),
    [
        ("official", 0.1, 1028, 240.0),
        ("fast", 0.1, 1028, 60.0),
        ("fast", 7.0, 1028, 70.0),
        ("fast", 155.0, 461, 240.0),
        ("fast", None, 1028, 240.0),
        ("fast", 1.5, 587, 240.0),
    ],
)
def test_the_time_limit_is_by_task(speed: str, canonical_s: float | None, task: int, limit_s: float) -> None:
    assert time_limit_s(speed, 240.0, canonical_s, f"BigCodeBench/{task}") == limit_s


def test_a_program_runs_into_the_limit_of_its_task(
    environment: Environment, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed_module, "LEAST_S", 1.0)
    conditions = Conditions.of(environment, probe(environment, sandbox=level), Limits(), "fast")
    with Engine(environment, conditions) as engine:
        engine.measured("test/loops", 0.01)
        future = engine.submit(program("while True: pass\n", task_id="test/loops"))
        assert (future.result().status, future.result().reason) == ("timeout", "timeout")
        assert future.result().seconds < 200, "not the official limit"


def test_another_speed_is_refused() -> None:
    with pytest.raises(OptionError, match=r"speed='slow'.*official, fast"):
        prepare(speed="slow")
