"""What samples hold of the machine's memory, and what is left of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import cgroup
from .processes import Process

# So many processes can be looked at closely within one look of the server: that takes a millisecond for each.
CLOSELY = 32

# With less memory left than this share of the machine's, and less than so many bytes, no more programs start.
_SCARCE, _SCARCE_BYTES = 8, 1 << 30

# What is left is asked for again after so long: it is wanted for each program that may start.
_FRESH_S = 0.04

# With less than this share of that, one of those that run has to go.
_URGENT = 2

# Bytes where it cannot be told how many there are, or where there is no limit.
UNKNOWN = 1 << 62

# What a control group says of its memory, by version: the limit, what is used, and what of it can be had back.
_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
    2: ("memory.max", "memory.current", "memory.stat"),
}


@dataclass
class _Seen:
    """What a process held when it was looked at closely, and its quick number of that moment."""

    held_bytes: int
    rss_bytes: int
    look: int


class Tally:
    """The memory of one sample's processes together; what they share with others counts in proportion."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._looks = 0

    def is_over(self, limit_bytes: int, processes: Sequence[Process]) -> bool:
        """Whether the processes hold more. To be asked at each look, because it looks at some of very many each time.

        Each fork of the server shows the libraries' memory as its own at first, so the quick sum only says when to look
        closely. Between two close looks whatever a process gains counts in full, and it gains nothing by sharing.
        """
        if sum(process.rss_bytes for process in processes) <= limit_bytes:
            self._seen.clear()
            return False
        self._looks += 1
        seen = {process.pid: self._seen[process.pid] for process in processes if process.pid in self._seen}
        for process in sorted(processes, key=self._urgency)[:CLOSELY]:
            seen[process.pid] = _Seen(_proportional_bytes(process), process.rss_bytes, self._looks)
        for process in processes:
            # One that nobody had time for yet: what it held when it was first seen is mostly its parent's.
            seen.setdefault(process.pid, _Seen(0, process.rss_bytes, 0))
        self._seen = seen
        held = (
            seen[process.pid].held_bytes + max(0, process.rss_bytes - seen[process.pid].rss_bytes)
            for process in processes
        )
        return sum(held) > limit_bytes

    def _urgency(self, process: Process) -> tuple[int, int]:
        """Those first that gained most since they were looked at, and among equals those whose look is longest ago."""
        seen = self._seen.get(process.pid)
        if seen is None:
            return -process.rss_bytes, 0
        return -max(0, process.rss_bytes - seen.rss_bytes), seen.look


def _proportional_bytes(process: Process) -> int:
    try:
        with open(f"/proc/{process.pid}/task/{process.thread}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) << 10
    except (FileNotFoundError, ProcessLookupError):  # it ended since the quick sum, and holds nothing any more
        return 0
    except OSError:  # it may not be looked into
        pass
    return process.rss_bytes


class MachineMemory:
    """The memory that this process's machine, or control group, has left. Files stay open: a sandbox may hide them."""

    def __init__(self) -> None:
        self._meminfo = _opened("/proc/meminfo")
        opened = [
            [_opened(f"{folder}/{name}") for name in _FILES[version]] for version, folder in cgroup.folders("memory")
        ]
        self._opened = [self._meminfo, *(fd for group in opened for fd in group)]
        total = self._value(b"MemTotal:")
        # A group without a limit of its own says nothing, and takes the kernel long to say it.
        self._groups = [group for group in opened if min(group) >= 0 and _of_group(group)[0] < total]
        self.total_bytes = min([total, *(limit for limit, _ in map(_of_group, self._groups))])
        self._asked, self._available = 0.0, 0

    def close(self) -> None:
        """Close the files. What is asked afterwards says that there is plenty."""
        for fd in self._opened:
            if fd >= 0:
                os.close(fd)
        self._meminfo, self._groups, self._opened, self._asked = -1, [], [], 0.0

    def available_bytes(self) -> int:
        """What can still be had without taking it from somebody, now or a moment ago."""
        now = time.monotonic()
        if now - self._asked > _FRESH_S:
            self._asked, self._available = now, self._now_available()
        return self._available

    def _now_available(self) -> int:
        return min([self._value(b"MemAvailable:"), *(left for _, left in map(_of_group, self._groups))])

    @property
    def scarce(self) -> bool:
        """Whether nothing more should start."""
        return self.available_bytes() < self._reserve_bytes()

    @property
    def urgent(self) -> bool:
        """Whether something has to end, or the kernel will choose."""
        return self.available_bytes() < self._reserve_bytes() // _URGENT

    def _reserve_bytes(self) -> int:
        return min(_SCARCE_BYTES, self.total_bytes // _SCARCE)

    def _value(self, name: bytes) -> int:
        """A line of /proc/meminfo, in bytes; very much where it cannot be told."""
        text = _read(self._meminfo)
        _, mark, after = text.partition(name)
        return int(after.split(None, 1)[0]) << 10 if mark else UNKNOWN


def _of_group(group: list[int]) -> tuple[int, int]:
    """Limit of a control group and what is left of it, in bytes; very much where there is no limit."""
    limit, usage, stat = map(_read, group)
    if not limit.strip().isdigit():
        return UNKNOWN, UNKNOWN
    reclaimable = 0
    for line in stat.splitlines():
        name, _, value = line.partition(b" ")
        if name in (b"inactive_file", b"active_file"):  # version 1 counts its own processes and not those below: less
            reclaimable += int(value)
    return int(limit), int(limit) - int(usage) + reclaimable


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _read(fd: int) -> bytes:
    """The beginning of a file that is open; nothing where it cannot be read, as when a control group is gone."""
    with contextlib.suppress(OSError):
        return os.pread(fd, 1 << 16, 0)
    return b""
