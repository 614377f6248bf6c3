"""The ``compare`` command: models side by side on the same tasks, with the paired difference of each pair."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from scipy import stats

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.noise import add_spread, unstable_figures, unstable_notes, unstable_of
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import Sheet, Table, score_cells

ROUNDS = 10_000
"""Bootstrap rounds of a difference."""

# How many tasks a note names; JSON and the page have them all.
SHOWN = 10


# -- two models ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Two models on the same tasks.

    Attributes:
        mean: mean difference of the solve rates, first minus second, -1 to 1.
        low, high: its 95% interval by a paired bootstrap.
        p: of McNemar's exact test; 1.0 if no task tells the models apart.
        only_first, only_second: tasks that one solves and the other does not.
    """

    mean: float
    low: float
    high: float
    p: float
    only_first: list[str]
    only_second: list[str]


def difference(
    first: Mapping[str, Sequence[bool]], second: Mapping[str, Sequence[bool]], seed: int = 0, rounds: int = ROUNDS
) -> Difference:
    """Compare two models.

    McNemar's test needs one outcome per task: for it and the lists a task is solved if its first sample passes.

    Args:
        first, second: task_id to whether each sample passed; the same tasks.
        seed: of the bootstrap.

    Raises:
        ValueError: the tasks differ, or there is none.
    """
    if first.keys() != second.keys() or not first:
        raise ValueError("both models need the same tasks, at least one")
    deltas = np.array([np.mean(first[task_id]) - np.mean(second[task_id]) for task_id in first])
    # Tasks with the same difference are interchangeable, so a round is how often each difference was drawn.
    values, counts = np.unique(deltas, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(deltas), counts / len(deltas), size=rounds)
    low, high = np.percentile(drawn @ values / len(deltas), [2.5, 97.5])
    only_first = [task_id for task_id in first if first[task_id][0] and not second[task_id][0]]
    only_second = [task_id for task_id in first if second[task_id][0] and not first[task_id][0]]
    discordant = len(only_first) + len(only_second)
    p = stats.binomtest(len(only_first), discordant).pvalue if discordant else 1.0
    return Difference(float(deltas.mean()), float(low), float(high), float(p), only_first, only_second)


