"""95% intervals of scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

_Z = 1.959963984540054  # of the normal distribution: 95%, both sides


@dataclass(frozen=True)
class Estimate:
    """A mean over tasks, such as pass@1.

    Attributes:
        rate: the mean of one rate per task, 0 to 1.
        low, high: its 95% interval (`mean_interval`).
        tasks: how many.
    """

    rate: float
    low: float
    high: float
    tasks: int


def estimate(rates: Sequence[float]) -> Estimate:
    """The mean of one rate per task, 0 to 1; 0 without tasks."""
    return Estimate(float(np.mean(rates)) if rates else 0.0, *mean_interval(rates), len(rates))


def mean_interval(rates: Sequence[float]) -> tuple[float, float]:
    """95% interval of a mean over tasks, such as pass@1.

    The tasks count as a sample of all possible tasks. With one sample per task this is Wilson's score interval (Wilson,
    1927), which stays inside 0 to 1 and is sound near both. With several samples it is the same interval for the number
    of tasks that would have the observed variance, with Student's t in place of the normal distribution, because that
    variance is an estimate.

    Args:
        rates: one estimate per task, 0 to 1.

    Returns:
        (low, high); (0, 1) without tasks.
    """
    tasks = len(rates)
    if tasks == 0:
        return 0.0, 1.0
    mean = float(np.mean(rates))
    z, n = _Z, float(tasks)
    if len(set(rates)) > 1 and not set(rates) <= {0.0, 1.0}:
        # Rates between 0 and 1 vary less than zeros and ones with the same mean, as if there were more tasks.
        n = tasks * mean * (1 - mean) / float(np.var(rates, ddof=1))
        z = float(stats.t.ppf(0.975, tasks - 1))
    centre = (mean + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(mean * (1 - mean) / n + z**2 / (4 * n**2))
    # Around 0 and 1 rounding would leave the mean outside, by less than 1e-15.
    return max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half))
