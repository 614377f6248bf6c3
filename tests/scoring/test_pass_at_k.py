from __future__ import annotations

import itertools
import math
import random

import pytest

from bigcodebench_tasks.scoring.pass_at_k import estimate_pass_at_k, mean_pass_at_k, pass_at_k


@pytest.mark.parametrize("n", range(1, 8))
def test_the_estimator_is_the_share_of_draws_that_hold_a_pass(n: int) -> None:
    for c in range(n + 1):
        samples = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            draws = list(itertools.combinations(samples, k))
            assert estimate_pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_the_estimator_equals_its_closed_form_on_large_counts() -> None:
    chance = random.Random(0)
    for _ in range(500):
        n = chance.randint(1, 400)
        c, k = chance.randint(0, n), chance.randint(1, n)
        exact = 1 - math.comb(n - c, k) / math.comb(n, k)
        assert estimate_pass_at_k(n, c, k) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(1, 0, 2), (5, 6, 1), (5, -1, 1), (5, 1, 0), (0, 0, 1)])
def test_there_is_no_estimate_out_of_range(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass@k needs"):
        estimate_pass_at_k(n, c, k)


def test_a_k_larger_than_the_number_of_samples_is_left_out() -> None:
    assert pass_at_k([True]) == {"pass@1": 1.0}
    assert set(pass_at_k([False] * 5)) == {"pass@1", "pass@5"}
    assert set(pass_at_k([False] * 10)) == {"pass@1", "pass@5", "pass@10"}


def test_the_mean_leaves_out_a_k_that_some_task_cannot_have() -> None:
    assert mean_pass_at_k([[True] * 5, [False]]) == {"pass@1": 0.5}
    assert mean_pass_at_k([]) == {}
