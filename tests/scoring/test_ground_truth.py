"""Ground truth on record: what is executed, what is taken from the record, and what explains a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.scoring import ground_truth
from bigcodebench_tasks.scoring.ground_truth import GroundTruth
from tests.helpers.programs import THIS_PYTHON

Check = Callable[..., GroundTruth]

TEST = """
import unittest

class TestCases(unittest.TestCase):
    def test_it(self):
        self.assertEqual(task_func(), 1)
"""


def task(number: int, body: str, test: str = TEST) -> dict[str, str]:
    prompt = "def task_func():\n"
    return {
        "task_id": f"BigCodeBench/{number}",
        "complete_prompt": prompt + '    """Return 1."""\n',
        "code_prompt": prompt,
        "canonical_solution": body,
        "test": test,
    }


RIGHT, ALSO_RIGHT, WRONG = task(0, "    return 1"), task(1, "    return 2 - 1"), task(2, "    return 2")


@pytest.fixture
def environment(processes: None) -> Environment:
    """This very interpreter."""
    return THIS_PYTHON


@pytest.fixture
def check(environment: Environment, tmp_path: Path) -> Check:
    """Works out the ground truth of tasks, with one cache for all calls; more changes the conditions."""

    def run(*tasks: dict[str, str], fresh: bool = False, **changes: Any) -> GroundTruth:
        conditions = Conditions.of(environment, probe(environment))
        with Engine(environment, replace(conditions, **changes), cache=tmp_path / "verdicts.sqlite") as engine:
            return ground_truth.submit_ground_truth(tasks, engine, fresh=fresh).result()

    return run


def test_every_task_gets_a_verdict_and_its_seconds(check: Check) -> None:
    truth = check(RIGHT, WRONG)
    assert [verdict.status for verdict in truth.verdicts.values()] == ["pass", "fail"]
    assert (truth.failed, truth.pass_rate, truth.executed) == (["BigCodeBench/2"], 0.5, 2)
    assert truth.verdicts["BigCodeBench/2"].headline() == "AssertionError: 2 != 1"
    assert all(verdict.seconds > 0 for verdict in truth.verdicts.values())


def test_what_passed_is_not_executed_again_and_what_failed_is(check: Check) -> None:
    check(RIGHT, WRONG)
    assert check(RIGHT, ALSO_RIGHT, WRONG).executed == 2
    assert check(RIGHT, ALSO_RIGHT).executed == 0
    assert check(RIGHT, ALSO_RIGHT, fresh=True).executed == 2


def test_it_is_known_only_for_the_same_program_and_conditions(check: Check) -> None:
    check(RIGHT)
    assert check({**RIGHT, "test": RIGHT["test"] + "\n# another version\n"}).executed == 1
    assert check(RIGHT, lock_sha256="1" * 64).executed == 1
    assert check(RIGHT, limits=Limits(timeout_s=99)).executed == 1
    assert check(RIGHT).executed == 0


def test_a_cache_that_cannot_be_written_is_no_error(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    conditions = Conditions.of(environment, probe(environment))
    with Engine(environment, conditions, cache=tmp_path / "file" / "verdicts.sqlite") as engine:
        assert ground_truth.submit_ground_truth([RIGHT], engine).result().pass_rate == 1.0


def test_no_task_is_a_pass_rate_of_one(check: Check) -> None:
    assert check().pass_rate == 1.0


def test_known_reasons_explain_a_failure_and_nothing_else_does(environment: Environment, tmp_path: Path) -> None:
    bare = Environment(environment.python, "official", "0" * 64, tmp_path)
    assert ground_truth.reason("BigCodeBench/1005", bare) == "calls a remote host"
    assert ground_truth.reason("BigCodeBench/726", bare) == "NLTK data words is missing"
    (tmp_path / "nltk_data" / "corpora" / "words").mkdir(parents=True)
    assert ground_truth.reason("BigCodeBench/726", bare) == ""
    assert ground_truth.reason("BigCodeBench/2", bare) == ""
    assert ground_truth.reason("BigCodeBenchMini/2", bare) == ""
