"""The sandbox "namespaces": each sample in its own user, pid, mount, ipc, uts and network namespace.

Forking the server with all its libraries costs most, so it happens only once per sample. Three kinds of processes:

- the server enters namespaces of its own first; it is process 1 there, so everything ends when it ends;
- the spawner, forked from the server while that is small, prepares empty sandboxes in advance: for each a process 1
  that owns the sandbox's namespaces and mounts, and waits;
- the sample is forked from the server into the pid namespace of a sandbox, joins its other namespaces, and gives up
  every privilege.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
from typing import NoReturn

from ..protocol import ServerSettings
from . import kernel, rlimits, rootfs, seccomp
from .backend import SandboxSetupError
from .users import NO_COUNTS, Block, may_map, reserve

_NUMBER = struct.Struct("=i")

# Where programs start; named like the temporary folder of the official evaluator.
_WORK = "/tmp/tmpsample"

# Before this kernel version, processes were counted by user of the host, together with those outside.
_COUNTS_BY_NAMESPACE = (5, 14)

# The host's user for programs of a root that has no block of users: one that owns nothing.
_NOBODY = 65534


class Namespaces:
    """See the module."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._host_network = settings.network == "host"
        self._folders: list[str] = []
        self._sandboxes: dict[int, tuple[int, int]] = {}
        self._order = self._answer = -1
        self._joining = -1
        self._ordered = 0
        self._block: Block | None = None
        self._users = 1
        self._forks = 0

    @property
    def degraded(self) -> str | None:
        return None if self._users > 1 else NO_COUNTS

    def enter(self) -> None:
        self._folders = rootfs.needed(self._settings)
        _fork_watcher(self._settings.scratch)
        watcher = os.getppid()
        # Kept: the block belongs to this server for as long as it lives.
        self._block = block = reserve() if os.getuid() == 0 else None
        self._users = block.count if block else 1
        try:
            origins = _own_namespaces(
                [*rootfs.SYSTEM, *rootfs.SYSTEM_CACHES, *self._folders], self._host_network, block
            )
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # again: a change of user resets it
            if os.getppid() != watcher:
                os._exit(1)
            _fork_pid1()
            rootfs.build(origins, network=self._host_network)
            rootfs.private(self._limits.scratch_mib, self._folders)
        except OSError as error:
            raise SandboxSetupError(str(error)) from error
        if os.access("/proc/sys/kernel/core_pattern", os.W_OK):
            # The kernel lets root change its settings through any /proc, even without capabilities.
            raise SandboxSetupError("run as an ordinary user, or as a root that may map other users")
        seccomp.prepare()
        os.environ.update(HOME=rootfs.HOME, USER=rootfs.USER, LOGNAME=rootfs.USER)
        order_r, self._order = os.pipe()
        self._answer, answer_w = os.pipe()
        if not os.fork():
            os.close(self._order)
            os.close(self._answer)
            self._spawner(order_r, answer_w)
        os.close(order_r)
        os.close(answer_w)

    def fork(self) -> int:
        answer = b""
        with contextlib.suppress(BrokenPipeError):
            while self._ordered < 2:  # one for this sample, one in advance
                os.write(self._order, b"+")
                self._ordered += 1
            answer = os.read(self._answer, _NUMBER.size)
            self._ordered -= 1
        if len(answer) != _NUMBER.size:
            # No sample can be started any more: the parent starts a new server.
            sys.exit("the process that prepares sandboxes has ended")
        self._forks += 1
        (first,) = _NUMBER.unpack(answer)
        if first <= 0:
            raise OSError(-first, f"cannot prepare a sandbox: {os.strerror(-first)}")
        sandbox = os.pidfd_open(first)
        kernel.setns(sandbox, kernel.CLONE_NEWPID)
        pid = os.fork()
        if pid:
            self._sandboxes[pid] = (first, sandbox)
        else:
            self._joining = sandbox
        return pid

    def restrict(self, source: str) -> None:
        kernel.setns(self._joining, _joined(self._host_network))
        os.close(self._joining)
        os.setsid()
        user = _become_user(self._forks, self._users)
        kernel.unshare(kernel.CLONE_NEWUSER)
        _map(user, user)
        kernel.drop_capabilities()
        os.mkdir(_WORK)
        os.chdir(_WORK)
        rlimits.set_limits(self._limits)
        if kernel.release() >= _COUNTS_BY_NAMESPACE:
            rlimits.limit_processes(self._limits)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install()

    def roots(self, pid: int) -> list[int]:
        return [pid, self._sandboxes[pid][0]]

    def kill(self, pid: int) -> None:
        # The kernel kills every process of a pid namespace whose first process dies.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._sandboxes[pid][1], signal.SIGKILL)

    def finish(self, pid: int) -> None:
        _, sandbox = self._sandboxes.pop(pid)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(sandbox, signal.SIGKILL)
        os.close(sandbox)

    def _spawner(self, orders: int, answers: int) -> NoReturn:
        """Prepare a sandbox for each byte that arrives."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # dead sandboxes leave no zombies
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.closerange(3, min(orders, answers))
        own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        number = 0
        while os.read(orders, 1):
            number += 1
            ready_r, ready_w = os.pipe()
            try:
                # A new pid namespace is for children only; the next one must start from the own one again.
                kernel.setns(own, kernel.CLONE_NEWPID)
                kernel.unshare(kernel.CLONE_NEWPID)
                first = os.fork()
            except OSError as error:
                os.write(answers, _NUMBER.pack(-(error.errno or 1)))
                os.close(ready_r)
                os.close(ready_w)
                continue
            if not first:
                self._sandbox_init(ready_w, number)
            os.close(ready_w)
            failed = os.read(ready_r, _NUMBER.size)
            os.close(ready_r)
            os.write(answers, failed if failed != _NUMBER.pack(0) else _NUMBER.pack(first))
        os._exit(0)

    def _sandbox_init(self, ready: int, number: int) -> NoReturn:
        """Process 1 of this sandbox: own its namespaces, then wait to be killed."""
        try:
            kernel.unshare(_joined(self._host_network))
            if not self._host_network:
                kernel.loopback_up()
            _become_user(number, self._users)  # the owner of the private folders
            rootfs.private(self._limits.scratch_mib, self._folders)
            kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV)
        except OSError as error:
            os.write(ready, _NUMBER.pack(-(error.errno or 1)))
            os._exit(1)
        # With SIGCHLD ignored the kernel collects orphans. A signal from inside the sandbox reaches its process 1 only
        # if that has a handler for it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.write(ready, _NUMBER.pack(0))
        kernel.close_from(0)
        while True:
            signal.pause()


def _joined(host_network: bool) -> int:
    """Flags of a sandbox's namespaces, without those for processes and users."""
    own = kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    return own if host_network else own | kernel.CLONE_NEWNET


