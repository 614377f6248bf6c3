"""Statistics of two models on the same tasks, and Elo ratings of many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

ROUNDS = 10_000
"""Bootstrap rounds of a difference."""

ELO_ROUNDS = 500
"""Bootstrap rounds of the ratings (official ``analysis/get_results.py``)."""


@dataclass(frozen=True)
class Difference:
    """Of two models on the same tasks.

    Attributes:
        mean: of the solve rates, the first model's minus the second's, -1 to 1.
        low, high: its paired bootstrap 95% interval.
        p: of McNemar's exact test; 1.0 where no task tells them apart.
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

    For McNemar's test and the lists a task is solved when its first sample passes: the test needs one outcome per task.

    Args:
        first, second: task_id to whether each sample passed; the same tasks.
        seed: of the bootstrap.

    Raises:
        ValueError: the tasks differ, or there is none.
    """
    if first.keys() != second.keys() or not first:
        raise ValueError("both models need the same tasks, at least one")
    deltas = np.array([np.mean(first[task_id]) - np.mean(second[task_id]) for task_id in first])
    # Tasks with the same difference are alike, so a round is how often each difference was drawn.
    values, counts = np.unique(deltas, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(deltas), counts / len(deltas), size=rounds)
    low, high = np.percentile(drawn @ values / len(deltas), [2.5, 97.5])
    only_first = [task_id for task_id in first if first[task_id][0] and not second[task_id][0]]
    only_second = [task_id for task_id in first if second[task_id][0] and not first[task_id][0]]
    discordant = len(only_first) + len(only_second)
    p = stats.binomtest(len(only_first), discordant).pvalue if discordant else 1.0
    return Difference(float(deltas.mean()), float(low), float(high), float(p), only_first, only_second)


@dataclass(frozen=True)
class Rating:
    """Elo rating: median of the bootstrap rounds, and their 2.5th and 97.5th percentile."""

    elo: int
    low: float
    high: float


def elo_ratings(
    solve_rates: Mapping[str, Mapping[str, float]], seed: int = 0, rounds: int = ELO_ROUNDS
) -> dict[str, Rating]:
    """Ratings by maximum likelihood, as in the official analysis (bigcodebench, ``analysis/get_results.py``).

    On each task each pair of models has a battle, which the one with the higher solve rate wins; ties are left out.
    Logistic regression without intercept on these battles, scale 400 per factor of ten, start 1000. The library's
    default regularization, as there, keeps the rating of a model finite that wins every battle (`one_sided_models`).

    Args:
        solve_rates: model to task_id to solve rate, 0 to 1; the same tasks for all.
        seed: of the bootstrap over battles.

    Returns:
        Model to rating; empty where there are fewer than two models or every battle is a tie.
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
    # Battles of a pair differ in nothing but who won, so a round is a count for each pair and winner.
    kinds, counts = np.unique(np.array(battles, dtype=int), axis=0, return_counts=True)
    features = np.zeros((len(kinds), len(models)))
    features[np.arange(len(kinds)), kinds[:, 0]] = math.log(10)
    features[np.arange(len(kinds)), kinds[:, 1]] = -math.log(10)
    won, shares = kinds[:, 2], counts / counts.sum()
    if len(set(won)) == 1:  # the regression wants both outcomes: say half of the battles from the other side
        features, won, shares = np.vstack([features, -features]), np.concatenate([won, 1 - won]), np.tile(shares, 2) / 2
    rng = np.random.default_rng(seed)
    ratings = np.empty((rounds, len(models)))
    # Threads of linear algebra gain nothing on so little, and on a busy machine wait for each other without end.
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
    """The models that won, or lost, every battle they had: the likelihood alone gives them no finite rating.

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
