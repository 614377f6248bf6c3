"""Write the bundled published figures anew: bigcodebench_tasks/data/published_*.jsonl.

    python scripts/make_published.py ../shared/data

The folder holds what was taken from the public leaderboard's repository (``leaderboard_<date>.jsonl``, a model a
line, and ``solve_rates_<date>.jsonl``, a task a line). What is written is our own form: the first line of each file
says where its figures come from, and only what `bigcodebench_tasks.leaderboard.published` reads is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "bigcodebench_tasks" / "data"

REPOSITORY = "https://github.com/bigcode-bench/bigcode-bench.github.io"
STATES = {"2024-07-18": "0102b76", "2025-04-17": "81f5635"}
"""Date of a state of the leaderboard to its commit."""

SOLVE_RATES = ("2024-06-11", "9f5e2b1")
MODELS = {"complete": 60, "instruct": 35}
"""How many models each solve rate is a share of."""


def model_rows(source: Path) -> list[dict[str, Any]]:
    """A head, then for each state a row per model; scores are (Complete, Instruct) in percent, sizes in billions."""
    rows: list[dict[str, Any]] = [
        {"source": REPOSITORY, "commits": STATES, "what": "pass@1 in percent, greedy, calibrated; sizes in billions"}
    ]
    for as_of in STATES:
        for model in read(source / f"leaderboard_{as_of}.jsonl"):
            scores = {name: [model[name]["complete"], model[name]["instruct"]] for name in ("full", "hard")}
            kept = {
                "model": model["model"],
                "size": model["size_b"],
                "date": model["date"],
                "prefill": model["prefill"],
            }
            rows.append({"as_of": as_of, **kept, **scores})
    return rows


def solve_rate_rows(source: Path) -> list[dict[str, Any]]:
    """A head, then a row per split: by the tasks' numbers, how many of its models solve each."""
    date, commit = SOLVE_RATES
    tasks = read(source / f"solve_rates_{date}.jsonl")
    assert [task["task_id"] for task in tasks] == [f"BigCodeBench/{number}" for number in range(len(tasks))]
    rows: list[dict[str, Any]] = [
        {"source": REPOSITORY, "commit": commit, "date": date, "what": "models that solve a task"}
    ]
    for split, models in MODELS.items():
        solved = [round(task[split] * models) for task in tasks]
        # The shares are given with three decimals, which is enough to have the number back.
        assert all(round(n / models, 3) == task[split] for n, task in zip(solved, tasks, strict=True))
        rows.append({"split": split, "models": models, "solved_by": solved})
    return rows


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    source = Path(sys.argv[1])
    for name, rows in (("models", model_rows(source)), ("solve_rates", solve_rate_rows(source))):
        text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
        (TARGET / f"published_{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
