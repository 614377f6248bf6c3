"""A run beside the published solve rates of its tasks: surprises, and expected against observed by difficulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bigcodebench_tasks.leaderboard.published import solve_rates
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.scoring.intervals import Estimate, estimate

EASY = 0.9
"""Nearly all published models solve a task: at least this share of them."""

RARE = 0.1
"""Hardly any published model solves a task: at most this share of them."""

DECILES = 10


@dataclass(frozen=True)
class Surprises:
    """Verdicts that the published solve rates do not let one expect, each as task_id to the published solve rate.

    Attributes:
        failed: tasks that no sample solves and nearly all published models do, the most often solved first. They point
            to extraction, truncation or the environment rather than to skill.
        solved: tasks that every sample solves and hardly any published model does, the least often solved first.
    """

    failed: Mapping[str, float]
    solved: Mapping[str, float]


@dataclass(frozen=True)
class Decile:
    """A tenth of a run's tasks, by difficulty.

    Attributes:
        expected: the mean of their published solve rates: what the average published model scores on them.
        observed: pass@1 on them, with its 95% interval.
    """

    expected: float
    observed: Estimate


def published_rates(evaluation: Evaluation) -> dict[str, float]:
    """task_id to the published solve rate on the evaluation's split, 0 to 1; tasks that have none are missing."""
    known = solve_rates(evaluation.split)
    return {task_id: known[task_id] for task_id in evaluation.samples if task_id in known}


def surprises(evaluation: Evaluation) -> Surprises:
    """The tasks on which an evaluation and the published models differ most."""
    own = evaluation.solve_rates()
    rates = sorted(published_rates(evaluation).items(), key=lambda pair: pair[1])
    return Surprises(
        failed={task_id: rate for task_id, rate in reversed(rates) if rate >= EASY and own[task_id] == 0.0},
        solved={task_id: rate for task_id, rate in rates if rate <= RARE and own[task_id] == 1.0},
    )


def deciles(evaluation: Evaluation) -> list[Decile]:
    """The evaluation's tasks in ten groups of the same number, the hardest first; none for fewer tasks than groups."""
    own, rates = evaluation.solve_rates(), published_rates(evaluation)
    if len(rates) < DECILES:
        return []
    hardest_first = sorted(rates, key=lambda task_id: rates[task_id])
    groups: Sequence[Sequence[str]] = [list(group) for group in np.array_split(np.array(hardest_first), DECILES)]
    return [
        Decile(sum(rates[task_id] for task_id in group) / len(group), estimate([own[task_id] for task_id in group]))
        for group in groups
    ]
