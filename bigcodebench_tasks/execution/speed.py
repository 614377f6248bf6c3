"""The option `speed`: "fast" gives the same pass@k sooner, and says less about what fails.

Much of a run's time can go into programs that loop until their time limit, and into the tests behind the first one
that fails. With "fast" a program has the larger of 60 s and ten times what its task's canonical solution takes here, in
place of 240 s, and its suite ends after the first test that fails. Which other tests fail, and whether a program that
fails would have run out of time in a later test, is not known then. Samples that come before that time is known wait
for it (`scoring.session`), or chance would say which limit they get.
"""

from __future__ import annotations

from bigcodebench_tasks.benchmark.known_tasks import RANDOM_TIME
from bigcodebench_tasks.options import CHOICES

OFFICIAL, FAST = SPEEDS = CHOICES["speed"]

LEAST_S = 60.0
"""Seconds that each program has at least. With 30, three of 18,113 programs of real models (1028, 587 twice) that pass
after 31 to 48 s did not: a right program may sleep where the canonical solution does not."""

TIMES = 10.0
"""How many times the time of its canonical solution a program has."""


def time_limit_s(speed: str, official_s: float, canonical_s: float | None, task_id: str) -> float:
    """Wall-clock seconds that a program of a task has.

    Args:
        task_id: those of `known_tasks.RANDOM_TIME` have the official limit at either speed.
        speed: "official" or "fast".
        official_s: `Limits.timeout_s`, which is never exceeded.
        canonical_s: what the task's canonical solution, which passed, took here; None where that is not known, and then
            nothing is shortened.
    """
    if speed == OFFICIAL or canonical_s is None or task_id in RANDOM_TIME:
        return official_s
    return min(official_s, max(LEAST_S, TIMES * canonical_s))
