"""The summary of a run says what people ask."""

from __future__ import annotations

from dataclasses import replace

from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord
from bigcodebench_tasks.scoring.summary import summary

RIGHT = SampleRecord("", status="pass", reason="passed")
WRONG = SampleRecord("", status="fail", reason="assertion")
RUN = RunRecord(
    split="complete",
    subset="mini",
    mode="chat",
    options={"ground_truth": "check"},
    dataset_sha256="0" * 64,
    conditions={"level": "landlock", "lock": "official"},
    ground_truth=0.5,
)


def test_the_summary_says_what_people_ask() -> None:
    text = summary([[RIGHT] * 2, [WRONG] * 2], RUN, 12.3)
    for words in (
        "pass@1 0.5000 (95% interval 0.0945 to 0.9055)",
        "2 of 4 samples of 2 tasks",
        "passed 2, assertion 2",
        "ground truth 0.5000",
        "isolation landlock; libraries of the official lock; sanitized and executed in 12 s",
        "bigcodebench-tasks report",
    ):
        assert words in text


def test_ground_truth_is_named_where_it_was_checked_or_left_out() -> None:
    unchecked = replace(RUN, ground_truth=None)
    skipped = replace(unchecked, options={"ground_truth": "skip"})
    assert "ground truth not checked" in summary([[RIGHT]], skipped, 1.0)
    # The model that answers with it.
    assert "ground truth" not in summary([[RIGHT]], unchecked, 1.0)
