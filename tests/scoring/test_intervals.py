"""95% intervals: of what they are, and that they cover what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bigcodebench_tasks.scoring.intervals import mean_interval


@pytest.mark.parametrize(("passed", "tasks"), [(0, 148), (1, 148), (48, 148), (148, 148), (700, 1140)])
def test_with_one_sample_per_task_it_is_wilsons_interval(passed: int, tasks: int) -> None:
    found = mean_interval([1.0] * passed + [0.0] * (tasks - passed))
    expected = stats.binomtest(passed, tasks).proportion_ci(method="wilson")
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_with_several_samples_it_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    solve_rates = rng.beta(0.5, 1.0, size=(2000, 150))  # tasks of very different difficulty
    seen = rng.binomial(10, solve_rates) / 10
    inside = [low <= 1 / 3 <= high for low, high in map(mean_interval, seen.tolist())]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_two_tasks_that_are_alike_are_still_only_two() -> None:
    low, high = mean_interval([0.6, 0.7])
    assert low < 0.2
    assert high > 0.9


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_it_holds_the_mean_also_where_all_tasks_are_alike(rate: float) -> None:
    for tasks in range(1, 200):
        low, high = mean_interval([rate] * tasks)
        assert 0.0 <= low <= rate <= high <= 1.0


def test_no_task_says_nothing() -> None:
    assert mean_interval([]) == (0.0, 1.0)
