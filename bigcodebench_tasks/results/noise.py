"""How much of a score is chance: tasks whose verdict is known to be unstable, and several runs of one model."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import FLIPPING, REMOTE_HOSTS
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.tables import Table, percent
from bigcodebench_tasks.scoring.intervals import Estimate


@dataclass(frozen=True)
class Unstable:
    """The tasks of an evaluation whose verdicts are known to depend on something else than the program.

    Attributes:
        flipping: task_ids; a program of theirs was seen to pass in one run and to fail in another.
        remote: task_ids; their programs call hosts on the internet. A task can be in both.
        solved: the sum of the solve rates of all of them.
        score: pass@1 on all tasks.
        without: pass@1 on the other tasks.
    """

    flipping: Sequence[str]
    remote: Sequence[str]
    solved: float
    score: Estimate
    without: Estimate

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys([*self.flipping, *self.remote]))

    def said(self) -> str:
        """One sentence that names the tasks, and the score with and without them."""
        groups = [("known to flip between runs", self.flipping), ("need the internet", self.remote)]
        numbers = [
            f"{words}: {', '.join(task_id.rpartition('/')[2] for task_id in task_ids)}"
            for words, task_ids in groups
            if task_ids
        ]
        without = f"without the {len(self.tasks)} unstable tasks {percent(self.without.rate)}"
        return f"pass@1 {percent(self.score.rate)}; {without} ({'; '.join(numbers)}; it solves {self.solved:g} of them)"


def unstable(evaluation: Evaluation) -> Unstable | None:
    """The unstable tasks of an evaluation and its score without them; None where it has none, or no others."""
    names = {kind: [f"BigCodeBench/{n}" for n in sorted(numbers)] for kind, numbers in _KINDS.items()}
    rates = evaluation.solve_rates()
    flipping, remote = ([task_id for task_id in names[kind] if task_id in rates] for kind in _KINDS)
    both = {*flipping, *remote}
    others = rates.keys() - both
    if not both or not others:
        return None
    solved = sum(rates[task_id] for task_id in both)
    return Unstable(flipping, remote, solved, evaluation.score(), evaluation.on(others).score())


def unstable_notes(evaluations: Iterable[Evaluation]) -> list[str]:
    """A line for each evaluation with unstable tasks: the score with and without them."""
    parts = [(each, unstable(each)) for each in evaluations]
    return [f"{each.model}, {each.name}: {tasks.said()}" for each, tasks in parts if tasks is not None]


_KINDS = {"flipping": FLIPPING, "remote": REMOTE_HOSTS}


@dataclass(frozen=True)
class Spread:
    """Several runs of one model on the same tasks with the same settings: seeds, or plain repetitions.

    Attributes:
        model, split, subset: those of the runs.
        scores: pass@1 of each run, 0 to 1, the oldest first.
        flipped: how many tasks do not have the same solve rate in all runs.
        tasks: how many there are.
    """

    model: str
    split: str
    subset: str
    scores: Sequence[float]
    flipped: int
    tasks: int

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores)

    @property
    def deviation(self) -> float:
        """Standard deviation of the scores, that of a sample."""
        return statistics.stdev(self.scores)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain JSON types."""
        return {**asdict(self), "mean": self.mean, "standard_deviation": self.deviation}

    def said(self) -> str:
        """One sentence."""
        low, high = min(self.scores), max(self.scores)
        return (
            f"{len(self.scores)} runs: mean {percent(self.mean)}, standard deviation {percent(self.deviation)}, "
            f"{percent(low)} to {percent(high)}; {self.flipped} of {self.tasks} tasks differ"
        )


def spreads(runs: Iterable[Evaluation]) -> list[Spread]:
    """Mean and spread where a model has several runs that differ in nothing but chance, in the order that they came.

    Args:
        runs: all that were found, older ones too (`read.read_runs`).
    """
    alike: dict[tuple[Any, ...], list[Evaluation]] = {}
    for run in runs:
        alike.setdefault(_settings(run), []).append(run)
    return [_spread(sorted(several, key=lambda run: run.date)) for several in alike.values() if len(several) > 1]


def _settings(evaluation: Evaluation) -> tuple[Any, ...]:
    """What has to be the same in runs that differ by chance alone; seeds are not in it."""
    run = evaluation.run
    recorded = None if run is None else (run.mode, _flat(run.options), _flat(run.conditions), _flat(run.generation))
    return evaluation.model, evaluation.split, evaluation.subset, frozenset(evaluation.samples), recorded


def _flat(content: Any) -> str:
    leave: Collection[str] = ("seed", "workers", "cache", "folder")
    if content is None:
        return ""
    return repr(sorted((name, repr(value)) for name, value in content.items() if name not in leave))


def _spread(runs: Sequence[Evaluation]) -> Spread:
    rates = [run.solve_rates() for run in runs]
    flipped = sum(len({each[task_id] for each in rates}) > 1 for task_id in rates[0])
    first = runs[0]
    scores = [run.score().rate for run in runs]
    return Spread(first.model, first.split, first.subset, scores, flipped, len(rates[0]))


def spread_table(several: Sequence[Spread]) -> Table:
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
            each.model,
            each.subset.capitalize(),
            each.split.capitalize(),
            str(len(each.scores)),
            percent(each.mean),
            percent(each.deviation),
            percent(min(each.scores)),
            percent(max(each.scores)),
            f"{each.flipped} of {each.tasks}",
        ]
        for each in several
    ]
    return Table("Several runs of one model", columns, rows)
