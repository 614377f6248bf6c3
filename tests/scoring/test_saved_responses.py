"""Whatever fails behind the model: its answers are on disk, and the command that is printed scores them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks import files
from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring import saved_responses
from tests.helpers.project import starts_processes

RAW = [("Made/0", "Sure: x = 1"), ("Made/0", "Sure: \ud800"), ("Made/1", "")]
SOLUTIONS = ["x = 1", "\ud800", ""]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "answers"


def score(error: BaseException | None = None, name: str = "made") -> None:
    with saved_responses.kept(name, RAW, lambda: SOLUTIONS, ["--split", "complete"]):
        if error:
            raise error


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("error", [ExecutionFailed("no descriptors"), KeyboardInterrupt(), OSError(28, "No space")])
def test_answers_of_a_failed_scoring_stay_sanitized_beside_what_the_model_said(
    error: BaseException, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved_responses.expect()
    with pytest.raises(type(error)):
        score(error)
    (file,) = folder.iterdir()
    assert [(row["task_id"], row["raw_solution"]) for row in lines(file)] == RAW
    assert [row["solution"] for row in lines(file)] == SOLUTIONS
    assert f"bigcodebench-tasks evaluate {file} --split complete" in caplog.text


def test_they_are_there_before_anything_is_executed_and_gone_when_another_run_begins(folder: Path) -> None:
    saved_responses.expect()
    saved_responses.expect()
    with saved_responses.kept("first", RAW, lambda: SOLUTIONS, []):
        (file,) = folder.iterdir()
        assert [row["solution"] for row in lines(file)] == [text for _, text in RAW]
    score(name="second")
    assert len(list(folder.iterdir())) == 2
    saved_responses.expect()
    assert list(folder.iterdir()) == []


@starts_processes
@pytest.mark.parametrize(("ends", "left"), [("pass", 0), ("raise SystemExit(0)", 0), ("raise OSError('disk full')", 1)])
def test_they_are_gone_when_the_process_ends_well_and_named_when_something_behind_the_scoring_fails(
    ends: str, left: int, folder: Path
) -> None:
    program = f"""
from bigcodebench_tasks.scoring import saved_responses
saved_responses.expect()
with saved_responses.kept("made", [("Made/0", "x")], lambda: ["x"], []):
    pass
{ends}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    files = list(folder.iterdir())
    assert len(files) == left
    assert ("the model's answers are still in" in done.stderr) == bool(left)
    assert all(str(file) in done.stderr for file in files)


def test_a_task_that_was_scored_before_another_one_failed_is_named_too(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved_responses.expect()
    score(name="first")
    with pytest.raises(ExecutionFailed):
        score(ExecutionFailed("gone"), name="second")
    (of_first,) = folder.glob("first-*")
    assert f"scored before: {of_first}" in caplog.text
    saved_responses.expect()
    score()
    saved_responses.expect()
    assert len(list(folder.iterdir())) == 2


def test_where_the_sanitizer_is_what_failed_its_command_is_named_first(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> list[str]:
        raise MemoryError

    options = ["--split", "complete", "--subset", "hard", "--dataset-version", "v0.1.4", "--ground-truth", "skip"]
    with pytest.raises(MemoryError), saved_responses.kept("made", RAW, broken, options):
        broken()
    (file,) = folder.iterdir()
    assert (
        f"sanitize {file} --subset hard --dataset-version v0.1.4 && bigcodebench-tasks evaluate {folder}" in caplog.text
    )


def test_a_folder_that_cannot_be_written_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "file"))
    score()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the answers are not kept on disk" in caplog.text


def test_the_words_of_the_command_are_those_of_the_tasks_options() -> None:
    assert saved_responses.evaluate_words("complete", "bigcode/bigcodebench-hard", Options()) == [
        *("--split", "complete"),
        *("--subset", "hard"),
    ]
    changed = Options(
        version="v0.1.3",
        sandbox="landlock",
        workers=3,
        network="host",
        speed="fast",
        calibrated=False,
        cache=False,
        ground_truth="skip",
    )
    assert saved_responses.evaluate_words("instruct", "bigcodebench-mini", changed) == [
        *("--split", "instruct", "--subset", "mini", "--dataset-version", "v0.1.3", "--sandbox", "landlock"),
        *(
            "--workers",
            "3",
            "--network",
            "host",
            "--speed",
            "fast",
            "--no-calibrated",
            "--no-cache",
            "--ground-truth",
            "skip",
        ),
    ]
