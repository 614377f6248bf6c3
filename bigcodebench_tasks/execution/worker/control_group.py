"""A control group (cgroup v2) for each sample, in which the kernel counts what looking at processes misses.

That is memory in the kernel (buffers of sockets and pipes), files that lie in memory, processes that live too short to
be seen. It can be had where the group that the run was started in is ours to divide: that of root, which may be what a
container sees as its own, or one that systemd has delegated. The kernel wants a group that is divided to hold no
processes itself (cgroups(7), "no internal processes"), so whoever is in it moves into a group below, and back when the
last server is gone::

    the run's own group
        bigcodebench-others     who was in it: lm_eval, a shell
        bigcodebench<random>    one for each server, by the name of its scratch folder
            server              guard, server, nursery, keepers
            <number>            one for each sample

Nothing of this is anybody's to lose: where a step fails, programs run without, and the line on sandbox says why.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator

from . import kernel_files
from .own_groups import hierarchies
from .protocol import Limits

OTHERS = "bigcodebench-others"
_OURS = re.compile("bigcodebench[a-z0-9_]{8}")  # as tempfile names the scratch folders
_SERVER = "server"

CONTROLLERS = ("memory", "pids")

# What systemd marks groups with whose division it leaves to others: systemd.resource-control(5), Delegate=.
_DELEGATED = ("user.delegate", "trusted.delegate")

# Processes that start while others are moved are found by the next look; this many looks will do.
_LOOKS = 100

# How long the kernel may take to end what is in a group.
_END_S = 5.0


class NotToBeHad(Exception):
    """There is no control group to divide; the message says why."""


class SampleGroup:
    """A sample's group: made before the fork, entered by the forked process, looked at by the server afterwards."""

    def __init__(self, groups: int, name: str, limits: Limits) -> None:
        """Raises OSError."""
        self._groups, self._name = groups, name
        os.mkdir(name, dir_fd=groups)
        self._folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=groups)
        # What a program writes into its scratch is memory here where the scratch is; `Limits.scratch_mib` is for that.
        most = limits.tree_memory_bytes + (limits.scratch_mib << 20)
        for file, value in (
            ("memory.max", most),
            ("memory.swap.max", 0),
            ("memory.oom.group", 1),
            ("pids.max", limits.processes),
        ):
            # Without a controller, or without swap, there is no such file, and nothing that it would limit.
            with contextlib.suppress(FileNotFoundError):
                kernel_files.write(file, str(value), self._folder)
        self._procs = os.open("cgroup.procs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._folder)

    def join(self) -> None:
        """In the forked process, while it still has the server's rights: belong to this group. Raises OSError."""
        os.write(self._procs, b"0")
        self.close()

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended processes of this group because of its limit, and not of the machine's."""
        with contextlib.suppress(OSError):
            words = kernel_files.read("memory.events", self._folder).split()
            events = dict(zip(words[::2], map(int, words[1::2]), strict=True))
            return events.get("oom", 0) > 0 and events.get("oom_kill", 0) > 0
        return False

    def remove(self) -> bool:
        """End whatever is in the group still, and remove it. Whether it is gone: what was killed takes a moment."""
        with contextlib.suppress(OSError):
            os.rmdir(self._name, dir_fd=self._groups)
            self.close()
            return True
        with contextlib.suppress(OSError):  # Linux before 5.14 has no such file
            kernel_files.write("cgroup.kill", "1", self._folder)
        return False

    def close(self) -> None:
        """Close what is open; the group stays."""
        for fd in (self._folder, self._procs):
            if fd >= 0:
                os.close(fd)
        self._folder = self._procs = -1


class ServerGroup:
    """A server's own group, which this process has entered, and those of its samples below."""

    def __init__(self, path: str, limits: Limits) -> None:
        """Raises OSError."""
        self._limits = limits
        self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._number = 0
        self._to_remove: list[SampleGroup] = []

    def give_to(self, user: int) -> None:
        """Let a user, who the server will be, make groups below and move its children there. Raises OSError."""
        for name in (".", "cgroup.procs", "cgroup.subtree_control"):
            os.chown(name, user, user, dir_fd=self._folder)

    def for_sample(self) -> SampleGroup:
        """A group for one sample. Raises OSError."""
        self._to_remove = [group for group in self._to_remove if not group.remove()]
        self._number += 1
        return SampleGroup(self._folder, str(self._number), self._limits)

    def release(self, group: SampleGroup) -> None:
        """Its sample has ended: remove the group, now or as soon as what was killed in it is gone."""
        if not group.remove():
            self._to_remove.append(group)


def enter(name: str, limits: Limits) -> ServerGroup:
    """Make a group of this name, and move this process into it.

    Raises:
        NotToBeHad: there is no group that this process may divide.
    """
    own = own_group()
    try:
        with _locked(own):
            _hand_on(own)
            path = os.path.join(own, name)
            server = os.path.join(path, _SERVER)
            os.mkdir(path, 0o755)
            os.mkdir(server, 0o755)
            kernel_files.write(f"{server}/cgroup.procs", "0")
            kernel_files.write(f"{path}/cgroup.subtree_control", _all("+"))
            return ServerGroup(path, limits)
    except OSError as error:
        remove(name)
        raise NotToBeHad(f"{own} cannot be divided ({error.strerror})") from error


def remove(name: str) -> None:
    """End what is in the group of this name but this process, which leaves it, and remove it.

    Of the last server's, whoever had to move goes back to where they were. Does nothing where there is no such group.
    """
    try:
        own = own_group()
    except NotToBeHad:
        return
    path, others = os.path.join(own, name), os.path.join(own, OTHERS)
    if not os.path.isdir(path):
        return
    with contextlib.suppress(OSError), _locked(own):
        with contextlib.suppress(OSError):
            kernel_files.write(f"{others if os.path.isdir(others) else own}/cgroup.procs", "0")
        with contextlib.suppress(OSError):
            kernel_files.write(f"{path}/cgroup.kill", "1")
        end = time.monotonic() + _END_S
        while not _remove_below(path) and time.monotonic() < end:
            time.sleep(0.002)
        if os.path.isdir(others) and not _servers(own):
            kernel_files.write(f"{own}/cgroup.subtree_control", _all("-"))
            _move(others, own)
            os.rmdir(others)


def own_group() -> str:
    """The folder of the group that this process's run was started in. Raises NotToBeHad."""
    try:
        return group_folder(kernel_files.read("/proc/self/mountinfo"), kernel_files.read("/proc/self/cgroup"))
    except OSError as error:
        raise NotToBeHad(f"cannot read {error.filename} ({error.strerror})") from error


def group_folder(mounts: str, groups: str) -> str:
    """The same, from the text of ``/proc/self/mountinfo`` and ``/proc/self/cgroup``. Raises NotToBeHad."""
    for each in hierarchies("", mounts, groups):
        if each.version == 2 and each.own is not None:
            # That of a server: what its run was started in lies above.
            parts = (each.folder + each.own).split("/")
            ours = (at for at, part in enumerate(parts) if part == OTHERS or _is_ours(part))
            return "/".join(parts[: next(ours, None)])
    raise NotToBeHad("no cgroup v2 is mounted that this process is in")


def _is_ours(name: str) -> bool:
    return _OURS.fullmatch(name) is not None


def _servers(own: str) -> list[str]:
    return [entry.name for entry in os.scandir(own) if entry.is_dir() and _is_ours(entry.name)]


@contextlib.contextmanager
def _locked(own: str) -> Iterator[None]:
    """Only one process at a time divides a group or puts it together. Raises OSError."""
    folder = os.open(own, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _hand_on(own: str) -> None:
    """Let groups below have the controllers. Raises NotToBeHad, OSError."""
    missing = set(CONTROLLERS) - set(kernel_files.read(f"{own}/cgroup.controllers").split())
    if missing:
        raise NotToBeHad(f"{own} has no controller for {' and '.join(sorted(missing))}")
    if not _is_delegated(own):
        raise NotToBeHad(
            f"{own} is not delegated; systemd-run --user --scope -p Delegate=yes starts a run in one that is"
        )
    if set(CONTROLLERS) <= set(kernel_files.read(f"{own}/cgroup.subtree_control").split()):
        return
    if not os.path.exists(f"{own}/cgroup.type"):  # the machine's own root, which may hold processes
        kernel_files.write(f"{own}/cgroup.subtree_control", _all("+"))
        return
    others = os.path.join(own, OTHERS)
    with contextlib.suppress(FileExistsError):
        os.mkdir(others, 0o755)
    try:
        for _ in range(_LOOKS):
            _move(own, others)
            try:
                kernel_files.write(f"{own}/cgroup.subtree_control", _all("+"))
            except OSError as error:
                if error.errno != errno.EBUSY:  # one has started meanwhile
                    raise
            else:
                return
        raise NotToBeHad(f"processes start in {own} all the time")
    except BaseException:
        with contextlib.suppress(OSError):
            _move(others, own)
            os.rmdir(others)
        raise


def _is_delegated(own: str) -> bool:
    if not all(os.access(f"{own}/{name}", os.W_OK) for name in ("", "cgroup.procs", "cgroup.subtree_control")):
        return False
    if os.getuid() == 0:
        return True
    for name in _DELEGATED:
        with contextlib.suppress(OSError):
            if os.getxattr(own, name) == b"1":
                return True
    return False


def _all(sign: str) -> str:
    return " ".join(sign + name for name in CONTROLLERS)


def _move(source: str, target: str) -> None:
    """Move all processes. Raises OSError."""
    for pid in kernel_files.read(f"{source}/cgroup.procs").split():
        with contextlib.suppress(ProcessLookupError):
            kernel_files.write(f"{target}/cgroup.procs", pid)


def _remove_below(path: str) -> bool:
    """Remove a group and those below it. Whether they are gone."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                _remove_below(entry.path)
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.isdir(path)
