"""What lm_eval prints and writes, as its users read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def score(output: str, task: str, metric: str = "pass@1") -> float:
    """The value that the harness's table shows for a task or group."""
    name = ""
    for line in output.splitlines():
        cells = [cell.strip(" -") for cell in line.split("|")[1:-1]]
        if len(cells) == 9:
            name = cells[0] or name  # further metrics of a task have an empty first cell
            if (name, cells[4]) == (task, metric):
                return float(cells[6])
    raise AssertionError(output[-4000:])


def samples(folder: Path, task: str) -> list[dict[str, Any]]:
    """The task's sample log; the records of its samples, which the harness logs as text, parsed into "records"."""
    (path,) = folder.rglob(f"samples_*{task}_*.jsonl")  # lm-eval 0.5 puts "GROUP::" before the name
    logged = [json.loads(line) for line in path.read_text().split("\n") if line]
    for sample in logged:
        sample["records"] = [json.loads(record) for record in sample["filtered_resps"][0]]
    return logged


def results(folder: Path) -> dict[str, Any]:
    (path,) = folder.rglob("results_*.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def of_task(content: dict[str, Any], task: str) -> Any:
    """The entry of a task in a part of the results; lm-eval 0.5 puts "GROUP::" before the name."""
    (found,) = (value for name, value in content.items() if name.split("::")[-1] == task)
    return found
