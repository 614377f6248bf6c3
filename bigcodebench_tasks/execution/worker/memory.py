"""The memory that samples hold, and what the machine has left."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import cgroup
from .processes import Process

# Processes that one poll of the server can measure exactly; each takes a millisecond.
CLOSELY = 32

# No program starts while less than this share of the machine's memory is available, and less than so many bytes.
_SCARCE, _SCARCE_BYTES = 8, 1 << 30

# With this share of that reserve left, a running program has to end.
_URGENT = 2

# Seconds for which a measurement of the available memory is used again: it is needed for each program that may start.
_FRESH_S = 0.04

# Bytes where the number is unknown or there is no limit.
UNKNOWN = 1 << 62

# Files of a cgroup by version: the limit, what is used, and what of it can be reclaimed.
_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
    2: ("memory.max", "memory.current", "memory.stat"),
}


@dataclass
class _Measured:
    """What a process held when it was measured exactly, its resident memory then, and the poll in which it was."""

    held_bytes: int
    rss_bytes: int
    poll: int


class Tally:
    """The memory of one sample's processes together; what they share with others counts in proportion."""

    def __init__(self) -> None:
        self._measured: dict[int, _Measured] = {}
        self._polls = 0

    def is_over(self, limit_bytes: int, processes: Sequence[Process]) -> bool:
        """Whether the processes hold more than the limit. Call it at each poll: it measures some of many each time.

        A process that was forked from the server shows the libraries' memory as its own, so the sum of resident memory
        only tells when to measure exactly. Until a process is measured again, all that it gains counts in full.
        """
        if sum(process.rss_bytes for process in processes) <= limit_bytes:
            self._measured.clear()
            return False
        self._polls += 1
        measured = {process.pid: self._measured[process.pid] for process in processes if process.pid in self._measured}
        for process in sorted(processes, key=self._urgency)[:CLOSELY]:
            measured[process.pid] = _Measured(_proportional_bytes(process), process.rss_bytes, self._polls)
        held_bytes = 0
        for process in processes:
            # One that is not measured yet: at first its memory is mostly its parent's.
            last = measured.setdefault(process.pid, _Measured(0, process.rss_bytes, 0))
            held_bytes += last.held_bytes + max(0, process.rss_bytes - last.rss_bytes)
        self._measured = measured
        return held_bytes > limit_bytes

    def _urgency(self, process: Process) -> tuple[int, int]:
        """Sorts first what gained most since it was measured, then what was measured longest ago."""
        last = self._measured.get(process.pid, _Measured(0, 0, 0))
        return -max(0, process.rss_bytes - last.rss_bytes), last.poll


def _proportional_bytes(process: Process) -> int:
    """Memory of a process where each shared page counts in proportion (PSS)."""
    try:
        with open(f"/proc/{process.pid}/task/{process.thread}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) << 10
    except (FileNotFoundError, ProcessLookupError):  # it has ended and holds nothing
        return 0
    except OSError:  # reading is not allowed
        pass
    return process.rss_bytes


class MachineMemory:
    """The memory that this machine or the process's cgroup has left. Files stay open: a sandbox may hide them."""

    def __init__(self) -> None:
        self._meminfo = _opened("/proc/meminfo")
        opened = [
            [_opened(f"{folder}/{name}") for name in _FILES[version]] for version, folder in cgroup.folders("memory")
        ]
        self._opened = [self._meminfo, *(fd for group in opened for fd in group)]
        total = self._value(b"MemTotal:")
        # Reading a cgroup takes long, so those without a limit of their own are not read again.
        self._groups = [group for group in opened if min(group) >= 0 and _of_group(group)[0] < total]
        self.total_bytes = min([total, *(limit for limit, _ in map(_of_group, self._groups))])
        self._asked, self._available = 0.0, 0

    def close(self) -> None:
        """Close the files. From now on `available_bytes` is `UNKNOWN`."""
        for fd in self._opened:
            if fd >= 0:
                os.close(fd)
        self._meminfo, self._groups, self._opened, self._asked = -1, [], [], 0.0

    def available_bytes(self) -> int:
        """What is available, now or `_FRESH_S` seconds ago at most."""
        now = time.monotonic()
        if now - self._asked > _FRESH_S:
            self._asked = now
            self._available = min([self._value(b"MemAvailable:"), *(left for _, left in map(_of_group, self._groups))])
        return self._available

    @property
    def scarce(self) -> bool:
        """Whether no program should start."""
        return self.available_bytes() < self._reserve_bytes()

    @property
    def urgent(self) -> bool:
        """Whether a program must end before the kernel ends one."""
        return self.available_bytes() < self._reserve_bytes() // _URGENT

    def _reserve_bytes(self) -> int:
        return min(_SCARCE_BYTES, self.total_bytes // _SCARCE)

    def _value(self, name: bytes) -> int:
        """A line of /proc/meminfo, in bytes, or `UNKNOWN`."""
        _, mark, after = _read(self._meminfo).partition(name)
        return int(after.split(None, 1)[0]) << 10 if mark else UNKNOWN


def _of_group(group: list[int]) -> tuple[int, int]:
    """The limit of a cgroup and what is left of it, in bytes; `UNKNOWN` without a limit."""
    limit, usage, stat = map(_read, group)
    if not limit.strip().isdigit():
        return UNKNOWN, UNKNOWN
    reclaimable = 0
    for line in stat.splitlines():
        name, _, value = line.partition(b" ")
        if name in (b"inactive_file", b"active_file"):  # version 1 counts only the cgroup's own processes: less
            reclaimable += int(value)
    return int(limit), int(limit) - int(usage) + reclaimable


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _read(fd: int) -> bytes:
    """The first 64 KiB of an open file; nothing where it cannot be read, as when a cgroup was removed."""
    with contextlib.suppress(OSError):
        return os.pread(fd, 1 << 16, 0)
    return b""