class _Interval(Protocol):
    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def difference_cells(difference: _Interval) -> list[str]:
    """A difference and its 95% interval, in percentage points, as two cells."""
    return [f"{100 * difference.mean:+.1f}", f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"]


# -- models on the same tasks ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Models on one split of one subset, each on the tasks that all of them have.

    Attributes:
        subset, split: "full", "hard", "mini" or "custom"; "complete" or "instruct".
        evaluations: model to its evaluation, all of the same tasks.
        note: a sentence on the tasks that were left out; "" for none.
    """

    subset: str
    split: str
    evaluations: Mapping[str, Evaluation]
    note: str = ""


def groups(evaluations: Sequence[Evaluation]) -> list[Group]:
    """The evaluations of each split and subset, sorted by subset, then split.

    Raises:
        OutputError: models of a group have no task in common.
    """
    per_key: dict[tuple[str, str], dict[str, Evaluation]] = {}
    for evaluation in evaluations:
        per_key.setdefault((evaluation.subset, evaluation.split), {})[evaluation.model] = evaluation
    return [_on_common_tasks(subset, split, models) for (subset, split), models in sorted(per_key.items())]


def _on_common_tasks(subset: str, split: str, models: Mapping[str, Evaluation]) -> Group:
    common = set.intersection(*(set(evaluation.samples) for evaluation in models.values()))
    longest = max(models.values(), key=lambda evaluation: len(evaluation.samples))
    if not common:
        raise OutputError(f"{longest.name}: {', '.join(models)} have no task in common. Compare runs of the same tasks")
    note = ""
    if len(common) < len(longest.samples):
        tasks = {model: len(evaluation.samples) for model, evaluation in models.items()}
        more = [f"{model} has {number}" for model, number in tasks.items() if number != len(common)]
        note = f"{longest.name}: only the {len(common)} tasks that all models have count ({'; '.join(more)})"
    return Group(subset, split, {model: evaluation.on(common) for model, evaluation in models.items()}, note)


def compare(runs: Sequence[Evaluation], seed: int = 0) -> Sheet:
    """pass@1 of each model, the difference of every pair, and the tasks that only one of a pair solves.

    Args:
        runs: each split and subset that several models have is compared; of a model's runs the newest counts, and the
            mean and spread of several are shown beside it (`read.read_runs`).
        seed: of the bootstrap.

    Raises:
        OutputError: there are no two models to compare, or two that have no task in common.
    """
    evaluations = newest(runs)
    comparable = [group for group in groups(evaluations) if len(group.evaluations) > 1]
    if not comparable:
        there = "; ".join(f"{evaluation.model}: {evaluation.name}" for evaluation in evaluations)
        raise OutputError(
            f"there are no two models on the same split and subset to compare, only {there}. Give the results of "
            "another model; of runs of one model under one name only the newest counts (bigcodebench-tasks leaderboard "
            "shows mean and spread of all)"
        )
    tables: list[Table] = []
    comparisons: list[dict[str, Any]] = []
    for group in comparable:
        pairs = _differences(group, seed)
        tables += _tables(group, pairs)
        comparisons.append(
            {
                "subset": group.subset,
                "split": group.split,
                "models": {model: evaluation.figures() for model, evaluation in group.evaluations.items()},
                "unstable_tasks": unstable_figures(group.evaluations.values()),
                "pairs": [
                    {"first": first, "second": second, **asdict(pair)} for (first, second), pair in pairs.items()
                ],
            }
        )
    everything: dict[str, Any] = {"comparisons": comparisons}
    compared = {(group.subset, group.split) for group in comparable}
    add_spread((run for run in runs if (run.subset, run.split) in compared), tables, everything)
    notes = [group.note for group in comparable if group.note]
    return Sheet("BigCodeBench: comparison", tables, everything, notes)


def _differences(group: Group, seed: int) -> dict[tuple[str, str], Difference]:
    """(first model, second model) to their difference, for every pair."""
    passed = {
        model: {task_id: [sample.passed for sample in samples] for task_id, samples in evaluation.samples.items()}
        for model, evaluation in group.evaluations.items()
    }
    return {
        (first, second): difference(passed[first], passed[second], seed)
        for first, second in itertools.combinations(passed, 2)
    }


def _tables(group: Group, pairs: Mapping[tuple[str, str], Difference]) -> list[Table]:
    evaluations = group.evaluations.values()
    name, tasks = next((each.name, len(each.samples)) for each in evaluations)
    scores = [[model, *score_cells(evaluation.score())] for model, evaluation in group.evaluations.items()]
    differences = [
        [
            f"{first} - {second}",
            *difference_cells(pair),
            f"{pair.p:.2g}",
            str(len(pair.only_first)),
            str(len(pair.only_second)),
        ]
        for (first, second), pair in pairs.items()
    ]
    columns = ["pair", "difference", "95%", "McNemar p", "only the first", "only the second"]
    return [
        Table(f"{name}: pass@1 on {tasks} tasks", ["model", "pass@1", "95%"], scores, unstable_notes(evaluations)),
        Table(f"{name}: differences", columns, differences),
        *(
            _only_one_solves(name, first, second, pair)
            for (first, second), pair in pairs.items()
            if pair.only_first or pair.only_second
        ),
    ]


def _only_one_solves(name: str, first: str, second: str, pair: Difference) -> Table:
    """The tasks that only one of two models solves: all as rows, the first few as notes."""
    rows = [[task_id, first] for task_id in pair.only_first] + [[task_id, second] for task_id in pair.only_second]
    notes = [_named(first, second, pair.only_first), _named(second, first, pair.only_second)]
    if unstable := unstable_of([*pair.only_first, *pair.only_second]):
        notes.append(f"unstable, so that another run may differ: {', '.join(unstable)}")
    title = f"{name}: tasks that only one of {first} and {second} solves"
    return Table(title, ["task", "solved by"], rows, [note for note in notes if note], long=True)


def _named(solver: str, other: str, task_ids: Sequence[str]) -> str:
    """A note that names tasks; "" for none."""
    more = f" and {len(task_ids) - SHOWN} more (--json and --html name all)" if len(task_ids) > SHOWN else ""
    return f"{solver} solves, {other} does not: {', '.join(task_ids[:SHOWN])}{more}" if task_ids else ""
