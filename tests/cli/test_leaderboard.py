"""``leaderboard`` on official result files of made-up models: in the terminal, in files, and on the page."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses, three_models

pytestmark = pytest.mark.usefixtures("few_rounds")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return three_models(tmp_path / "results")


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
