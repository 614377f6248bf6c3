"""pass@k is the official estimator's, and both are what counting every draw gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bigcodebench_tasks.scoring.pass_at_k import estimate_pass_at_k, mean_pass_at_k

pytestmark = pytest.mark.fidelity


@pytest.fixture
def official(official_package: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., np.ndarray]:
    monkeypatch.syspath_prepend(str(official_package))
    from bigcodebench.eval import estimate_pass_at_k as estimate

    found: Callable[..., np.ndarray] = estimate
    return found


def test_random_counts(official: Callable[..., np.ndarray]) -> None:
    rng = random.Random(0)
    for _ in range(500):
        n = rng.randrange(1, 300)
        counts = [rng.randrange(n + 1) for _ in range(rng.randrange(1, 40))]
        k = rng.randrange(1, n + 1)
        expected = official(n, counts, k)
        assert np.allclose([estimate_pass_at_k(n, c, k) for c in counts], expected, rtol=0, atol=1e-12)
        outcomes = [[True] * c + [False] * (n - c) for c in counts]
        assert abs(mean_pass_at_k(outcomes, [k])[f"pass@{k}"] - expected.mean()) < 1e-12


def test_counting_every_draw(official: Callable[..., np.ndarray]) -> None:
    for n in range(1, 9):
        for c in range(n + 1):
            for k in range(1, n + 1):
                draws = list(combinations([True] * c + [False] * (n - c), k))
                expected = sum(map(any, draws)) / len(draws)
                assert abs(estimate_pass_at_k(n, c, k) - expected) < 1e-12
                assert abs(official(n, [c], k)[0] - expected) < 1e-12


def test_a_k_beyond_the_samples_is_left_out() -> None:
    assert set(mean_pass_at_k([[True] * 5, [False] * 7])) == {"pass@1", "pass@5"}
