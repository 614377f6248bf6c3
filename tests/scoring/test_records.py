"""What is written down is read back, and it is text that every file can hold."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bigcodebench_tasks.execution import Verdict
from bigcodebench_tasks.execution.cluster import NodeUse
from bigcodebench_tasks.execution.conditions import Conditions, Limits, Sandbox
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.ground_truth import GroundTruth
from bigcodebench_tasks.scoring.records import (
    NOT_EXECUTED,
    GroundTruthRate,
    RecordText,
    ResponseStats,
    RunRecord,
    SampleRecord,
)

VERDICT = Verdict("fail", "assertion", {"test_a": "é\u2028"}, 0.5, 2)
SAMPLE = SampleRecord("x = 1", "```\nx = 1\n```", VERDICT)
RUN = RunRecord(
    split="instruct",
    subset="custom",
    mode="chat",
    options=Options(n_samples=2),
    dataset_sha256="0" * 64,
    conditions=Conditions("official", "1" * 64, Limits(), Sandbox("landlock", degraded="less"), missing=("zip",)),
    ground_truth=GroundTruthRate(0.5, ["Made/1"]),
    seeds={"fewshot": 1},
    task_ids=["Made/0", "Made/1"],
    prompting="custom",
    differs=["n_samples: 2"],
    responses=ResponseStats(4, 1, {"empty": 2}, 1280),
    nodes=[NodeUse("a", 2, 3)],
)


def test_a_sample_is_read_back_as_it_was_written() -> None:
    assert SampleRecord.from_dict(json.loads(RecordText.of(SAMPLE))) == SAMPLE
    assert SampleRecord.from_dict(json.loads(json.dumps(SAMPLE.to_dict()))) == SAMPLE


def test_a_sample_can_be_written_whatever_its_traceback_holds() -> None:
    sample = replace(SAMPLE, verdict=replace(VERDICT, details={"test_a": "half \ud83d of it"}), diagnosis="empty")
    assert sample.to_json().encode("utf-8")
    assert SampleRecord.from_dict(json.loads(sample.to_json())) == sample


def test_responses_are_counted_by_diagnosis() -> None:
    cut, empty = (replace(SAMPLE, diagnosis=name) for name in ("cut by the token limit", "empty"))
    stats = ResponseStats.of([[SAMPLE, cut], [cut, empty]], reasoning=3, limit=64)
    assert stats == ResponseStats(4, 3, {"cut by the token limit": 2, "empty": 1}, 64)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_a_copy_of_a_logged_sample_is_the_same_text_with_its_record(copied: Callable[[RecordText], RecordText]) -> None:
    text = RecordText.of(SAMPLE)
    assert (copied(text), copied(text).record) == (SAMPLE.to_json(), SAMPLE)
    assert json.loads(json.dumps([text])) == [SAMPLE.to_json()]


def test_the_logged_form_is_flat() -> None:
    assert SAMPLE.to_dict() == {
        "solution": "x = 1",
        "raw_solution": "```\nx = 1\n```",
        "status": "fail",
        "reason": "assertion",
        "details": {"test_a": "é\u2028"},
        "seconds": 0.5,
        "tests_run": 2,
        "diagnosis": "",
    }


def test_a_sample_without_a_verdict_says_so() -> None:
    record = SampleRecord("x = 1")
    assert (record.status, record.executed, record.passed) == (NOT_EXECUTED, False, False)


def test_what_is_no_sample_is_refused() -> None:
    whole = SAMPLE.to_dict()
    for content in ({}, {"solution": "x"}, whole | {"solution": 1}, whole | {"status": "so"}, whole | {"details": []}):
        with pytest.raises(ValueError, match=r"Object|Expected|Invalid"):
            SampleRecord.from_dict(content)


def test_a_run_is_read_back_as_it_was_written() -> None:
    assert RunRecord.from_dict(json.loads(json.dumps(RUN.to_dict()))) == RUN


@pytest.mark.parametrize(
    "wrong",
    [{"options": []}, {"options": {"x": 1}}, {"conditions": {}}, {"seeds": []}, {"responses": {"samples": "many"}}],
)
def test_what_is_no_run_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Object|Expected|unknown"):
        RunRecord.from_dict({**RUN.to_dict(), **wrong})


def test_what_does_not_apply_to_a_run_is_left_out() -> None:
    bare = replace(RUN, mode=None, conditions=None, ground_truth=None, task_ids=None)
    assert not {"conditions", "ground_truth", "task_ids"} & bare.to_dict().keys()
    assert RunRecord.from_dict(bare.to_dict()) == bare


def test_ground_truth_and_nodes_are_added_once_they_are_known() -> None:
    truth = GroundTruth({"Made/0": Verdict("pass", "passed"), "Made/1": Verdict("timeout", "timeout")})
    record = replace(RUN, ground_truth=None, nodes=None).scored(truth, [NodeUse("a", 2, 3)])
    assert record == RUN
    assert RUN.scored(None, None) == replace(RUN, ground_truth=None, nodes=None)
