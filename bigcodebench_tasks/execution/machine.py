"""What this machine has for us: cores and memory that this process may use."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from pathlib import Path

from bigcodebench_tasks import options
from bigcodebench_tasks.errors import OptionError

WORKERS_VARIABLE = options.WORKERS.name


def cores() -> int:
    """Cores this process may use: its affinity, or its control group's quota where that is less."""
    allowed = len(os.sched_getaffinity(0))
    quota = _cpu_quota()
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def workers(option: int | None = None, variables: Mapping[str, str] | None = None) -> int:
    """How many programs may use a core at the same time.

    Args:
        option: the caller's choice; else ``BIGCODEBENCH_WORKERS``; else the cores of this process,
            shared between the ranks on this machine (``LOCAL_WORLD_SIZE``).
        variables: where to look variables up; ``os.environ`` by default.

    Raises:
        OptionError: the number is not a positive integer.
    """
    variables = os.environ if variables is None else variables
    source, value = "workers", None if option is None else str(option)
    if value is None and variables.get(WORKERS_VARIABLE):
        source, value = WORKERS_VARIABLE, variables[WORKERS_VARIABLE]
    if value is not None:
        if not value.isdecimal() or int(value) < 1:
            raise OptionError(f"{source}={value!r}: expected a positive number of workers, such as 4")
        return int(value)
    ranks = variables.get("LOCAL_WORLD_SIZE", "1")
    return max(1, cores() // (int(ranks) if ranks.isdecimal() and int(ranks) else 1))


def memory_mib() -> int | None:
    """Memory of this machine or of its control group, MiB; None where it cannot be told."""
    try:
        known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (ValueError, OSError):
        return None
    for group, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        known += [int(text) for text in _group_values(group, name) if text.isdecimal()]
    return min(known) >> 20


def _cpu_quota() -> float | None:
    quotas = []
    for text in _group_values("", "cpu.max"):
        quota, _, period = text.partition(" ")
        if quota != "max":
            quotas.append(int(quota) / int(period))
    for quota, period in zip(
        _group_values("cpu", "cpu.cfs_quota_us"), _group_values("cpu", "cpu.cfs_period_us"), strict=False
    ):
        if int(quota) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _group_values(controller: str, name: str) -> list[str]:
    """A control group file's values, from this process's group up to the root (version 1 and 2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    values = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        root = Path("/sys/fs/cgroup") / controllers
        folder = root / path.lstrip("/")
        while True:
            with contextlib.suppress(OSError):
                values.append((folder / name).read_text().strip())
            if folder == root or root not in folder.parents:
                break
            folder = folder.parent
    return values
