"""The interface of every kind of sandbox to the fork server."""

from __future__ import annotations

from typing import Protocol

# Exit status of a sample that could not be confined: no program is to blame for it.
SETUP_FAILED = 119


class SandboxSetupError(Exception):
    """This machine cannot give the sandbox that was asked for; the message says why."""


class Sandbox(Protocol):
    """One kind of sandbox. Methods are called in the order in which they are written here."""

    @property
    def degraded(self) -> str | None:
        """Features of this kind that are missing on this machine, None where there are none. Known after `enter`."""

    def enter(self) -> None:
        """Once, before the server imports libraries. Raises SandboxSetupError."""

    def fork(self) -> int:
        """Fork: 0 in the process that will run a program; in the server, the id of the process to wait for."""

    def restrict(self, source: str) -> None:
        """In the new process: confine it for good, for a program with this Python source. Raises OSError."""

    def roots(self, pid: int) -> list[int]:
        """Processes whose descendants all belong to the sample that `fork` returned as `pid`."""

    def kill(self, pid: int) -> None:
        """End every process of the sample; the process `pid` ends soon after."""

    def finish(self, pid: int) -> None:
        """After `pid` has ended: nothing of the sample is left when this returns."""
