"""What is written down is read back, and it is text that every file can hold."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from bigcodebench_tasks.execution import Verdict
from bigcodebench_tasks.scoring.ground_truth import GroundTruth
from bigcodebench_tasks.scoring.records import NOT_EXECUTED, ResponseStats, RunRecord, SampleRecord

SAMPLE = SampleRecord("x = 1", "```\nx = 1\n```", "fail", "assertion", {"test_a": "é\u2028"}, 0.5, 2)
RUN = RunRecord(
    split="instruct",
    subset="custom",
    mode="chat",
    options={"n_samples": 2},
    dataset_sha256="0" * 64,
    conditions={"sandbox": {"kind": "landlock"}, "lock": "official"},
    ground_truth=0.5,
    failed=["Made/1"],
    seeds={"fewshot": 1},
    task_ids=["Made/0", "Made/1"],
    prompting="custom",
    differs=["n_samples: 2"],
    responses=ResponseStats(4, 1, {"empty": 2}, 1280),
)


def test_a_sample_is_read_back_as_it_was_written() -> None:
    assert SampleRecord.from_dict(json.loads(str(SAMPLE))) == SAMPLE
    assert SampleRecord.from_dict(json.loads(json.dumps(SAMPLE.to_dict()))) == SAMPLE


def test_a_sample_can_be_written_whatever_its_traceback_holds() -> None:
    sample = replace(SAMPLE, details={"test_a": "half \ud83d of it"}, diagnosis="empty")
    assert str(sample).encode("utf-8")
    assert SampleRecord.from_dict(json.loads(str(sample))) == sample


def test_responses_are_counted_by_diagnosis() -> None:
    cut, empty = (replace(SAMPLE, diagnosis=name) for name in ("cut by the token limit", "empty"))
    stats = ResponseStats.of([[SAMPLE, cut], [cut, empty]], reasoning=3, limit=64)
    assert stats == ResponseStats(4, 3, {"cut by the token limit": 2, "empty": 1}, 64)


def test_a_copy_of_a_sample_is_logged_like_the_sample() -> None:
    """The harness copies what it logs, and then takes its text."""
    assert str(copy.deepcopy(SAMPLE)) == str(SAMPLE)


def test_a_verdict_becomes_a_record() -> None:
    verdict = Verdict("fail", "assertion", {"test_a": "é\u2028"}, 0.5, 2)
    assert SampleRecord.of(SAMPLE.solution, SAMPLE.raw_solution, verdict) == SAMPLE
    assert SAMPLE.executed
    assert not SAMPLE.passed


def test_a_sample_without_a_verdict_says_so() -> None:
    record = SampleRecord("x = 1")
    assert (record.status, record.executed, record.passed) == (NOT_EXECUTED, False, False)


def test_what_is_no_sample_is_refused() -> None:
    for content in ({}, {"solution": "x"}, {"solution": 1, "status": "pass"}):
        with pytest.raises((KeyError, TypeError)):
            SampleRecord.from_dict(content)


def test_a_run_is_read_back_as_it_was_written() -> None:
    assert RunRecord.from_dict(json.loads(json.dumps(RUN.to_dict()))) == RUN


def test_what_does_not_apply_to_a_run_is_left_out() -> None:
    bare = replace(RUN, conditions=None, ground_truth=None, failed=(), task_ids=None)
    assert not {"conditions", "ground_truth", "task_ids"} & bare.to_dict().keys()
    assert RunRecord.from_dict(bare.to_dict()) == bare


def test_ground_truth_is_added_once_it_is_known() -> None:
    truth = GroundTruth({"Made/0": Verdict("pass", "passed"), "Made/1": Verdict("timeout", "timeout")})
    record = replace(RUN, ground_truth=None, failed=()).with_ground_truth(truth)
    assert (record.ground_truth, list(record.failed)) == (0.5, ["Made/1"])
    assert RUN.with_ground_truth(None) == RUN


def test_a_run_of_an_earlier_version_is_read() -> None:
    content = {
        "plugin": "0.1.0",
        "dataset_sha256": "0" * 64,
        "split": "complete",
        "mode": "direct",
        "options": {"network": "host", "calibrated": False},
        "environment": {"lock": "official", "sha256": "1" * 64},
        "sandbox": "landlock",
        "ground_truth": {"pass_rate": 0.5, "failed": ["Made/1"]},
    }
    record = RunRecord.from_dict(content, "hard")
    assert record.subset == "hard"
    assert record.conditions == {
        "lock": "official",
        "lock_sha256": "1" * 64,
        "sandbox": {"kind": "landlock", "network": "host"},
    }
    assert (record.ground_truth, record.failed, record.calibrated) == (0.5, ["Made/1"], False)
