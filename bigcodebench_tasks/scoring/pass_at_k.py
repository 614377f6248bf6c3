"""pass@k: the estimate for one task, and its mean over tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

KS = (1, 5, 10)
"""The k of pass@k that are reported if each task has as many samples (official ``evaluate.py``, ``--pass_k``)."""


def estimate_pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that at least one of k samples passes, drawn without replacement from n of which c pass.

    Unbiased estimator 1 - C(n-c, k) / C(n, k) of Chen et al., 2021, arXiv 2107.03374, section 2.1, in the
    product form that does not overflow.

    Args:
        n: samples of the task, at least k.
        c: samples that pass, 0 to n.
        k: samples drawn, at least 1.

    Raises:
        ValueError: the arguments are out of range; for k > n there is no unbiased estimate.
    """
    if not 1 <= k <= n or not 0 <= c <= n:
        raise ValueError(f"pass@k needs 1 <= k <= n and 0 <= c <= n, not n={n}, c={c}, k={k}")
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def pass_at_k(passed: Sequence[bool], ks: Iterable[int] = KS) -> dict[str, float]:
    """{"pass@k": estimate} of one task, for each k for which it has enough samples.

    Args:
        passed: one entry per sample of the task.
    """
    n, c = len(passed), sum(passed)
    return {f"pass@{k}": estimate_pass_at_k(n, c, k) for k in ks if k <= n}


def mean_pass_at_k(outcomes: Sequence[Sequence[bool]], ks: Iterable[int] = KS) -> dict[str, float]:
    """{"pass@k": mean over tasks}, for each k for which every task has enough samples.

    Args:
        outcomes: per task, whether each of its samples passed.
    """
    if not outcomes:
        return {}
    fewest = min(len(passed) for passed in outcomes)
    per_task = [pass_at_k(passed, [k for k in ks if k <= fewest]) for passed in outcomes]
    return {name: float(np.mean([scores[name] for scores in per_task])) for name in per_task[0]}
