"""A finished evaluation: one model's judged samples on one split of one subset, from any source (`results.read`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.scoring.intervals import Estimate, estimate
from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord


@dataclass(frozen=True)
class Evaluation:
    """One model on one split of one subset.

    Attributes:
        model: its name.
        split, subset: "complete" or "instruct"; "full", "hard", "mini" or "custom".
        source: its file.
        date: of the execution, local time.
        samples: task_id to the records of its samples, at least one each, all executed.
        tasks: task_id to row of the dataset; empty for official files until `with_tasks`.
        run: what the score depends on; None for files of the official evaluator.
        holds_programs: whether the solutions of the records are the executed programs, as in official files; else they
            are not calibrated.
    """

    model: str
    split: str
    subset: str
    source: Path
    date: datetime
    samples: Mapping[str, list[SampleRecord]]
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run: RunRecord | None = None
    holds_programs: bool = False

    @property
    def name(self) -> str:
        """For display: "Hard, Complete"."""
        return f"{self.subset.capitalize()}, {self.split.capitalize()}"

    def program(self, task_id: str, sample: SampleRecord) -> str:
        """The executed program of a sample. Needs the task's row (`with_tasks`)."""
        if self.holds_programs or self.run is None or not self.run.options.calibrated:
            return sample.solution
        return calibrate(sample.solution, self.tasks[task_id]["code_prompt"])

    def solution_start(self, task_id: str, sample: SampleRecord) -> int:
        """Offset of the sanitized solution in the program: after the calibration, if there is one."""
        before = calibrate("", self.tasks[task_id]["code_prompt"])
        return len(before) if self.program(task_id, sample).startswith(before) else 0

    def solve_rates(self) -> dict[str, float]:
        """task_id to the share of its samples that pass, 0 to 1."""
        return {task_id: sum(s.passed for s in samples) / len(samples) for task_id, samples in self.samples.items()}

    def score(self) -> Estimate:
        """pass@1: the mean of the solve rates."""
        return estimate(list(self.solve_rates().values()))

    def figures(self) -> dict[str, Any]:
        """The score with its interval, the number of tasks and the source, as plain JSON types."""
        score = self.score()
        return {
            "pass@1": score.rate,
            "low": score.low,
            "high": score.high,
            "tasks": score.tasks,
            "source": str(self.source),
        }

    def on(self, task_ids: Collection[str]) -> Evaluation:
        """The same on these tasks only."""
        return replace(self, samples={task_id: s for task_id, s in self.samples.items() if task_id in task_ids})

    def with_tasks(self) -> Evaluation:
        """The same with the dataset's rows, loaded if the source has none.

        Raises:
            DatasetError: the dataset cannot be loaded.
            OutputError: it does not have the task of a sample.
        """
        if self.tasks:
            return self
        rows = dataset.load_tasks(dataset.SUBSETS.get(self.subset, dataset.FULL), DATASET_VERSION)
        known = {row["task_id"]: row for row in rows}
        missing = [task_id for task_id in self.samples if task_id not in known]
        if missing:
            raise OutputError(f"{self.source} has {missing[0]}, which is no task of {self.subset} {DATASET_VERSION}")
        return replace(self, tasks={task_id: known[task_id] for task_id in self.samples})


def mean_of_splits(evaluations: Sequence[Evaluation]) -> Estimate | None:
    """pass@1 over Complete and Instruct, by which the leaderboard ranks.

    Args:
        evaluations: of one model on one subset.

    Returns:
        None unless both splits exist, with the same tasks.
    """
    rates = {evaluation.split: evaluation.solve_rates() for evaluation in evaluations}
    if len(rates) != len(SPLITS):
        return None
    first, second = rates.values()
    if first.keys() != second.keys():
        return None
    # The two verdicts of a task are not independent, so the interval is that of one rate per task.
    return estimate([(first[task_id] + second[task_id]) / 2 for task_id in first])


def mean_solve_rates(evaluations: Iterable[Evaluation]) -> dict[str, float]:
    """task_id to its solve rate, 0 to 1, averaged over models; a model counts once per task."""
    per_task: dict[str, dict[str, float]] = {}
    for evaluation in evaluations:
        for task_id, rate in evaluation.solve_rates().items():
            per_task.setdefault(task_id, {})[evaluation.model] = rate
    return {task_id: sum(rates.values()) / len(rates) for task_id, rates in per_task.items()}
