"""The summary of a run says what people ask."""

from __future__ import annotations

from dataclasses import replace

from bigcodebench_tasks.benchmark.diagnosis import CUT, DIAGNOSES, EMPTY, NULL, UNFINISHED
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.records import GroundTruthRate, ResponseStats
from bigcodebench_tasks.scoring.summary import summary, warnings
from tests.helpers.records import run_record, sample_record

RIGHT, WRONG = sample_record("pass"), sample_record("fail")
RUN = run_record(subset="mini", ground_truth=GroundTruthRate(0.5))


def test_the_summary_says_what_people_ask() -> None:
    text = summary({"Made/1": [RIGHT] * 2, "Made/2": [WRONG] * 2}, RUN, 12.3)
    for words in (
        "pass@1 0.5000 (95% interval 0.0945 to 0.9055)",
        "2 of 4 samples of 2 tasks",
        "passed 2, assertion 2",
        "ground truth 0.5000",
        "sandbox landlock; libraries of the official lock; scored 12 s after the last response",
        "bigcodebench-tasks report",
    ):
        assert words in text


def test_the_summary_names_unstable_tasks_and_gives_the_score_without_them() -> None:
    records = {f"BigCodeBench/{number}": [RIGHT if number < 100 else WRONG] for number in (1, 2, 10, 288, 314)}
    text = summary(records, RUN, 1.0)
    assert (
        "pass@1 60.0; without the 3 unstable tasks 100.0 (known to flip between runs: 10, 288; "
        "need the internet: 314; it solves 1 of 3)"
    ) in text
    assert "unstable" not in summary({"BigCodeBench/1": [RIGHT], "BigCodeBench/2": [WRONG]}, RUN, 1.0)


def test_the_summary_gives_the_spread_of_several_samples_as_that_of_runs() -> None:
    records = {"Made/1": [RIGHT, WRONG, RIGHT], "Made/2": [RIGHT] * 3, "Made/3": [WRONG] * 3, "Made/4": [RIGHT] * 3}
    said = "mean 66.7, standard deviation 14.4, 50.0 to 75.0; 1 of 4 tasks differ"
    assert f"the 3 samples of each task, as 3 runs: {said}" in summary(records, RUN, 1.0)


def test_ground_truth_is_named_where_it_was_checked_or_left_out() -> None:
    unchecked = replace(RUN, ground_truth=None)
    skipped = replace(unchecked, options=Options(ground_truth="skip"))
    assert "ground truth not checked" in summary({"Made/1": [RIGHT]}, skipped, 1.0)
    # The model that answers with it.
    assert "ground truth" not in summary({"Made/1": [RIGHT]}, unchecked, 1.0)


def test_the_summary_shows_diagnoses_and_how_the_model_was_asked() -> None:
    run = replace(RUN, responses=ResponseStats(4, 2, {EMPTY: 1}), prompting="reasoning", differs=["max_gen_toks: 8192"])
    text = summary({"Made/1": [RIGHT]}, run, 1.0)
    assert "responses: 2 with reasoning, which was removed, empty 1" in text
    assert "asked as a model that reasons, which differs from the leaderboard's settings (max_gen_toks: 8192)" in text


def test_from_two_percent_on_a_warning_says_what_to_do() -> None:
    assert warnings(None) == []
    assert warnings(ResponseStats(100, diagnoses={CUT: 1})) == []
    (line,) = warnings(ResponseStats(150, diagnoses={CUT: 18}, limit=1280))
    assert line == "12% of the responses (18 of 150) are cut at 1,280 tokens: --gen_kwargs max_gen_toks=..."
    assert len(warnings(ResponseStats(10, diagnoses=dict.fromkeys(DIAGNOSES, 1)))) == len(DIAGNOSES)
    assert "8192" in warnings(ResponseStats(2, diagnoses={UNFINISHED: 1}))[0]
    assert "server" in warnings(ResponseStats(2, diagnoses={NULL: 1}))[0]
