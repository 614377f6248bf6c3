"""``compare`` and ``leaderboard`` on official result files of made-up models."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.made import official_results


def statuses(text: str) -> dict[int, list[str]]:
    return {number: ["pass" if char == "1" else "fail"] for number, char in enumerate(text)}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three models; `good/one` is best on Full and second on Hard, `half` has no Instruct."""
    folder = tmp_path / "results"
    for model, outcomes in {
        "good/one": {("full", "complete"): "1110", ("full", "instruct"): "1100", ("hard", "complete"): "01"},
        "second": {("full", "complete"): "1000", ("full", "instruct"): "1100", ("hard", "complete"): "11"},
        "half": {("full", "complete"): "1111"},
    }.items():
        for (subset, split), text in outcomes.items():
            official_results(folder, model, statuses(text), subset=subset, split=split)
    for model, text in (("good/one", "00"), ("second", "10")):
        official_results(folder, model, statuses(text), subset="hard", split="instruct")
    return folder


def as_json(command: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*command, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_models_are_ranked_by_the_mean_of_both_splits(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(["leaderboard", str(results)], capsys)
    full = {entry["model"]: entry for entry in found["full"]["models"]}
    assert [entry["model"] for entry in found["full"]["models"]] == ["good/one", "second", "half"]
    assert [(full[name]["rank"], full[name]["mean"]) for name in full] == [(1, 0.625), (2, 0.375), (None, None)]
    assert full["good/one"]["complete"]["pass@1"] == 0.75
    assert "instruct" not in full["half"]
    assert full["half"]["elo"]["elo"] > full["second"]["elo"]["elo"]
    hard = [(entry["model"], entry["rank"]) for entry in found["hard"]["models"]]
    assert hard == [("second", 1), ("good/one", 2)]
    rates = found["full"]["solve_rates"]["complete"]
    assert rates == {"Made/0": 1.0, "Made/1": 2 / 3, "Made/2": 2 / 3, "Made/3": 1 / 3}
    assert found["full"]["tasks"]["complete"] == {"tasks": 4, "solved_by_none": 0, "solved_by_all": 1}


def test_the_terminal_shows_hard_beside_full(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(results)]) == 0
    said = capsys.readouterr().out
    full, hard = (line.split() for line in said.splitlines() if line.startswith("good/one"))
    assert full[:3] == ["good/one", "1", "75.0"]
    assert full[-1] == "2"
    assert (hard[1], hard[-1]) == ("2", "1")
    assert "4 tasks: 0 solved by no model, 1 by all" in said


def test_tables_go_to_files_that_are_kept_unless_forced(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"board.{name}" for name in ("json", "csv", "html")}
    command = ["leaderboard", str(results), *(word for name in files for word in (f"--{name}", str(files[name])))]
    assert main(command) == 0
    rows = list(csv.reader(io.StringIO(files["csv"].read_text())))
    assert rows[2][:4] == ["BigCodeBench-Full", "second", "2", "25.0"]
    assert "<td>good/one</td>" in files["html"].read_text()
    assert json.loads(files["json"].read_text())["hard"]
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0


def test_standard_output_holds_one_thing(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(results), "--json", "-", "--csv", "-"]) == 2
    assert "only one of" in capsys.readouterr().err


def test_a_models_name_is_text_on_the_page(tmp_path: Path) -> None:
    for model in ("<img src=x onerror=alert(1)>", "b"):
        official_results(tmp_path / "r", model, statuses("10"))
    assert main(["leaderboard", str(tmp_path / "r"), "--html", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "<img" not in page
    assert "&lt;img" in page


def test_models_are_compared_on_the_tasks_that_all_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = official_results(tmp_path / "a", "a", statuses("11011"))
    b = official_results(tmp_path / "b", "b", statuses("1000"))
    assert main(["compare", str(a), str(b), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert "only the 4 tasks that all models have count (a has 5)" in said.err
    (one,) = json.loads(said.out)["comparisons"]
    assert one["models"]["a"]["pass@1"] == 0.75
    (pair,) = one["pairs"]
    assert (pair["mean"], pair["only_first"], pair["only_second"]) == (0.5, ["Made/1", "Made/3"], [])
    assert pair["p"] == 0.5


def test_compare_says_who_solves_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = official_results(tmp_path / "a", "a", statuses("1" * 20))
    b = official_results(tmp_path / "b", "b", statuses("0" * 20))
    page = tmp_path / "page.html"
    assert main(["compare", str(a), str(b), "--html", str(page)]) == 0
    assert all(f"<td>Made/{number}</td><td>a</td>" in page.read_text() for number in range(20))
    said = capsys.readouterr().out
    assert "a - b" in said
    assert "+100.0" in said
    assert "a solves, b does not: Made/0" in said
    assert "and 10 more" in said


@pytest.mark.parametrize(("second", "said"), [("000", True), ("001", False)])
def test_a_rating_without_a_lost_battle_is_said_to_mean_little(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], second: str, said: bool
) -> None:
    official_results(tmp_path, "first", statuses("110"))
    official_results(tmp_path, "second", statuses(second))
    assert main(["leaderboard", str(tmp_path)]) == 0
    assert ("every battle on Complete: first, second." in capsys.readouterr().out) is said


def test_two_runs_of_one_model_are_not_taken_for_two_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = official_results(tmp_path / "first", "a", statuses("1"))
    second = official_results(tmp_path / "second", "a", statuses("0"), date="2026-01-03 03:04")
    assert main(["compare", str(first), str(second)]) == 2
    assert "under one name only the newest counts" in capsys.readouterr().err


def test_nothing_to_compare_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = official_results(tmp_path / "a", "a", statuses("1"))
    assert main(["compare", str(a)]) == 2
    assert "no two models" in capsys.readouterr().err
    other = official_results(tmp_path / "b", "b", {7: ["pass"]})
    assert main(["compare", str(a), str(other)]) == 2
    assert "no task in common" in capsys.readouterr().err
