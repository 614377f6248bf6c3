"""How much of a score is chance: unstable tasks, and several runs of one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.benchmark.known_tasks import UNSTABLE
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.results.noise import repeated, spread_table, unstable
from bigcodebench_tasks.results.read import newest, read_evaluations, read_runs
from bigcodebench_tasks.scoring.records import RunRecord
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses
from tests.helpers.records import evaluation, run_record


def test_a_score_is_given_with_and_without_the_unstable_tasks_which_are_named() -> None:
    tasks = unstable(evaluation({1: True, 2: False, 101: True, 720: True, 1005: False}))
    assert tasks is not None
    assert tasks.flipping == ["BigCodeBench/720", "BigCodeBench/1005"]
    assert tasks.remote == ["BigCodeBench/101", "BigCodeBench/1005"]
    assert (tasks.score.rate, tasks.without.rate, tasks.without.tasks, tasks.solved) == (0.6, 0.5, 2, 2)
    assert tasks.said() == (
        "pass@1 60.0; without the 3 unstable tasks 50.0 (known to flip between runs: 720, 1005; "
        "need the internet: 101, 1005; it solves 2 of 3)"
    )


def test_eleven_tasks_of_full_are_unstable_and_four_of_hard() -> None:
    assert len(UNSTABLE) == 11
    tasks = unstable(evaluation(dict.fromkeys(range(1140), False)))
    assert tasks is not None
    assert len(tasks.tasks) == 11


@pytest.mark.parametrize("numbers", [[1, 2], [101]])
def test_nothing_is_said_where_no_task_is_unstable_or_none_is_stable(numbers: list[int]) -> None:
    assert unstable(evaluation(dict.fromkeys(numbers, True))) is None


def test_runs_of_one_model_have_a_mean_and_a_spread(tmp_path: Path) -> None:
    for day, text in (("01", "1100"), ("02", "1000"), ("03", "1110")):
        official_results(tmp_path / day, "m", statuses(text), date=f"2026-01-{day} 03:04")
    official_results(tmp_path / "other", "other", statuses("1111"))
    runs = read_runs([tmp_path])
    assert len(runs) == 4
    assert [each.score().rate for each in newest(runs)] == [0.75, 1.0]
    assert newest(runs) == read_evaluations([tmp_path])
    (several,) = repeated(runs)
    spread = several.spread
    assert (spread.scores, spread.mean, spread.deviation) == ([0.5, 0.25, 0.75], 0.5, 0.25)
    assert spread.said() == "mean 50.0, standard deviation 25.0, 25.0 to 75.0; 2 of 4 tasks differ"
    assert spread_table([several]).rows == [
        ["m", "Full", "Complete", "3", "50.0", "25.0", "25.0", "75.0", "2 of 4"],
    ]


def test_runs_in_folders_of_their_own_are_runs_of_one_model_too(tmp_path: Path) -> None:
    files = [
        official_results(tmp_path / day, "m", statuses(text), date=f"2026-01-{day} 03:04")
        for day, text in (("01", "10"), ("02", "11"))
    ]
    assert len(read_runs(files)) == len(read_runs([file.parent for file in files])) == 2
    assert len(read_runs(files[:1])) == 1


def test_a_copy_of_a_run_is_no_second_run(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        official_results(tmp_path / folder, "m", statuses("10"))
    assert len(read_runs([tmp_path])) == 1


def test_an_older_run_that_is_broken_hides_nothing(tmp_path: Path) -> None:
    official_results(tmp_path / "a", "m", statuses("10"))
    (tmp_path / "a" / "results_2020-01-01.json").write_text("{")
    official_results(tmp_path / "b", "m", statuses("11"), date="2026-01-03 03:04")
    assert (
        len(read_runs([tmp_path / "b", tmp_path / "a" / next((tmp_path / "a").glob("*eval_results.json")).name])) == 2
    )


def test_runs_with_other_settings_are_not_put_together() -> None:
    def run(temperature: float, seed: int) -> RunRecord:
        settings = {"temperature": temperature, "max_gen_toks": 1280, "seed": seed}
        return run_record(options=Options(workers=seed + 1), generation=settings)

    several = [
        evaluation({1: number == 2, 2: True}, run=run(temperature, number))
        for number, temperature in enumerate([0.8, 0.8, 0.2, 0.8])
    ]
    (alike,) = repeated(several)
    assert (len(alike.spread.scores), alike.spread.flipped) == (3, 0)
