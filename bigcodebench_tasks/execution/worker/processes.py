"""Processes of the machine as a tree: who descends from whom, what they use, and killing all of them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


# __WALL: threads of a program that was traced are waited for like processes.
THREADS_TOO = 0x40000000


@dataclass(frozen=True)
class Process:
    """One line of ``/proc/<pid>/stat``: CPU in seconds, its own and its reaped children's.

    `thread` is one that is alive, mostly the first. A process whose first thread has ended is a zombie there, without
    memory, while its other threads go on: what it is and holds is told by one of them then.
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
        """Whether it is more than a zombie that its parent has not collected yet."""
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
        with contextlib.suppress(OSError):  # it ended meanwhile
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
    owners = {}
    for pid in snapshot():
        try:
            owners[pid] = os.stat(f"/proc/{pid}").st_uid
        except OSError:
            continue
    return sum(process.threads for pid, process in snapshot().items() if owners.get(pid) == user)


def descendants(roots: Iterable[int], table: dict[int, Process]) -> list[Process]:
    """The roots that are alive and everything below them."""
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
    """Kill everything below `root`, which must be a subreaper, so that nothing can leave its tree.

    A fork bomb forks while it is killed: stop its growth first by taking the right to fork from each
    process, then kill until a look finds nobody. Zombies are for their parent to collect; one that has
    threads is a process whose first thread has ended while others go on.
    """
    while not (root == os.getpid() and no_children()):
        below = [p for p in descendants([root], snapshot()) if p.pid != root and p.alive]
        if not below:
            return
        for process in below:
            try:
                _forbid_forks(process.pid)
                os.kill(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def no_children() -> bool:
    """Whether this process has none; then, if it is a subreaper, nothing can be below it. Reaps the dead."""
    try:
        while os.waitpid(-1, os.WNOHANG | THREADS_TOO)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _forbid_forks(pid: int) -> None:
    import resource

    try:
        resource.prlimit(pid, resource.RLIMIT_NPROC, (0, 0))
    except (AttributeError, OSError):
        return
