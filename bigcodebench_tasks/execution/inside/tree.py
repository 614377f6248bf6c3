"""Processes of the machine as a tree: who descends from whom, what they use, and killing all of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


# __WALL: threads of a program that was traced are waited for like processes.
THREADS_TOO = 0x40000000

# So many processes can be looked at closely within one look of the server.
_FEW = 32


@dataclass(frozen=True)
class Process:
    """One line of ``/proc/<pid>/stat``: CPU in seconds, its own and its reaped children's."""

    pid: int
    parent: int
    state: str
    cpu_s: float
    threads: int
    rss_bytes: int


def processes() -> dict[int, Process]:
    """All processes that this one can see; empty where there is no /proc."""
    found = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return {}
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                line = file.read()
        except OSError:  # it ended meanwhile
            continue
        # The command name may hold spaces and parentheses: count fields from its last parenthesis.
        fields = line[line.rindex(b")") + 2 :].split()
        ticks = sum(int(value) for value in fields[11:15])
        found[int(name)] = Process(
            int(name),
            int(fields[1]),
            fields[0].decode(),
            ticks * TICK_S,
            int(fields[17]),
            int(fields[21]) * PAGE,
        )
    return found


def tasks_of(user: int) -> int:
    """Processes and threads that a user runs now."""
    owners = {}
    for pid in processes():
        try:
            owners[pid] = os.stat(f"/proc/{pid}").st_uid
        except OSError:
            continue
    return sum(process.threads for pid, process in processes().items() if owners.get(pid) == user)


def descendants(roots: Iterable[int], table: dict[int, Process]) -> list[Process]:
    """The roots that are alive and everything below them."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found, todo = {}, list(roots)
    while todo:
        pid = todo.pop()
        if pid in table and pid not in found:
            found[pid] = table[pid]
            todo.extend(children.get(pid, ()))
    return list(found.values())


def use_more_memory_than(limit_bytes: int, found: list[Process]) -> bool:
    """Whether processes together hold more; what they share with others counts in proportion.

    Each fork of the server shows the libraries' memory as its own at first, so the quick sum only says when
    to look closely. That takes a millisecond for each process: not with very many of them.
    """
    if sum(process.rss_bytes for process in found) <= limit_bytes:
        return False
    if len(found) > _FEW:
        return sum(process.rss_bytes for process in found) > limit_bytes * _FEW
    return sum(_proportional_bytes(process) for process in found) > limit_bytes


def _proportional_bytes(process: Process) -> int:
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) << 10
    except (FileNotFoundError, ProcessLookupError):  # it ended since the quick sum, and holds nothing any more
        return 0
    except OSError:  # it may not be looked into
        pass
    return process.rss_bytes


def kill_below(root: int) -> None:
    """Kill everything below `root`, which must be a subreaper, so that nothing can leave its tree.

    A fork bomb forks while it is killed: stop its growth first by taking the right to fork from each
    process, then kill until a look finds nobody. Zombies are for their parent to collect; one that has
    threads is a process whose first thread has ended while others go on.
    """
    while not (root == os.getpid() and no_children()):
        below = [p for p in descendants([root], processes()) if p.pid != root and (p.state != "Z" or p.threads > 1)]
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
