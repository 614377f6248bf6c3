"""An evaluation among the published models, for the page, as plain JSON types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bigcodebench_tasks.leaderboard.difficulty import EASY, RARE, published_rates, surprises
from bigcodebench_tasks.leaderboard.placement import own_models
from bigcodebench_tasks.leaderboard.published import NEWEST, SOLVE_RATES_OF, solved_by
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.noise import unstable


def beside_published(evaluation: Evaluation, evaluations: Sequence[Evaluation]) -> dict[str, Any] | None:
    """The score's rank, its surprises, and its unstable tasks; None if no task of it is published.

    Args:
        evaluation: the evaluation.
        evaluations: all of the page: with the model's other split the mean has a rank too.
    """
    rates = published_rates(evaluation)
    if not rates:
        return None
    own = own_models(
        [each for each in evaluations if (each.model, each.subset) == (evaluation.model, evaluation.subset)]
    )
    placements = own[0].placements.values() if own else ()
    surprising = surprises(evaluation)
    noise = unstable(evaluation)
    return {
        "asOf": NEWEST,
        "placements": [
            asdict(placement) for placement in placements if placement.measure in (evaluation.split, "mean")
        ],
        "differences": list(own[0].differences) if own else [],
        "expected": sum(rates.values()) / len(rates),
        "ratesOf": SOLVE_RATES_OF,
        "models": solved_by(evaluation.split)[0],
        "easy": EASY,
        "rare": RARE,
        "failed": list(surprising.failed.items()),
        "solved": list(surprising.solved.items()),
        "unstable": None if noise is None else {"tasks": noise.tasks, "said": noise.said()},
    }
