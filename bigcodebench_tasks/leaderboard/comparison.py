"""The ``compare`` command with published models: of these only totals are known, so there is no paired test."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.dataset_version import TASKS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.leaderboard.published import PublishedModel, not_published_notes
from bigcodebench_tasks.results.comparison import compare, difference_cells, groups
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.noise import add_spread, unstable_notes
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import NONE, Sheet, Table, score_cells
from bigcodebench_tasks.scoring.intervals import Estimate, mean_interval
from bigcodebench_tasks.scoring.leaderboard_settings import describe

_NO_PAIRED_TEST = (
    "Of published models only totals are known, not which tasks they solve: no paired test is possible. The intervals "
    "take the two scores as independent and so are wider than paired ones."
)


@dataclass(frozen=True)
class Unpaired:
    """The difference of two scores.

    Attributes:
        mean: the first score minus the second, -1 to 1.
        low, high: its 95% interval by Newcombe's hybrid score method (1998), which takes the two as independent. On the
            same tasks they are not, so it is wider than a paired interval.
        relative: the difference as a share of the second score; None if that is 0.
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
    """A published score with the interval of as many solved tasks; None if it is not published."""
    score = model.score(subset, split)
    if score is None:
        return None
    tasks = TASKS[subset]
    # With one greedy sample a task the score is a number of solved tasks, known but for rounding.
    solved = round(score * tasks)
    low, high = mean_interval([1.0] * solved + [0.0] * (tasks - solved))
    return Estimate(score, low, high, tasks)


def compare_with_published(models: Sequence[PublishedModel], runs: Sequence[Evaluation], seed: int = 0) -> Sheet:
    """Scores and differences of published and the user's models, on each split and subset that two of them have.

    Args:
        models: published ones, at least one.
        runs: the user's runs; several models of them are compared task by task too, as `compare` does.
        seed: of the bootstrap of that.

    Raises:
        OutputError: no two have a score on the same split and subset.
    """
    evaluations = newest(runs)
    tables: list[Table] = []
    comparisons: list[dict[str, Any]] = []
    for subset, split in itertools.product(TASKS, SPLITS):
        own = [each for each in evaluations if (each.subset, each.split) == (subset, split)]
        scores = {model.name: score for model in models if (score := published_estimate(model, subset, split))}
        published = set(scores)
        scores |= {_own_name(each, published): each.score() for each in own}
        if not published or len(scores) < 2:
            continue
        pairs = {
            (first, second): unpaired(scores[first], scores[second])
            for first, second in itertools.combinations(scores, 2)
            if {first, second} & published
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
                "differs_from_leaderboard": {each.model: _settings(each) for each in own},
            }
        )
    if not comparisons:
        names = ", ".join([*(model.name for model in models), *(each.model for each in evaluations)])
        raise OutputError(f"no two of {names} have a score on the same split and subset. Give another model or results")
    heading = "BigCodeBench: comparison with published models"
    everything: dict[str, Any] = {"published": comparisons}
    notes = not_published_notes(evaluations)
    if any(len(group.evaluations) > 1 for group in groups(evaluations)):
        paired = compare(runs, seed)
        everything = {**paired.everything, **everything}
        return Sheet(heading, [*paired.tables, *tables], everything, [*paired.notes, *notes])
    add_spread((run for run in runs if run.subset in TASKS), tables, everything)
    return Sheet(heading, tables, everything, notes)


def _own_name(evaluation: Evaluation, taken: set[str]) -> str:
    return f"{evaluation.model} (yours)" if evaluation.model in taken else evaluation.model


def _settings(evaluation: Evaluation) -> str:
    return describe(evaluation.run, len(evaluation.samples), evaluation.subset)


def _tables(
    name: str,
    scores: Mapping[str, Estimate],
    pairs: Mapping[tuple[str, str], Unpaired],
    own: Sequence[Evaluation],
) -> list[Table]:
    rows = [[model, *score_cells(score), str(score.tasks)] for model, score in scores.items()]
    notes = [f"{each.model}: settings {_settings(each)}" for each in own]
    differences = [
        [
            f"{first} - {second}",
            *difference_cells(pair),
            NONE if pair.relative is None else f"{100 * pair.relative:+.1f}%",
        ]
        for (first, second), pair in pairs.items()
    ]
    columns = ["pair", "difference", "95%, unpaired", "of the second"]
    return [
        Table(f"{name}: pass@1", ["model", "pass@1", "95%", "tasks"], rows, [*notes, *unstable_notes(own)]),
        Table(f"{name}: differences", columns, differences, [_NO_PAIRED_TEST]),
    ]
