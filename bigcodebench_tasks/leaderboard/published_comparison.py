"""Published models side by side, and beside one's own: totals alone, so there is no paired test."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.leaderboard.published import TASKS, PublishedModel
from bigcodebench_tasks.results.comparison import compare, groups
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.noise import repeated, spread_table, unstable_notes
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import NONE, Sheet, Table, percent
from bigcodebench_tasks.scoring.intervals import Estimate, mean_interval
from bigcodebench_tasks.scoring.presets import named


@dataclass(frozen=True)
class Unpaired:
    """The difference of two scores of which no tasks are known.

    Attributes:
        mean: the first score minus the second, -1 to 1.
        low, high: its 95% interval by Newcombe's hybrid score method (1998), which takes the two as independent. On the
            same tasks they are not, so it is wider than a paired one would be.
        relative: the difference as a share of the second score; None where that is 0.
    """

    mean: float
    low: float
    high: float
    relative: float | None


def unpaired(first: Estimate, second: Estimate) -> Unpaired:
    """The difference of two scores."""
    mean = first.rate - second.rate
    low = mean - math.hypot(first.rate - first.low, second.high - second.rate)
    high = mean + math.hypot(first.high - first.rate, second.rate - second.low)
    return Unpaired(mean, max(-1.0, low), min(1.0, high), mean / second.rate if second.rate else None)


def published_estimate(model: PublishedModel, subset: str, split: str) -> Estimate | None:
    """A published score with the interval of as many solved tasks; None where there is none."""
    score = model.score(subset, split)
    if score is None:
        return None
    tasks = TASKS[subset]
    # One greedy sample a task: the score is a number of solved tasks, which is known but for rounding.
    solved = round(score * tasks)
    low, high = mean_interval([1.0] * solved + [0.0] * (tasks - solved))
    return Estimate(score, low, high, tasks)


def compare_with_published(models: Sequence[PublishedModel], runs: Sequence[Evaluation], seed: int = 0) -> Sheet:
    """Scores and differences of published models and of one's own, on each split of each subset that two of them have.

    Args:
        models: published ones, at least one.
        runs: one's own; several models are compared with each other task by task, as `compare` does.
        seed: of the bootstrap of that.

    Raises:
        OutputError: no two have a score on the same split and subset.
    """
    evaluations = newest(runs)
    tables: list[Table] = []
    comparisons: list[dict[str, Any]] = []
    notes = [
        f"{each.model}, {each.name} is no published subset: it stands beside none of these"
        for each in evaluations
        if each.subset not in TASKS
    ]
    for subset in TASKS:
        for split in SPLITS:
            own = [each for each in evaluations if (each.subset, each.split) == (subset, split)]
            scores = {model.name: score for model in models if (score := published_estimate(model, subset, split))}
            scores |= {_own_name(each, scores): each.score() for each in own}
            if len(scores) < 2 or len(own) == len(scores):
                continue
            ours = {name for name in scores if name not in {model.name for model in models}}
            pairs = {
                (first, second): unpaired(scores[first], scores[second])
                for first, second in itertools.combinations(scores, 2)
                if not {first, second} <= ours
            }
            tables += _tables(f"{subset.capitalize()}, {split.capitalize()}", scores, pairs, own)
            comparisons.append(
                {
                    "subset": subset,
                    "split": split,
                    "models": {name: asdict(score) for name, score in scores.items()},
                    "pairs": [
                        {"first": first, "second": second, **asdict(pair)} for (first, second), pair in pairs.items()
                    ],
                    "differs_from_leaderboard": {
                        each.model: named(each.run, len(each.samples), each.subset) for each in own
                    },
                }
            )
    if not comparisons:
        names = ", ".join([*(model.name for model in models), *(each.model for each in evaluations)])
        raise OutputError(f"no two of {names} have a score on the same split and subset. Give another model or results")
    tables[-1] = _with_note(
        tables[-1],
        "Of published models only totals are known, not which tasks they solve: no paired test is possible. The "
        "intervals take the two scores as independent and so are wider than paired ones.",
    )
    heading = "BigCodeBench: comparison with published models"
    if all(len(group.evaluations) < 2 for group in groups(evaluations)):
        everything: dict[str, Any] = {"published": comparisons}
        if several := repeated(run for run in runs if run.subset in TASKS):
            tables.append(spread_table(several))
            everything["runs"] = [each.to_dict() for each in several]
        return Sheet(heading, tables, everything, notes)
    paired = compare(runs, seed)
    everything = {**paired.everything, "published": comparisons}
    return Sheet(heading, [*paired.tables, *tables], everything, [*paired.notes, *notes])


def _own_name(evaluation: Evaluation, taken: Mapping[str, Estimate]) -> str:
    return f"{evaluation.model} (yours)" if evaluation.model in taken else evaluation.model


def _tables(
    name: str,
    scores: Mapping[str, Estimate],
    pairs: Mapping[tuple[str, str], Unpaired],
    own: Sequence[Evaluation],
) -> list[Table]:
    rows = [
        [model, percent(score.rate), f"{percent(score.low)} to {percent(score.high)}", str(score.tasks)]
        for model, score in scores.items()
    ]
    notes = [f"{each.model}: settings {named(each.run, len(each.samples), each.subset)}" for each in own]
    notes += unstable_notes(own)
    differences = [
        [
            f"{first} - {second}",
            f"{100 * pair.mean:+.1f}",
            f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}",
            NONE if pair.relative is None else f"{100 * pair.relative:+.1f}%",
        ]
        for (first, second), pair in pairs.items()
    ]
    columns = ["pair", "difference", "95%, unpaired", "of the second"]
    return [
        Table(f"{name}: pass@1", ["model", "pass@1", "95%", "tasks"], rows, notes),
        Table(f"{name}: differences", columns, differences),
    ]


def _with_note(table: Table, note: str) -> Table:
    return Table(table.title, table.columns, table.rows, [*table.notes, note], table.long)
