"""95% intervals of what is reported."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_Z = 1.959963984540054  # of the normal distribution: 95%, both sides


def mean_interval(rates: Sequence[float]) -> tuple[float, float]:
    """95% interval of a mean over tasks, such as pass@1.

    The tasks are taken as a sample of all tasks that could have been asked. With one sample per task this is
    Wilson's score interval (Wilson, 1927), which stays inside 0 to 1 and is sound near both; with several the same
    with the number of tasks that would give the variance that was seen.

    Args:
        rates: one estimate per task, 0 to 1.

    Returns:
        (low, high); (0, 1) where there is no task.
    """
    tasks = len(rates)
    if tasks == 0:
        return 0.0, 1.0
    mean = float(np.mean(rates))
    variance = float(np.var(rates))
    # Rates between 0 and 1 vary less than zeros and ones with the same mean: as much as of more tasks.
    n = tasks * mean * (1 - mean) / variance if variance else float(tasks)
    centre = (mean + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)