def _become_user(number: int, users: int) -> int:
    """Become the user of this sandbox, of `users` in turn, and keep all capabilities."""
    user = rootfs.UID + number % users
    if user != os.getuid():
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self belongs to root
    return user


def _own_namespaces(folders: list[str], host_network: bool, block: Block | None) -> rootfs.Origins:
    """Enter all namespaces, as an ordinary user with all capabilities there."""
    flags = _joined(host_network) | kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID
    uid, gid = os.getuid(), os.getgid()
    first, count = (block.first, block.count) if block else (_NOBODY, 1)
    as_others = uid == 0 and _unshare_and_map(flags, first, count)
    if not as_others:
        kernel.unshare(flags)
    # Folders may lie where only the host's user can go, such as below its home: open them before changing the user.
    origins = rootfs.origins(folders)
    if as_others:
        os.setgroups([])
        os.setresgid(rootfs.GID, rootfs.GID, rootfs.GID)
        os.setresuid(rootfs.UID, rootfs.UID, rootfs.UID)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self belongs to root
    else:
        _map(uid, gid)
    kernel.set_hostname(rootfs.HOSTNAME)
    if not host_network:
        kernel.loopback_up()
    return origins


def _unshare_and_map(flags: int, first: int, count: int) -> bool:
    """As root, map users into the new user namespace who own no file, not even in /proc/sys.

    The map must be written from outside the new namespace, by a process that is still root there. False, and nothing
    has changed, where this root does not have these users.
    """
    if not may_map(first, count):
        return False
    parent = os.getpid()
    go_r, go_w = os.pipe()
    helper = os.fork()
    if not helper:
        os.close(go_w)
        os.read(go_r, 1)
        try:
            kernel.write_file(f"/proc/{parent}/uid_map", f"{rootfs.UID} {first} {count}")
            kernel.write_file(f"/proc/{parent}/gid_map", f"{rootfs.GID} {first} {count}")
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    os.close(go_r)
    try:
        kernel.unshare(flags)
    finally:
        os.close(go_w)
        _, status = os.waitpid(helper, 0)
    failed = os.waitstatus_to_exitcode(status)
    if failed:
        raise OSError(failed, f"cannot map users from {first} into a user namespace: {os.strerror(failed)}")
    return True


def _fork_watcher(scratch: str) -> None:
    """Continue in a child; the process until now becomes the watcher, which removes the scratch folder at the end.

    The parent removes it too, unless it was killed.
    """
    child = os.fork()
    if child:
        kernel.close_from(3)
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(OSError):
            os.rmdir(scratch)
        _exit_like(status)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _fork_pid1() -> None:
    """Continue as process 1 of the new pid namespace; the process until now waits for it."""
    child = os.fork()
    if child:
        kernel.close_from(3)
        _exit_like(os.waitpid(child, 0)[1])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _exit_like(status: int) -> NoReturn:
    """Exit with the code that a shell reports for this wait status."""
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _map(uid: int, gid: int) -> None:
    """In a fresh user namespace: map the programs' user to `uid` and `gid` outside."""
    kernel.write_file("/proc/self/setgroups", "deny")
    kernel.write_file("/proc/self/uid_map", f"{rootfs.UID} {uid} 1")
    kernel.write_file("/proc/self/gid_map", f"{rootfs.GID} {gid} 1")
