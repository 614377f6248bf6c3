"""Started as root: a user of its own for each sample that runs, from a range that no machine uses.

So samples cannot reach one another, not even those of two servers; what the kernel counts by user is counted by sample;
and what a sample leaves is recognized by its owner.
"""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass

# First user, blocks and users per block. systemd's list (UIDS-GIDS) calls the first range unused; the second, which
# distributions leave free, is for the root of a container that has few users.
_RANGES = ((0x7000_0000, 1000, 1000), (64_000, 4, 250))

NO_COUNTS = "limits that the kernel counts by user are shared by all samples"
"""What is missing where samples have no users of their own."""


@dataclass(frozen=True)
class Block:
    """Users that belong to this server for as long as a process has the descriptor `lock` open."""

    first: int
    count: int
    lock: int


def reserve() -> Block | None:
    """A block of users that no other server on this machine has; None where this root has none."""
    for first, blocks, count in _RANGES:
        if not may_map(first, blocks * count):
            continue
        for start in range(first, first + blocks * count, count):
            # The name of an abstract socket is free again when its last descriptor is closed, however its owner ends.
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                lock.bind(f"\0bigcodebench-tasks-users-{start}")
            except OSError:
                lock.close()
                continue
            if _in_use(start, count):  # by a server in another network namespace, which has names of its own
                lock.close()
                continue
            return Block(start, count, lock.detach())
    return None


def may_map(first: int, count: int) -> bool:
    """Whether this user namespace has these users and groups."""
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
