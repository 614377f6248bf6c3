"""The machine's processes as a tree: which descend from which, what they use, and how to kill all of them."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterable
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

# __WALL: threads of a program that was traced are waited for like processes.
THREADS_TOO = 0x40000000


@dataclass(frozen=True)
class Process:
    """One line of ``/proc/<pid>/stat``.

    Attributes:
        cpu_s: CPU seconds of the process and its collected children.
        thread: a live thread, mostly the first. A process whose first thread has ended looks like a zombie without
            memory while its other threads run; `state` and `rss_bytes` are read from one of those then.
    """

    pid: int
    parent: int
    state: str
    cpu_s: float
    threads: int
    rss_bytes: int
    thread: int

    @property
    def alive(self) -> bool:
        """Whether it is not a zombie."""
        return self.state != "Z" or self.threads > 1


def snapshot() -> dict[int, Process]:
    """All processes that this one can see; empty where there is no /proc."""
    table = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return {}
    for name in names:
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it has ended
            table[int(name)] = _process(int(name))
    return table


def _process(pid: int) -> Process:
    """Raises OSError: there is no such process."""
    fields, thread = _stat(f"/proc/{pid}/stat"), pid
    ticks, threads, parent = sum(map(int, fields[11:15])), int(fields[17]), int(fields[1])
    if fields[0] == b"Z" and threads > 1:
        for other in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                of_thread = _stat(f"/proc/{pid}/task/{other}/stat")
                if of_thread[0] not in (b"Z", b"X"):
                    fields, thread = of_thread, int(other)
                    break
    return Process(pid, parent, fields[0].decode(), ticks * TICK_S, threads, int(fields[21]) * PAGE, thread)


def _stat(path: str) -> list[bytes]:
    with open(path, "rb") as file:
        line = file.read()
    # The command name may hold spaces and parentheses: count fields from its last parenthesis.
    return line[line.rindex(b")") + 2 :].split()


def tasks_of(user: int) -> int:
    """Processes and threads that a user runs now."""
    count = 0
    for pid, process in snapshot().items():
        with contextlib.suppress(OSError):
            count += process.threads if os.stat(f"/proc/{pid}").st_uid == user else 0
    return count


def descendants(roots: Iterable[int], table: dict[int, Process]) -> list[Process]:
    """The roots that exist and everything below them."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    below, todo = {}, list(roots)
    while todo:
        pid = todo.pop()
        if pid in table and pid not in below:
            below[pid] = table[pid]
            todo.extend(children.get(pid, ()))
    return list(below.values())


def kill_below(root: int) -> None:
    """Kill everything below `root`, which must be a subreaper so that no process leaves its tree.

    A fork bomb forks while it is killed: take the right to fork from each process, kill it, and repeat until no live
    process is found. Zombies are left to their parents.
    """
    while not (root == os.getpid() and no_children()):
        below = [p for p in descendants([root], snapshot()) if p.pid != root and p.alive]
        if not below:
            return
        for process in below:
            with contextlib.suppress(OSError):
                resource.prlimit(process.pid, resource.RLIMIT_NPROC, (0, 0))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)


def no_children() -> bool:
    """Collect ended children. Whether none is left; if this process is a subreaper, nothing is below it then."""
    try:
        while os.waitpid(-1, os.WNOHANG | THREADS_TOO)[0]:
            pass
    except ChildProcessError:
        return True
    return False
