"""What every level of isolation gives the fork server, and what all levels share."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any, Protocol

if sys.platform == "linux":
    from .kernel import close_from as close_from
else:

    def close_from(first: int, last: int = 1 << 16) -> None:
        """Close every descriptor in the range."""
        os.closerange(first, last + 1)


# Exit status of a sample that could not be confined: no program can be blamed for it.
SETUP_FAILED = 119


class Unavailable(Exception):
    """This machine cannot give the level that was asked for."""


class Isolation(Protocol):
    """One level. Methods are called in the order in which they are written here."""

    @property
    def lacking(self) -> str:
        """What programs do not get on this machine although the level has it; "" mostly. Known after `enter`."""

    def enter(self) -> None:
        """Once, before the server imports libraries. Raises Unavailable."""

    def fork(self) -> int:
        """Fork. 0 in the process that shall run a program; in the server, the process to wait for."""

    def restrict(self, source: str) -> None:
        """In the new process: confine it, for good, for a program whose Python source is this."""

    def roots(self, pid: int) -> list[int]:
        """Processes below which everything belongs to the sample that `fork` returned as `pid`."""

    def kill(self, pid: int) -> None:
        """End everything that belongs to the sample; the process `pid` ends soon after."""

    def finish(self, pid: int) -> None:
        """After `pid` has ended: nothing of the sample is left when this returns."""


def create(settings: dict[str, Any]) -> Isolation:
    """The isolation that the parent chose. Raises Unavailable."""
    level = settings["level"]
    if level == "namespaces":
        if sys.platform != "linux":
            raise Unavailable("namespaces are a feature of Linux")
        from .namespaces import Namespaces

        return Namespaces(settings)
    if level == "landlock":
        if sys.platform != "linux":
            raise Unavailable("Landlock is a feature of Linux")
        from .landlock import Landlock

        return Landlock(settings)
    from .keeper import Keeper

    return Keeper(settings)


def set_limits(limits: dict[str, Any]) -> None:
    """Resource limits of one process; those of the official evaluator are named in `Limits`."""
    mib = 1 << 20
    for name, value in (
        ("RLIMIT_AS", limits["memory_mib"] * mib),
        ("RLIMIT_DATA", limits["memory_mib"] * mib),
        ("RLIMIT_STACK", limits["stack_mib"] * mib),
        ("RLIMIT_FSIZE", limits["scratch_mib"] * mib),
        ("RLIMIT_NOFILE", limits["open_files"]),
        ("RLIMIT_CORE", 0),
    ):
        if sys.platform == "darwin" and name not in ("RLIMIT_CORE", "RLIMIT_FSIZE"):
            continue
        _, hard = resource.getrlimit(getattr(resource, name))
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(getattr(resource, name), (value, value))


def limit_processes(limits: dict[str, Any], *, others: int = 0) -> None:
    """Processes and threads of this user: the limit, and `others` that the user runs besides the sample.

    Looking at a fork bomb every now and then does not stop it: only this does. The kernel exempts root.
    """
    most = limits["processes"] + others
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
