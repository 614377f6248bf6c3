"""The cores and the memory that this process may use, with the limits of its control groups."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from pathlib import Path

from bigcodebench_tasks import options
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution.worker import cgroup, memory


def cores() -> int:
    """Cores that this process may use: its affinity, or the quota of its control groups if that is less."""
    allowed = len(os.sched_getaffinity(0))
    quota = _cpu_quota()
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def workers(option: int | None = None, variables: Mapping[str, str] | None = None) -> int:
    """The number of programs that may use a core at the same time.

    Args:
        option: the number; else ``BIGCODEBENCH_WORKERS``; else `cores`, divided by the ranks on this machine
            (``LOCAL_WORLD_SIZE``).
        variables: where to look variables up; ``os.environ`` by default.

    Raises:
        OptionError: the number is not a positive integer.
    """
    chosen = options.workers_from_environment(variables) if option is None else option
    if chosen is not None:
        if chosen < 1:
            raise OptionError(f"workers={chosen}: expected a positive number of workers, such as 4")
        return chosen
    ranks = (os.environ if variables is None else variables).get("LOCAL_WORLD_SIZE", "1")
    return max(1, cores() // (int(ranks) if ranks.isdecimal() and int(ranks) else 1))


def memory_mib() -> int | None:
    """Memory of this machine, or the limit of its control groups, MiB; None if it is unknown."""
    total = memory.MachineMemory()
    total.close()
    return total.total_bytes >> 20 if total.total_bytes < memory.UNKNOWN else None


def _cpu_quota() -> float | None:
    """The cores that the control groups allow; None if they set no limit."""
    quotas = []
    for version, folder in cgroup.folders("cpu"):
        names = ["cpu.max"] if version == 2 else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        with contextlib.suppress(OSError):  # the root group has no such file
            quota, period = " ".join(Path(folder, name).read_text() for name in names).split()
            quotas += [int(quota) / int(period)] if quota not in ("max", "-1") else []
    return min(quotas, default=None)
