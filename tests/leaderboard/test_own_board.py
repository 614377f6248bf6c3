"""Ranks, means and solve rates of made-up models."""

from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.leaderboard.own_board import own_board
from bigcodebench_tasks.results.read import read_evaluations
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses, three_models

pytestmark = pytest.mark.usefixtures("few_rounds")


def test_models_are_ranked_by_the_mean_of_both_splits(tmp_path: Path) -> None:
    board = own_board(read_evaluations([three_models(tmp_path)])).everything
    full = {entry["model"]: entry for entry in board["full"]["models"]}
    assert list(full) == ["good/one", "second", "half"]
    assert [(full[name]["rank"], full[name]["mean"]) for name in full] == [(1, 0.625), (2, 0.375), (None, None)]
    assert full["good/one"]["complete"]["pass@1"] == 0.75
    assert "instruct" not in full["half"]
    assert full["half"]["elo"]["elo"] > full["second"]["elo"]["elo"]
    hard = [(entry["model"], entry["rank"]) for entry in board["hard"]["models"]]
    assert hard == [("second", 1), ("good/one", 2)]
    rates = board["full"]["solve_rates"]["complete"]
    assert rates == {"Made/0": 1.0, "Made/1": 2 / 3, "Made/2": 2 / 3, "Made/3": 1 / 3}
    assert board["full"]["tasks"]["complete"] == {"tasks": 4, "solved_by_none": 0, "solved_by_all": 1}


def test_models_with_the_same_mean_share_a_rank(tmp_path: Path) -> None:
    for model, text in (("a", "10"), ("b", "01"), ("c", "00")):
        for split in ("complete", "instruct"):
            official_results(tmp_path, model, statuses(text), split=split)
    board = own_board(read_evaluations([tmp_path])).everything
    assert [(entry["model"], entry["rank"]) for entry in board["full"]["models"]] == [("a", 1), ("b", 1), ("c", 3)]


@pytest.mark.parametrize(("second", "said"), [("000", True), ("001", False)])
def test_a_rating_without_a_lost_battle_is_said_to_mean_little(tmp_path: Path, second: str, said: bool) -> None:
    official_results(tmp_path, "first", statuses("110"))
    official_results(tmp_path, "second", statuses(second))
    table, *_ = own_board(read_evaluations([tmp_path])).tables
    assert any("every battle on Complete: first, second." in note for note in table.notes) is said
