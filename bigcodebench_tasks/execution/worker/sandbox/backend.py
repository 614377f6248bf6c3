"""What every level of sandbox gives the fork server: the contract, and the words for where it fails."""

from __future__ import annotations

from typing import Protocol

# Exit status of a sample that could not be confined: no program can be blamed for it.
SETUP_FAILED = 119


class SandboxSetupError(Exception):
    """This machine cannot give the level that was asked for."""


class Sandbox(Protocol):
    """One level. Methods are called in the order in which they are written here."""

    @property
    def degraded(self) -> str:
        """What programs do not get on this machine although the level has it; "" mostly. Known after `enter`."""

    def enter(self) -> None:
        """Once, before the server imports libraries. Raises SandboxSetupError."""

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
