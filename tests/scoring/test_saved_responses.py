"""If anything fails after generation, the responses are on disk, and a logged command scores them."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

import pytest

from bigcodebench_tasks import files
from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.saved_responses import KEPT_DAYS, SavedResponses, evaluate_words, report_failure

RAW = [("Made/0", "Sure: x = 1"), ("Made/0", "Sure: \ud800"), ("Made/1", "")]
SOLUTIONS = ["x = 1", "\ud800", ""]
OPTIONS = ["--split", "complete", "--subset", "hard", "--dataset-version", "v0.1.4", "--ground-truth", "skip"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "responses"


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_they_are_saved_before_they_are_sanitized_and_again_with_their_solutions(folder: Path) -> None:
    saved = SavedResponses("made", RAW, OPTIONS)
    (file,) = folder.iterdir()
    assert [(row["task_id"], row["raw_solution"]) for row in lines(file)] == RAW
    assert [row["solution"] for row in lines(file)] == [text for _, text in RAW]
    saved.add_solutions(SOLUTIONS)
    assert [file] == list(folder.iterdir())
    assert [(row["task_id"], row["raw_solution"]) for row in lines(file)] == RAW
    assert [row["solution"] for row in lines(file)] == SOLUTIONS


@pytest.mark.parametrize("error", [ExecutionFailed("no descriptors"), KeyboardInterrupt(), OSError(28, "No space")])
def test_after_a_failure_the_commands_that_score_all_tasks_are_logged(
    error: BaseException, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (SavedResponses(name, RAW, OPTIONS) for name in ("first", "second"))
    first.add_solutions(SOLUTIONS)
    report_failure(error, [first, second])
    words = " ".join(OPTIONS)
    assert f"\n  bigcodebench-tasks evaluate {first.file} {words}\n" in caplog.text
    # Without solutions the sanitizer is first.
    sanitized = str(second.file).replace(".jsonl", "-sanitized.jsonl")
    assert f"sanitize {second.file} --subset hard --dataset-version v0.1.4 && " in caplog.text
    assert f"&& bigcodebench-tasks evaluate {sanitized} {words}" in caplog.text
    assert type(error).__name__ in caplog.text


def test_they_are_removed_when_they_are_old(folder: Path) -> None:
    old, recent = (SavedResponses("made", RAW, OPTIONS).file for _ in range(2))
    assert old is not None
    assert recent is not None
    for file, days in ((old, KEPT_DAYS + 0.1), (recent, KEPT_DAYS - 0.1)):
        at = time.time() - days * 24 * 3600
        os.utime(file, (at, at))
    new = SavedResponses("made", RAW, OPTIONS).file
    assert set(folder.iterdir()) == {recent, new}


def test_a_folder_that_cannot_be_written_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "file"))
    saved = SavedResponses("made", RAW, OPTIONS)
    saved.add_solutions(SOLUTIONS)
    report_failure(MemoryError(), [saved])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the responses cannot be saved" in caplog.text


def test_the_words_of_the_command_are_those_of_the_tasks_options() -> None:
    assert evaluate_words("complete", "bigcode/bigcodebench-hard", Options()) == [
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
    assert evaluate_words("instruct", "bigcodebench-mini", changed) == [
        *("--split", "instruct", "--subset", "mini", "--dataset-version", "v0.1.3", "--sandbox", "landlock"),
        *("--workers", "3", "--network", "host", "--speed", "fast", "--no-calibrated", "--no-cache"),
        *("--ground-truth", "skip"),
    ]
