"""The sandbox "landlock": where namespaces are forbidden, as in most containers.

Landlock confines files, TCP, signals and abstract sockets; seccomp takes the other kinds of sockets and
the system calls that no program needs. There is no view of its own: processes and devices are shared, and only
a tracer (see `tracer`) lets programs have a /tmp and a loopback address of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from typing import TypedDict

from ..protocol import ServerSettings
from . import kernel, rlimits, rootfs, seccomp
from .backend import SandboxSetupError
from .keeper import FOLDERS, Keeper
from .tracer import Tracer, calls, loopback_address
from .tracer import why_not as why_not_trace
from .users import NO_COUNTS, Block, reserve

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG = 1, 2, 4, 8, 1 << 5, 1 << 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
# All rights on files up to each version of Landlock's interface.
_ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

# What the kernel tells of itself. Libraries look whether a file of a control group is there before they open it.
_MACHINE = ("/proc", "/sys/fs/cgroup", "/sys/devices/system")

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE = _READ_FILE | _WRITE_FILE
# Without a tracer, semaphores of multiprocessing are files of the machine's /dev/shm; nobody may list the folder.
_SHARED_MEMORY = _READ_FILE | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE


class _Filter(TypedDict):
    """Arguments of `seccomp.install`."""

    sockets: seccomp.Sockets
    traced: seccomp.Traced | None
    attributes: bool
    modes: bool


class Landlock(Keeper):
    """See the module."""

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__(settings)
        self._host_network = settings.network == "host"
        needed = rootfs.needed(settings)
        # Following a link needs no right, and one to a file could not be given those to a folder.
        folders = [path for path in needed if not os.path.islink(path)]
        self._readable = [*rootfs.SYSTEM, *rootfs.SYSTEM_CACHES, *_MACHINE, *folders]
        self._kept = [self._scratch, *self._readable, *needed]
        self._abi = 0
        self._users: Block | None = None
        self._forks = 0
        self._user = -1
        self._lacking = ""
        self._tracer: Tracer | None = None

    def enter(self) -> None:
        self._users = reserve() if os.getuid() == 0 else None
        super().enter()
        open_to_samples = [path for path in self._readable if path.startswith("/dev/shm/")]
        if open_to_samples:
            raise SandboxSetupError(f"programs may write in /dev/shm, so {open_to_samples[0]} must lie elsewhere")
        try:
            self._abi = kernel.syscall(
                _CREATE_RULESET, "landlock", None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG)
            )
        except OSError as error:
            raise SandboxSetupError(f"the kernel has no Landlock ({error.strerror})") from error
        if not self._host_network and self._abi < _NETWORK_SINCE:
            raise SandboxSetupError("Landlock confines TCP since Linux 6.7 only")
        if seccomp.program(kernel.machine()) is None:
            raise SandboxSetupError(f"no filter of system calls for {kernel.machine()}")
        if os.getuid() == 0:
            os.chmod(self._scratch, 0o711)
            self._be_others()
        self._lacking = why_not_trace()
        for paths in (False, True):
            seccomp.prepare(**self._filter(paths=paths))

    @property
    def degraded(self) -> str:
        degraded = [] if self._users else [NO_COUNTS]
        if self._lacking:
            what = "no /tmp and no loopback of their own"
            if not self._users:
                what += ", no change of permissions, no semaphores"
            degraded.append(f"{what}, for want of ptrace ({self._lacking})")
        return "; ".join(degraded)

    def held(self) -> int:
        return self._users.lock if self._users else -1

    def fork(self) -> int:
        self._forks += 1
        if self._users:
            self._user = self._users.first + self._forks % self._users.count
        return super().fork()

    def share(self) -> None:
        if self._users:
            for name in ("", *FOLDERS):
                os.chown(f"{self._folder}/{name}", self._user, self._user)
            # The keeper too: copying a socket of a process is for its own user.
            _become(self._user)

    def adopt(self, sample: int) -> None:
        if self._lacking:
            return
        places = {
            "/tmp": f"{self._folder}/tmp",
            "/var/tmp": f"{self._folder}/vartmp",
            "/dev/shm": f"{self._folder}/shm",
        }
        address = None if self._host_network else loopback_address(os.getpid())
        own = None if self._users else [f"{self._folder}/{name}" for name in FOLDERS]
        self._tracer = Tracer(places, self._kept, address, own)
        self._tracer.seize(sample)

    def wait_for(self, sample: int) -> int:
        return self._tracer.wait_for(sample) if self._tracer else super().wait_for(sample)

    def clean(self) -> None:
        if not self._users:
            return
        with contextlib.suppress(OSError):
            for entry in os.scandir("/dev/shm"):
                if entry.stat(follow_symlinks=False).st_uid == self._user:
                    os.unlink(entry.path)

    def restrict(self, source: str) -> None:
        super().restrict(source)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        self._confine()
        # Each call that is looked at costs 40 µs, and imports make thousands: only where the program can name /tmp.
        seccomp.install(**self._filter(paths=any(word in source for word in ("tmp", "shm"))))

    def _filter(self, *, paths: bool) -> _Filter:
        # An ordinary user's samples could change all files of the user: the keeper does it for them, or nobody does.
        own_files = self._users is not None
        traced = None
        if not self._lacking:
            traced = calls(paths=paths, network=not self._host_network, changes=not own_files)
        if self._host_network:
            sockets = seccomp.Sockets(local=False)
        else:
            sockets = seccomp.Sockets(local=False, datagrams=False, ipv6=bool(self._lacking))
        return {
            "sockets": sockets,
            "traced": traced,
            "attributes": own_files,
            "modes": own_files or not self._lacking,
        }

    def limit_processes(self) -> None:
        if self._users:
            rlimits.limit_processes(self._limits)
        else:
            super().limit_processes()

    def _confine(self) -> None:
        files = max(rights for since, rights in _ALL_FILES.items() if since <= self._abi)
        network = 0
        if not self._host_network and self._abi >= _NETWORK_SINCE:
            # Where the keeper binds sockets in the program's place, the program itself need not.
            network = _CONNECT_TCP if self._lacking else _CONNECT_TCP | _BIND_TCP
        attributes = struct.pack("=Q", files)
        if self._abi >= _NETWORK_SINCE:
            attributes += struct.pack("=Q", network)
        if self._abi >= _SCOPES_SINCE:
            attributes += struct.pack("=Q", _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
        rules = kernel.syscall(
            _CREATE_RULESET, "landlock", attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0)
        )
        for path in self._readable:
            _allow(rules, path, _READ)
        for name in rootfs.DEVICES:
            _allow(rules, f"/dev/{name}", _DEVICE)
        if self._lacking and self._users:
            _allow(rules, "/dev/shm", _SHARED_MEMORY & files)
        _allow(rules, self._folder, files)
        kernel.syscall(_RESTRICT_SELF, "landlock", ctypes.c_int(rules), ctypes.c_uint(0))
        os.close(rules)

    def _be_others(self) -> None:
        """Root may run each sample as another user, and must: the kernel limits no process of root.

        Raises SandboxSetupError where another user cannot use the environment; tried in a process of its own.
        """
        if not self._users:
            raise SandboxSetupError("started as root, programs must run as other users, and no block of them is free")
        hidden_r, hidden_w = os.pipe()
        child = os.fork()
        if not child:
            folder = ""
            try:
                _become(self._users.first)
                folder = self._scratch
                os.chdir(folder)
                for folder in (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)):
                    os.listdir(folder)
                os._exit(0)
            except BaseException:
                os.write(hidden_w, os.fsencode(folder))
                os._exit(1)
        os.close(hidden_w)
        hidden = os.fsdecode(os.read(hidden_r, 4096))
        os.close(hidden_r)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise SandboxSetupError(
                "started as root, programs must run as another user, "
                + (
                    f"who cannot reach {hidden}: choose another folder with TMPDIR"
                    if hidden == self._scratch
                    else f"who cannot read {hidden}: keep the environment where everybody may read it, such as in "
                    "BIGCODEBENCH_CACHE=/opt/bigcodebench, or start as an ordinary user"
                    if hidden
                    else "which this root may not do"
                )
            )


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)


def _allow(rules: int, path: str, rights: int) -> None:
    """Grant rights below `path`; what is not there needs none."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", rights, fd)
        kernel.syscall(_ADD_RULE, "landlock", ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
    finally:
        os.close(fd)
