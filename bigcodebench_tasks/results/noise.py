"""How much of the scores of evaluations is chance: their unstable tasks, and several runs of one model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import UNSTABLE
from bigcodebench_tasks.execution.conditions import MAY_DIFFER
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.tables import Table, percent
from bigcodebench_tasks.scoring.noise import Spread, Unstable, unstable_among


def unstable(evaluation: Evaluation) -> Unstable | None:
    """The unstable tasks of an evaluation and its score without them; None where it has none, or no others."""
    return unstable_among(evaluation.solve_rates())


def unstable_notes(evaluations: Iterable[Evaluation]) -> list[str]:
    """A line for each evaluation with unstable tasks: the score with and without them."""
    return [f"{each.model}, {each.name}: {tasks.said()}" for each in evaluations if (tasks := unstable(each))]


def unstable_figures(evaluations: Iterable[Evaluation]) -> list[dict[str, Any]]:
    """The same as plain JSON types."""
    return [
        {"model": each.model, "subset": each.subset, "split": each.split, **asdict(tasks)}
        for each in evaluations
        if (tasks := unstable(each))
    ]


def unstable_of(task_ids: Iterable[str]) -> list[str]:
    """Those of these tasks whose verdicts are known to be unstable."""
    names = {f"BigCodeBench/{number}" for number in UNSTABLE}
    return [task_id for task_id in task_ids if task_id in names]


@dataclass(frozen=True)
class Runs:
    """Several runs of one model on the same tasks with the same settings: seeds, or plain repetitions.

    Attributes:
        model, split, subset: those of the runs.
        spread: of their scores, the oldest first.
    """

    model: str
    split: str
    subset: str
    spread: Spread

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain JSON types."""
        figures = {**asdict(self.spread), "mean": self.spread.mean, "standard_deviation": self.spread.deviation}
        return {"model": self.model, "split": self.split, "subset": self.subset, **figures}


def repeated(runs: Iterable[Evaluation]) -> list[Runs]:
    """Mean and spread where a model has several runs that differ in nothing but chance, in the order that they came.

    Args:
        runs: all there are, older ones too (`read.read_runs`).
    """
    alike: dict[tuple[Any, ...], list[Evaluation]] = {}
    for run in runs:
        alike.setdefault(_settings(run), []).append(run)
    return [_together(sorted(several, key=lambda run: run.date)) for several in alike.values() if len(several) > 1]


def _settings(evaluation: Evaluation) -> tuple[Any, ...]:
    """What has to be the same in runs that differ by chance alone; seeds are not in it."""
    run = evaluation.run
    recorded = None if run is None else (run.mode, _flat(run.options), _flat(run.conditions), _flat(run.generation))
    return evaluation.model, evaluation.split, evaluation.subset, frozenset(evaluation.samples), recorded


def _flat(content: Any) -> str:
    leave: Collection[str] = ("seed", "workers", "cluster", "cache", *MAY_DIFFER)
    if content is None:
        return ""
    return repr(sorted((name, repr(value)) for name, value in content.items() if name not in leave))


def _together(runs: Sequence[Evaluation]) -> Runs:
    first = runs[0]
    return Runs(first.model, first.split, first.subset, Spread.of([run.solve_rates() for run in runs]))


def spread_table(several: Sequence[Runs]) -> Table:
    """The runs of each model as a table."""
    columns = [
        "model",
        "subset",
        "split",
        "runs",
        "mean",
        "standard deviation",
        "lowest",
        "highest",
        "tasks that differ",
    ]
    rows = [
        [
            runs.model,
            runs.subset.capitalize(),
            runs.split.capitalize(),
            str(len(runs.spread.scores)),
            percent(runs.spread.mean),
            percent(runs.spread.deviation),
            percent(min(runs.spread.scores)),
            percent(max(runs.spread.scores)),
            f"{runs.spread.flipped} of {runs.spread.tasks}",
        ]
        for runs in several
    ]
    return Table("Several runs of one model", columns, rows)
