"""Started as root: users of the machine that nobody has, one for each sample that runs.

So samples of one server, and of two that run at once, cannot reach one another, what the kernel counts for each user is
counted for each sample, and what one leaves is known by its owner.
"""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass

# A range that systemd's own list (UIDS-GIDS) calls unused, in blocks for a server each.
_FIRST, _BLOCKS = 0x7000_0000, 1000
# Where the machine's root is root of a container that has few users: one that distributions leave free.
_FIRST_OF_FEW, _BLOCKS_OF_FEW = 64_000, 4

_EACH, _EACH_OF_FEW = 1000, 250

NO_COUNTS = "no counts of their own for what the kernel counts by user"
"""What samples lack where no such users are to be had: they share them, and with the user who started all of this."""


@dataclass(frozen=True)
class Block:
    """Users that are this server's as long as somebody has the descriptor `lock` open: a socket that is only a name."""

    first: int
    count: int
    lock: int


def reserve() -> Block | None:
    """A block that no other server on this machine has; None where this root has none to give."""
    for first, blocks, each in ((_FIRST, _BLOCKS, _EACH), (_FIRST_OF_FEW, _BLOCKS_OF_FEW, _EACH_OF_FEW)):
        if not _has(first, blocks * each):
            continue
        for number in range(blocks):
            start = first + number * each
            # The name of an abstract socket is free again when the last descriptor is closed, however its owner ends.
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                lock.bind(f"\0bigcodebench-tasks-users-{start}")
            except OSError:
                lock.close()
                continue
            if _in_use(start, each):  # by a server in another network namespace, which has names of its own
                lock.close()
                continue
            return Block(start, each, lock.detach())
    return None


def _has(first: int, count: int) -> bool:
    """Whether our user namespace knows these users and groups."""
    for path in ("/proc/self/uid_map", "/proc/self/gid_map"):
        with open(path, encoding="ascii") as file:
            ranges = [line.split() for line in file]
        if not any(int(start) <= first and first + count <= int(start) + int(size) for start, _, size in ranges):
            return False
    return True


def _in_use(first: int, count: int) -> bool:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if first <= os.stat(f"/proc/{name}").st_uid < first + count:
                    return True
    return False
