"""Elo ratings of many models, as in the official analysis (bigcodebench, ``analysis/get_results.py``)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

ROUNDS = 500
"""Bootstrap rounds, as in the official analysis."""


@dataclass(frozen=True)
class Rating:
    """Median of the bootstrap rounds, and their 2.5th and 97.5th percentile."""

    elo: int
    low: float
    high: float


def elo_ratings(
    solve_rates: Mapping[str, Mapping[str, float]], seed: int = 0, rounds: int = ROUNDS
) -> dict[str, Rating]:
    """Ratings by maximum likelihood.

    On each task each pair of models has a battle; the higher solve rate wins, and ties are left out. Logistic
    regression without intercept on these battles, scale 400 per factor of ten, start 1000. The library's default
    regularization keeps the rating of a model that wins every battle finite (`one_sided_models`).

    Args:
        solve_rates: model to task_id to solve rate, 0 to 1; the same tasks for all.
        seed: of the bootstrap over battles.

    Returns:
        Model to rating; empty for fewer than two models, or if every battle is a tie.
    """
    models = list(solve_rates)
    battles = [
        (a, b, solve_rates[models[a]][task_id] > solve_rates[models[b]][task_id])
        for a, b in itertools.combinations(range(len(models)), 2)
        for task_id in solve_rates[models[a]]
        if solve_rates[models[a]][task_id] != solve_rates[models[b]][task_id]
    ]
    if not battles:
        return {}
    # Battles of a pair differ only in the winner, so a round is a count for each pair and winner.
    kinds, counts = np.unique(np.array(battles, dtype=int), axis=0, return_counts=True)
    features = np.zeros((len(kinds), len(models)))
    features[np.arange(len(kinds)), kinds[:, 0]] = math.log(10)
    features[np.arange(len(kinds)), kinds[:, 1]] = -math.log(10)
    won, shares = kinds[:, 2], counts / counts.sum()
    if len(set(won)) == 1:  # the regression needs both outcomes: mirror half of the battles
        features, won, shares = np.vstack([features, -features]), np.concatenate([won, 1 - won]), np.tile(shares, 2) / 2
    rng = np.random.default_rng(seed)
    ratings = np.empty((rounds, len(models)))
    # On so little data threads gain nothing, and on a busy machine they wait for each other.
    with threadpool_limits(1):
        for number in range(rounds):
            drawn = rng.multinomial(len(battles), shares)
            fit = LogisticRegression(fit_intercept=False).fit(features, won, sample_weight=drawn)
            ratings[number] = 400 * fit.coef_[0] + 1000
    lows, medians, highs = np.percentile(ratings, [2.5, 50, 97.5], axis=0)
    return {
        model: Rating(int(median + 0.5), float(low), float(high))
        for model, low, median, high in zip(models, lows, medians, highs, strict=True)
    }


def one_sided_models(solve_rates: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The models that won, or lost, all their battles: the likelihood alone gives them no finite rating.

    Args:
        solve_rates: as for `elo_ratings`.
    """
    won: dict[str, set[bool]] = {model: set() for model in solve_rates}
    for first, second in itertools.permutations(solve_rates, 2):
        rivals = solve_rates[second]
        won[first] |= {
            rate > rivals[task_id] for task_id, rate in solve_rates[first].items() if rate != rivals[task_id]
        }
    return [model for model, outcomes in won.items() if len(outcomes) == 1]
