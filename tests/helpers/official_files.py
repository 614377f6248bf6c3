"""Official files for tests: results made up, and samples written and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.helpers.made import official_results

WRONG = "def task_func():\n    return '\x1b[31m\ud800'\n"
"""A program with what no terminal takes."""

TRACEBACK = "Traceback (most recent call last):\nAssertionError: 1 != [bold]2[/bold]\n"


def write_results(
    file: Path, statuses: Mapping[str, Sequence[str]], date: str = "2026-01-02 03:04", **beside: Any
) -> Path:
    """An official results file of any name.

    Args:
        statuses: task_id to the statuses of its samples.
        beside: what the ``_pass_at_k.json`` next to it says; none for no such file.
    """
    content = {
        "date": date,
        "eval": {
            task_id: [
                {"task_id": task_id, "solution": WRONG, "status": s, "details": {} if s == "pass" else {"t": TRACEBACK}}
                for s in each
            ]
            for task_id, each in statuses.items()
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    if beside:
        file.with_name(file.name.replace("eval_results", "pass_at_k")).write_text(json.dumps(beside))
    return file


def statuses(text: str) -> dict[int, list[str]]:
    """ "10" for two tasks with one sample each, of which the first passes."""
    return {number: ["pass" if char == "1" else "fail"] for number, char in enumerate(text)}


def three_models(folder: Path) -> Path:
    """Results of three models; `good/one` is best on Full and second on Hard, `half` has no Instruct."""
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


def write_samples(file: Path, samples: Iterable[Mapping[str, Any] | str]) -> Path:
    """A line per sample; a text is a line as it stands."""
    file.write_text("".join((s if isinstance(s, str) else json.dumps(s)) + "\n" for s in samples))
    return file


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().split("\n") if line]


def exported_file(folder: Path, split: str, ending: str) -> Path:
    """The file of a split in a folder into which the mini set was exported."""
    (file,) = folder.glob(f"*-mini-{split}-*-sanitized_calibrated{ending}")
    return file
