"""``compare`` on official result files of made-up models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses


def test_models_are_compared_on_the_tasks_that_all_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = official_results(tmp_path / "a", "a", statuses("11011"))
    b = official_results(tmp_path / "b", "b", statuses("1000"))
    assert main(["compare", str(a), str(b), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert "only the 4 tasks that all models have count (a has 5)" in said.err
    (comparison,) = json.loads(said.out)["comparisons"]
    assert comparison["models"]["a"]["pass@1"] == 0.75
    (pair,) = comparison["pairs"]
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


def test_two_runs_of_one_model_are_not_taken_for_two_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = official_results(tmp_path / "first", "a", statuses("1"))
    second = official_results(tmp_path / "second", "a", statuses("0"), date="2026-01-03 03:04")
    assert main(["compare", str(first), str(second)]) == 2
    assert "under one name only the newest counts" in capsys.readouterr().err


def test_runs_of_one_model_are_compared_under_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    official_results(tmp_path / "first", "a", statuses("10"))
    official_results(tmp_path / "second", "a", statuses("11"), date="2026-01-03 03:04")
    named = [f"before={tmp_path / 'first'}", f"after={tmp_path / 'second'}"]
    assert main(["compare", *named, "--json", "-"]) == 0
    (comparison,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert {model: each["pass@1"] for model, each in comparison["models"].items()} == {"before": 0.5, "after": 1.0}
    official_results(tmp_path / "second", "b", statuses("11"))
    assert main(["compare", *named]) == 2
    assert "after=...: the results have several models: a, b" in capsys.readouterr().err


def test_a_folder_with_an_equals_sign_is_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    official_results(tmp_path / "lr=1", "a", statuses("10"))
    official_results(tmp_path / "lr=2", "b", statuses("11"))
    assert main(["compare", *map(str, tmp_path.iterdir())]) == 0
    assert "a - b" in capsys.readouterr().out.replace("b - a", "a - b")


def test_unstable_tasks_and_several_runs_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = {number: ["pass"] for number in (1, 2, 10, 720)}
    files = [official_results(tmp_path / "a", "a", outcomes)]
    for day, flipped in (("03", {1, 10}), ("04", {1, 2, 10})):
        statuses = {number: ["fail" if number in flipped else "pass"] for number in outcomes}
        files.append(official_results(tmp_path / day, "b", statuses, date=f"2026-01-{day} 03:04"))
    for file in files:
        file.write_text(file.read_text().replace("Made/", "BigCodeBench/"))
    assert main(["compare", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert (
        "b, Full, Complete: pass@1 25.0; without the 2 unstable tasks 0.0 (known to flip between runs: 10, 720" in said
    )
    assert "unstable, so that another run may differ: BigCodeBench/10\n" in said
    assert main(["compare", str(tmp_path), "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["comparisons"][0]["unstable_tasks"][0]["flipping"] == ["BigCodeBench/10", "BigCodeBench/720"]
    (runs,) = content["runs"]
    assert (runs["model"], runs["scores"], runs["flipped"]) == ("b", [0.5, 0.25], 1)


def test_nothing_to_compare_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = official_results(tmp_path / "a", "a", statuses("1"))
    assert main(["compare", str(a)]) == 2
    assert "no two models" in capsys.readouterr().err
    other = official_results(tmp_path / "b", "b", {7: ["pass"]})
    assert main(["compare", str(a), str(other)]) == 2
    assert "no task in common" in capsys.readouterr().err
