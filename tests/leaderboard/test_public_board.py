"""``leaderboard --published``: ranks, filters, one's own runs among the published models, and the page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.leaderboard.placement import own_models
from bigcodebench_tasks.leaderboard.public_board import public_board
from bigcodebench_tasks.leaderboard.published import STATES, published_models
from bigcodebench_tasks.leaderboard.ranking import Filter, agreement, filtered, published_ranks
from bigcodebench_tasks.leaderboard.scatter import Point, scatter
from bigcodebench_tasks.results.evaluation import Evaluation
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses
from tests.helpers.records import evaluation, run_record

ANNOUNCED = STATES[0]


def of_hard(split: str, solved: int, tasks: int = 148, **run_changes: Any) -> Evaluation:
    """A run on as many tasks, of which the first ones are solved."""
    run = run_record(split, **run_changes)
    return evaluation({n: n < solved for n in range(tasks)}, "some/model-7B", split, "hard", run=run)


def names(words: str) -> set[str]:
    return {model.name for model in filtered(ANNOUNCED, Filter([words]))}


def test_models_are_ranked_by_the_mean_and_those_with_the_same_share_a_rank() -> None:
    models = published_models(ANNOUNCED)
    placed = published_ranks(models, "hard")
    assert (placed["GPT-4-Turbo-2024-04-09"], placed["Claude-3.5-Sonnet-20240620"]) == (1, 2)
    assert len(placed) == 67
    assert "StarCoder2-3B" not in placed, "base models have no Instruct"
    by_rank: dict[int, set[float | None]] = {}
    for model in models:
        if model.name in placed:
            by_rank.setdefault(placed[model.name], set()).add(model.mean("hard"))
    assert all(len(means) == 1 for means in by_rank.values())


def test_the_largest_shift_is_named() -> None:
    found = agreement(published_models(ANNOUNCED), "hard", "full")
    assert next(iter(found.shifts.items())) == ("Phi-3-Mini-128K-Instruct (June 2024)", 22)


@pytest.mark.parametrize(
    ("by", "number"),
    [
        (Filter(), 202),
        (Filter(["deepseek-v2-chat"]), 2),
        (Filter(["deepseek-v2-chat", "gemma-2-27b"]), 3),
        (Filter(smallest=70, largest=72), 20),
        (Filter(open_weights=True), 149),
        (Filter(since="2025-04-14"), 3),
        (Filter(until="2023-08-25"), 9),
    ],
)
def test_filters_choose_by_name_size_weights_and_date(by: Filter, number: int) -> None:
    assert len(filtered(STATES[-1], by)) == number


def test_a_choice_of_nothing_says_what_to_relax() -> None:
    with pytest.raises(OptionError, match="relax --name"):
        filtered(ANNOUNCED, Filter(["no such model"]))
    with pytest.raises(OptionError, match="has no dates"):
        filtered(ANNOUNCED, Filter(since="2024-01-01"))


def test_a_run_of_ones_own_stands_where_its_mean_says_with_the_range_of_its_interval() -> None:
    own, *others = own_models([of_hard("complete", 48), of_hard("instruct", 37)], ANNOUNCED)
    assert others == []
    assert own.differences == []
    complete, mean = own.placements["complete"], own.placements["mean"]
    assert (complete.rank, complete.among) == (3, 96)
    # 48 of 148 are the published 32.4, no less: only 35.1 and 33.1 are better.
    assert [name for name, _ in complete.above] == ["Claude-3.5-Sonnet-20240620", "GPT-4-Turbo-2024-04-09"]
    assert complete.below[0][0] == "DeepSeek-V2-Chat (2024-06-28)"
    assert mean.best <= mean.rank <= mean.worst
    assert (mean.rank, mean.best) == (3, 1)
    assert (complete.size, complete.like_rank) == (7.0, 1)


def test_one_split_alone_has_a_rank_and_no_mean() -> None:
    (own,) = own_models([of_hard("complete", 48)], ANNOUNCED)
    assert list(own.placements) == ["complete"]


def test_a_run_with_other_settings_is_shown_as_such() -> None:
    runs = [
        of_hard("complete", 40, tasks=40, prompting="custom", differs=["prefill: False"]),
        of_hard("instruct", 30, tasks=40),
    ]
    sheet = public_board(runs, as_of=ANNOUNCED)
    board, yours = sheet.tables
    assert board.own == ["some/model-7B (yours, not leaderboard)"]
    assert any("not known to be those of leaderboard" in note and "prefill: False" in note for note in yours.notes)
    assert sheet.everything["yours"][0]["differs_from_leaderboard"] == [
        "prompting custom",
        "prefill: False",
        "40 of 148 tasks",
    ]
    usual = public_board([of_hard(split, 30) for split in ("complete", "instruct")], as_of=ANNOUNCED)
    assert usual.tables[0].own == ["some/model-7B (yours)"]
    assert any(note.endswith("settings leaderboard") for note in usual.tables[1].notes)


def test_several_runs_stand_with_mean_and_spread_and_unstable_tasks_are_named() -> None:
    runs = [
        replace(of_hard("complete", solved), date=datetime(2026, 1, day, 3, 4))
        for day, solved in ((1, 40), (2, 44), (3, 36))
    ]
    sheet = public_board(runs, as_of=ANNOUNCED)
    assert sheet.tables[-1].title == "Several runs of one model"
    assert sheet.everything["runs"][0]["mean"] == pytest.approx(40 / 148)
    assert any("without the 2 unstable tasks" in note for note in sheet.tables[1].notes)


def test_a_run_on_another_subset_stands_beside_none() -> None:
    other = replace(of_hard("complete", 5, tasks=16), subset="mini")
    sheet = public_board([other], as_of=ANNOUNCED)
    assert [table.title for table in sheet.tables] == [f"BigCodeBench-Hard: published models, {ANNOUNCED}"]
    assert "this subset is not published" in sheet.notes[0]


def test_a_name_in_the_picture_is_text_and_every_point_is_inside() -> None:
    svg = scatter([Point("<b>", 1, 99.9), Point("own & mine", 34.9, 0, own=True)], "x", "y")
    assert "<b>" not in svg
    assert "own &amp; mine" in svg
    assert svg.count("<circle") == 2
    assert ">100<" in svg
    assert "<svg" in scatter([], "x", "y")


def test_the_command_writes_everything_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "out"
    for split in ("complete", "instruct"):
        official_results(results, "mine-7B", statuses("10"), split=split, subset="hard")
    files = {name: tmp_path / f"board.{name}" for name in ("json", "csv", "html")}
    words = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    command = ["leaderboard", "--published", str(results), "--as-of", ANNOUNCED, "--name", "GPT-4", *words]
    assert main(command) == 0
    assert "GPT-4-Turbo-2024-04-09" in capsys.readouterr().out
    rows = list(csv.reader(files["csv"].read_text().splitlines()))
    assert rows[1][1] == "mine-7B (yours, not leaderboard)"
    assert rows[1][4].startswith("1 (1 to ")
    content = json.loads(files["json"].read_text())
    assert [model["model"] for model in content["models"]] == [
        "GPT-4-Turbo-2024-04-09",
        "GPT-4o-2024-05-13",
        "GPT-4-0613",
    ]
    page = files["html"].read_text()
    assert "<svg" in page
    assert 'class="own"' in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "or --published"),
        (["out", "--as-of", ANNOUNCED], "add --published"),
        (["out", "--name", "GPT"], "add --published"),
        (["--published", "--name", "no such model"], "relax --name"),
    ],
)
def test_what_makes_no_sense_is_one_clear_message(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leaderboard", *words]) == 2
    assert says in capsys.readouterr().err
