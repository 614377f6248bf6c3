"""The summary of a run says what people ask."""

from __future__ import annotations

from dataclasses import replace

from bigcodebench_tasks.benchmark.shortfalls import CUT, EMPTY, NULL, SHORTFALLS, UNFINISHED
from bigcodebench_tasks.scoring.records import Answers, RunRecord, SampleRecord
from bigcodebench_tasks.scoring.summary import summary, warnings

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
        "isolation landlock; libraries of the official lock; scored 12 s after the last answer",
        "bigcodebench-tasks report",
    ):
        assert words in text


def test_ground_truth_is_named_where_it_was_checked_or_left_out() -> None:
    unchecked = replace(RUN, ground_truth=None)
    skipped = replace(unchecked, options={"ground_truth": "skip"})
    assert "ground truth not checked" in summary([[RIGHT]], skipped, 1.0)
    # The model that answers with it.
    assert "ground truth" not in summary([[RIGHT]], unchecked, 1.0)


def test_what_answers_fall_short_of_and_how_the_model_was_asked_is_said() -> None:
    run = replace(RUN, answers=Answers(4, 2, {EMPTY: 1}), prompting="thinking", differs=["max_gen_toks: 8192"])
    text = summary([[RIGHT]], run, 1.0)
    assert "answers: 2 with thoughts, which were taken off, empty 1" in text
    assert "asked as a model that thinks, which differs from the leaderboard's settings (max_gen_toks: 8192)" in text


def test_from_two_percent_on_a_warning_says_what_to_do() -> None:
    assert warnings(None) == []
    assert warnings(Answers(100, shortfalls={CUT: 1})) == []
    (line,) = warnings(Answers(150, shortfalls={CUT: 18}, limit=1280))
    assert line == "12% of the answers (18 of 150) are cut at 1,280 tokens: --gen_kwargs max_gen_toks=..."
    assert len(warnings(Answers(10, shortfalls=dict.fromkeys(SHORTFALLS, 1)))) == len(SHORTFALLS)
    assert "8192" in warnings(Answers(2, shortfalls={UNFINISHED: 1}))[0]
    assert "server" in warnings(Answers(2, shortfalls={NULL: 1}))[0]
