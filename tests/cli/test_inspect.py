"""``inspect``, on official results made up for tasks of the mini set."""

from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import TRACEBACK, write_results


@pytest.fixture
def failing(tmp_path: Path) -> tuple[Path, str]:
    """Official results of the mini set in which the first task fails, and its task_id."""
    first, second = "BigCodeBenchMini/0", "BigCodeBenchMini/1"
    file = tmp_path / "made--up--main--bigcodebench-mini-complete--hf-0-2-sanitized_calibrated_eval_results.json"
    return write_results(file, {first: ["fail", "timeout"], second: ["pass", "pass"]}), first


def test_what_is_not_solved_is_listed(failing: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    file, task_id = failing
    assert main(["inspect", str(file)]) == 0
    said = capsys.readouterr().out
    assert "1 of 2 tasks solved" in said
    assert f"{task_id} " in said
    assert "0/2" in said
    assert "assertion, timeout" in said
    assert "AssertionError: 1 != [bold]2[/bold]" in said


def test_a_task_is_shown_with_its_traceback_and_the_ground_truth(
    failing: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file, task_id = failing
    assert main(["inspect", str(file), task_id.rpartition("/")[2]]) == 0
    said = capsys.readouterr().out
    assert "sample 1: timeout" in said
    assert r"return '\x1b[31m\ud800'" in said
    assert "AssertionError: 1 != [bold]2[/bold]" in said
    assert "+++ ground truth" in said


def test_the_official_folder_is_written(failing: tuple[Path, str], tmp_path: Path) -> None:
    file, task_id = failing
    command = ["inspect", str(file), "--write", str(tmp_path / "inspect")]
    assert main(command) == 0
    (folder,) = (tmp_path / "inspect").iterdir()
    assert [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.*"))] == [
        f"{task_id}/{name}"
        for name in (
            "complete_0_execution_trace.txt",
            "complete_1_execution_trace.txt",
            "completion_0.py",
            "completion_1.py",
            "ground_truth.py",
            "test_case.py",
        )
    ]
    compile((folder / task_id / "ground_truth.py").read_text(), "ground_truth", "exec")
    assert "Test Case: t\n\n" + TRACEBACK in (folder / task_id / "complete_0_execution_trace.txt").read_text()
    assert main(command) == 2
    assert main([*command, "--force"]) == 0


def test_a_task_that_is_not_there_is_named(failing: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(failing[0]), "99999"]) == 2
    assert "no sample of a task '99999'" in capsys.readouterr().err
    assert main(["inspect", str(failing[0]), "--split", "instruct"]) == 2
    assert "made/up: complete" in capsys.readouterr().err
