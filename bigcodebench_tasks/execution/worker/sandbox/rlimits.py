"""Resource limits of one process."""

from __future__ import annotations

import resource

from ..protocol import Limits

# Pending signals and timers; the kernel counts them by user.
_SIGNALS = 1024


def set_limits(limits: Limits) -> None:
    """Resource limits of one process; those of the official evaluator are named in `Limits`."""
    mib = 1 << 20
    for name, value in (
        (resource.RLIMIT_AS, limits.memory_mib * mib),
        (resource.RLIMIT_DATA, limits.memory_mib * mib),
        (resource.RLIMIT_STACK, limits.stack_mib * mib),
        (resource.RLIMIT_FSIZE, limits.scratch_mib * mib),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_SIGPENDING, _SIGNALS),
    ):
        _lower(name, value)


def limit_processes(limits: Limits, *, others: int = 0) -> None:
    """Limit the processes and threads of this user to those of the sample and `others`.

    Only this stops a fork bomb; polling is too slow. The kernel exempts root.
    """
    _lower(resource.RLIMIT_NPROC, limits.processes + others)


def _lower(name: int, value: int) -> None:
    """Set the soft and the hard limit, to at most the present hard limit."""
    _, hard = resource.getrlimit(name)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(name, (value, value))
