"""The option `speed`: with "fast" each task has a time limit of its own, so a program that loops costs less time."""

from __future__ import annotations

from bigcodebench_tasks.benchmark.known_tasks import RANDOM_TIME, REFERENCE_TIMES
from bigcodebench_tasks.options import CHOICES

OFFICIAL, FAST = SPEEDS = CHOICES["speed"]

MIN_LIMIT_S = 60.0
"""Seconds that each program has at least. With 30, three of 18,113 programs of real models (tasks 1028, 587 twice) that
pass after 31 to 48 s failed: a correct program may sleep where the ground truth does not."""

REFERENCE_FACTOR = 10.0
"""How many times its task's reference time a program has."""


def time_limit_s(speed: str, official_s: float, task_id: str) -> float:
    """Wall-clock seconds that a program of a task has.

    Args:
        speed: "official" or "fast".
        official_s: `Limits.timeout_s`, the upper bound.
        task_id: tasks in `known_tasks.RANDOM_TIME` have the official limit.
    """
    if speed == OFFICIAL or task_id in RANDOM_TIME:
        return official_s
    return min(official_s, max(MIN_LIMIT_S, REFERENCE_FACTOR * REFERENCE_TIMES.get(task_id, 0.0)))
