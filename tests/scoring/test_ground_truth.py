"""Ground truth on record: what is executed, what is taken from the record, and what explains a failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Environment, Limits
from bigcodebench_tasks.files import CACHE_VARIABLE, cache_folder
from bigcodebench_tasks.scoring import ground_truth as groundtruth

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
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """This very interpreter, and an empty cache folder."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return Environment(Path(sys.executable), "custom", "0" * 64, Path(sys.prefix))


def test_every_task_gets_a_verdict_and_its_seconds(environment: Environment) -> None:
    found = groundtruth.ground_truth([RIGHT, WRONG], environment)
    assert [record.status for record in found.records.values()] == ["pass", "fail"]
    assert (found.failed, found.pass_rate, found.executed) == (["BigCodeBench/2"], 0.5, 2)
    assert found.records["BigCodeBench/2"].message == "AssertionError: 2 != 1"
    assert all(0 < seconds < 60 for seconds in found.durations.values())


def test_what_passed_is_not_executed_again_and_what_failed_is(environment: Environment) -> None:
    groundtruth.ground_truth([RIGHT, WRONG], environment)
    assert groundtruth.ground_truth([RIGHT, ALSO_RIGHT, WRONG], environment).executed == 2
    assert groundtruth.ground_truth([RIGHT, ALSO_RIGHT], environment).executed == 0
    assert groundtruth.ground_truth([RIGHT, ALSO_RIGHT], environment, fresh=True).executed == 2


def test_a_record_is_valid_only_for_the_same_program_lock_and_time_limit(environment: Environment) -> None:
    groundtruth.ground_truth([RIGHT], environment)
    changed = {**RIGHT, "test": RIGHT["test"] + "\n# another version\n"}
    assert groundtruth.ground_truth([changed], environment).executed == 1
    other = Environment(environment.python, "custom", "1" * 64, environment.folder)
    assert groundtruth.ground_truth([RIGHT], other).executed == 1
    assert groundtruth.ground_truth([RIGHT], environment, limits=Limits(timeout_s=99)).executed == 1


def test_a_broken_record_is_worked_out_again(environment: Environment) -> None:
    groundtruth.ground_truth([RIGHT], environment)
    (file,) = (cache_folder() / "ground-truth").iterdir()
    file.write_text('{"half')
    assert groundtruth.ground_truth([RIGHT], environment).executed == 1
    assert groundtruth.ground_truth([RIGHT], environment).executed == 0


def test_a_cache_folder_that_cannot_be_written_is_no_error(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert groundtruth.ground_truth([RIGHT], environment).pass_rate == 1.0


def test_no_task_is_a_pass_rate_of_one(environment: Environment) -> None:
    assert groundtruth.ground_truth([], environment).pass_rate == 1.0


def test_known_reasons_explain_a_failure_and_nothing_else_does(environment: Environment, tmp_path: Path) -> None:
    bare = Environment(environment.python, "official", "0" * 64, tmp_path)
    assert groundtruth.reason("BigCodeBench/1005", bare) == "calls a remote host"
    assert groundtruth.reason("BigCodeBench/726", bare) == "NLTK data words is missing"
    (tmp_path / "nltk_data" / "corpora" / "words").mkdir(parents=True)
    assert groundtruth.reason("BigCodeBench/726", bare) == ""
    assert groundtruth.reason("BigCodeBench/2", bare) == ""
    assert groundtruth.reason("BigCodeBenchMini/2", bare) == ""
