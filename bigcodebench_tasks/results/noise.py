"""How much of the scores is chance: unstable tasks, and repeated runs of one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import UNSTABLE
from bigcodebench_tasks.execution.conditions import MAY_DIFFER
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.tables import Table, percent
from bigcodebench_tasks.scoring.noise import Spread, Unstable, unstable_among

_NOT_SETTINGS = {"seed", "workers", "cluster", "cache", *MAY_DIFFER}


def unstable(evaluation: Evaluation) -> Unstable | None:
    """The unstable tasks of an evaluation and its score without them; None if it has none, or no others."""
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
    return [task_id for task_id in task_ids if task_id in UNSTABLE]


@dataclass(frozen=True)
class Runs:
    """Several runs of one model on the same tasks with the same settings, and the spread of their scores."""

    model: str
    split: str
    subset: str
    spread: Spread


def repeated(runs: Iterable[Evaluation]) -> list[Runs]:
    """The models that have several runs with the same settings (seeds may differ), in their order.

    Args:
        runs: all runs, older ones too (`read.read_runs`).
    """
    alike: dict[tuple[Any, ...], list[Evaluation]] = {}
    for run in runs:
        alike.setdefault(_settings(run), []).append(run)
    return [_together(sorted(several, key=lambda run: run.date)) for several in alike.values() if len(several) > 1]


def _settings(evaluation: Evaluation) -> tuple[Any, ...]:
    """What repeated runs have in common."""
    content = {} if evaluation.run is None else evaluation.run.to_dict()
    settings = [_flat(content.get(name)) for name in ("options", "conditions", "generation")]
    tasks = frozenset(evaluation.samples)
    return evaluation.model, evaluation.split, evaluation.subset, tasks, content.get("mode"), *settings


def _flat(content: Mapping[str, Any] | None) -> str:
    return repr(sorted((name, repr(value)) for name, value in (content or {}).items() if name not in _NOT_SETTINGS))


def _together(runs: Sequence[Evaluation]) -> Runs:
    return Runs(runs[0].model, runs[0].split, runs[0].subset, Spread.of([run.solve_rates() for run in runs]))


def add_spread(runs: Iterable[Evaluation], tables: list[Table], everything: dict[str, Any]) -> None:
    """If a model has several runs, append the table of their spread, and their figures as "runs"."""
    if several := repeated(runs):
        tables.append(spread_table(several))
        everything["runs"] = [
            {
                "model": each.model,
                "split": each.split,
                "subset": each.subset,
                **asdict(each.spread),
                "mean": each.spread.mean,
                "standard_deviation": each.spread.deviation,
            }
            for each in several
        ]


def spread_table(several: Sequence[Runs]) -> Table:
    """The runs of each model as a table."""
    columns = ["model", "subset", "split", "runs", "mean", "standard deviation", "lowest", "highest"]
    rows = [
        [
            each.model,
            each.subset.capitalize(),
            each.split.capitalize(),
            str(len(spread.scores)),
            *map(percent, (spread.mean, spread.deviation, min(spread.scores), max(spread.scores))),
            f"{spread.flipped} of {spread.tasks}",
        ]
        for each in several
        if (spread := each.spread)
    ]
    return Table("Several runs of one model", [*columns, "tasks that differ"], rows)
