"""A run beside the published solve rates of its tasks: surprises, and expected and observed scores by difficulty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bigcodebench_tasks.leaderboard.published import solve_rates
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.scoring.intervals import Estimate, estimate

EASY = 0.9
"""A task is easy if at least this share of the published models solves it."""

RARE = 0.1
"""A task is rarely solved if at most this share of the published models solves it."""

DECILES = 10


@dataclass(frozen=True)
class Surprises:
    """Verdicts that the published solve rates make unlikely, each as task_id to the published solve rate.

    Attributes:
        failed: easy tasks that no sample solves, the easiest first. They point to extraction, truncation or the
            environment rather than to skill.
        solved: rarely solved tasks that every sample solves, the rarest first.
    """

    failed: Mapping[str, float]
    solved: Mapping[str, float]


@dataclass(frozen=True)
class Decile:
    """A tenth of a run's tasks, by difficulty.

    Attributes:
        expected: the mean of their published solve rates.
        observed: pass@1 on them, with its 95% interval.
    """

    expected: float
    observed: Estimate


def published_rates(evaluation: Evaluation) -> dict[str, float]:
    """task_id to the published solve rate on the evaluation's split, 0 to 1, for the tasks that have one."""
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
    """The evaluation's tasks in ten groups of equal size, the hardest first; empty for fewer than ten tasks."""
    own, rates = evaluation.solve_rates(), published_rates(evaluation)
    if len(rates) < DECILES:
        return []
    hardest_first = sorted(rates, key=lambda task_id: rates[task_id])
    groups: list[list[str]] = [list(group) for group in np.array_split(np.array(hardest_first), DECILES)]
    return [
        Decile(sum(rates[task_id] for task_id in group) / len(group), estimate([own[task_id] for task_id in group]))
        for group in groups
    ]
