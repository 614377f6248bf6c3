"""Evaluations made up for tests: official result files of tasks of our own, and the dataset that they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIBRARIES = ["os", "numpy", "pandas", "requests"]


def task(number: int) -> dict[str, str]:
    """A row of a dataset: longer, and with more libraries, the higher its number."""
    signature = "import os\n\ndef task_func(x):\n"
    return {
        "task_id": f"Made/{number}",
        "complete_prompt": f'{signature}    """Return x, {number} times over."""\n',
        "instruct_prompt": f"Write task_func(x), which returns x {number} times over.",
        "canonical_solution": f"    return {number} * x\n" + "    # long\n" * number,
        "code_prompt": signature,
        "test": "import unittest\nclass TestCases(unittest.TestCase):\n    def test_it(self):\n        task_func(1)\n",
        "entry_point": "task_func",
        "libs": str(LIBRARIES[: 1 + number % len(LIBRARIES)]),
    }


def write_tasks(file: Path, number: int) -> Path:
    file.write_text("".join(json.dumps(task(index)) + "\n" for index in range(number)))
    return file


def sample(number: int, status: str, solution: str = "def task_func(x):\n    return 0\n") -> dict[str, Any]:
    made = task(number)
    failed = {"test_it": f"Traceback (most recent call last):\nAssertionError: {number} != 0\n"}
    return {
        "task_id": made["task_id"],
        "solution": made["code_prompt"] + "\n    pass\n" + solution,
        "status": status,
        "details": {} if status == "pass" else failed,
    }


def official_results(
    folder: Path,
    model: str,
    outcomes: Mapping[int, Sequence[str]],
    *,
    split: str = "complete",
    subset: str = "full",
    date: str = "2026-01-02 03:04",
) -> Path:
    """An official results file: number of a task to the statuses of its samples."""
    extra = "" if subset == "full" else f"-{subset}"
    name = (
        f"{model.replace('/', '--')}--main--bigcodebench{extra}-{split}--hf-0-1-sanitized_calibrated_eval_results.json"
    )
    content = {
        "date": date,
        "eval": {f"Made/{n}": [sample(n, status) for status in statuses] for n, statuses in outcomes.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return folder / name
