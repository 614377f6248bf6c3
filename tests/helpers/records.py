"""Records made up for tests: of samples, of runs, and whole evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from bigcodebench_tasks.benchmark.dataset_version import SHA256
from bigcodebench_tasks.execution.conditions import Conditions, Limits, Sandbox
from bigcodebench_tasks.execution.verdict import Status, Verdict
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord

REASONS = {"pass": "passed", "fail": "assertion", "timeout": "timeout"}


def sample_record(status: str | bool = "pass", solution: str = "") -> SampleRecord:
    """A record with this status; True and False mean "pass" and "fail"."""
    if isinstance(status, bool):
        status = "pass" if status else "fail"
    return SampleRecord(solution, verdict=Verdict(cast(Status, status), REASONS[status]))


def run_record(split: str = "complete", subset: str = "hard", **changes: Any) -> RunRecord:
    """A run with the default options, as on the leaderboard; `changes` replace whole fields."""
    settings: dict[str, Any] = {
        "split": split,
        "subset": subset,
        "mode": "chat",
        "options": Options(),
        "dataset_sha256": SHA256.get(subset, "0" * 64),
        "conditions": Conditions("official", "0" * 64, Limits(), Sandbox("landlock")),
        "generation": {"do_sample": False, "temperature": 0.0, "max_gen_toks": 1280},
        "prompting": "leaderboard",
    }
    return RunRecord(**settings | changes)


def evaluation(
    outcomes: Mapping[str, str | bool | Sequence[str]] | Mapping[int, str | bool | Sequence[str]],
    model: str = "m",
    split: str = "complete",
    subset: str = "full",
    *,
    run: RunRecord | None = None,
    date: datetime = datetime(2026, 1, 2, 3, 4),
) -> Evaluation:
    """An evaluation in memory.

    Args:
        outcomes: task_id, or number of a task of BigCodeBench, to the statuses of its samples, or to that of its one.
    """
    samples = {
        task_id if isinstance(task_id, str) else f"BigCodeBench/{task_id}": [
            sample_record(each) for each in ([statuses] if isinstance(statuses, str | bool) else statuses)
        ]
        for task_id, statuses in outcomes.items()
    }
    return Evaluation(model, split, subset, Path("results.json"), date, samples, run=run)
