"""``sanitize``: where samples go; what the sanitizer makes of them: tests/benchmark/test_sanitize.py."""

from __future__ import annotations

from pathlib import Path

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import exported_file, read_lines, write_samples

MINI = ("--subset", "mini")


def test_sanitizing_the_raw_answers_gives_the_exported_solutions(exported: Path, tmp_path: Path) -> None:
    samples = read_lines(exported_file(exported, "instruct", ".jsonl"))
    raw = [{"task_id": sample["task_id"], "solution": sample["raw_solution"]} for sample in samples]
    file = write_samples(tmp_path / "raw.jsonl", raw)
    assert main(["sanitize", str(file), *MINI]) == 0
    expected = [{"task_id": sample["task_id"], "solution": sample["solution"]} for sample in samples]
    assert read_lines(tmp_path / "raw-sanitized.jsonl") == expected
    assert main(["sanitize", str(file), *MINI]) == 2
    assert main(["sanitize", str(file), *MINI, "--inplace"]) == 0
    assert read_lines(file) == expected


def test_a_folder_of_samples_becomes_a_folder(tmp_path: Path) -> None:
    sample = tmp_path / "samples" / "BigCodeBenchMini_0" / "0.py"
    sample.parent.mkdir(parents=True)
    sample.write_text("Here it is:\n```python\ndef task_func():\n    return 1\n```\n")
    assert main(["sanitize", str(tmp_path / "samples"), *MINI, "--calibrate"]) == 0
    sanitized = tmp_path / "samples-sanitized-calibrated" / "BigCodeBenchMini_0" / "0.py"
    assert sanitized.read_text() == "def task_func():\n    return 1"


def test_no_line_is_lost_in_place(tmp_path: Path) -> None:
    file = write_samples(tmp_path / "a.jsonl", [{"task_id": "BigCodeBenchMini/0", "solution": "x = 1"}, "{ broken"])
    before = file.read_text()
    assert main(["sanitize", str(file), *MINI, "--inplace"]) == 2
    assert file.read_text() == before
    assert main(["sanitize", str(file), *MINI]) == 1
