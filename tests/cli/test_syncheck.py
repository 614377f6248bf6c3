"""``syncheck``, on exported samples of a real run of lm_eval."""

from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import write_samples

MINI = ("--subset", "mini")


def test_missing_empty_and_invalid_samples_are_named(
    complete_samples: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = complete_samples
    assert main(["syncheck", str(write_samples(tmp_path / "a.jsonl", samples)), *MINI]) == 0
    capsys.readouterr()
    worse = [{**samples[0], "solution": " "}, {**samples[1], "solution": "def ("}, *samples[3:]]
    assert main(["syncheck", str(write_samples(tmp_path / "b.jsonl", worse)), *MINI]) == 1
    said = capsys.readouterr().out
    assert f"line 1 ({samples[0]['task_id']}) is empty" in said
    assert f"line 2 ({samples[1]['task_id']}) is no valid Python" in said
    assert f"{samples[2]['task_id']} has no samples" in said
    assert main(["syncheck", str(tmp_path / "a.jsonl"), *MINI, "--nsample-check", "2"]) == 1
