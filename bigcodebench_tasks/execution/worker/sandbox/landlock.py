"""The sandbox "landlock": where namespaces are forbidden, as in most containers.

Landlock confines files, TCP, signals and abstract sockets; seccomp refuses the other kinds of sockets and the system
calls that no program needs. Processes and devices are shared with the machine. Only with a tracer (see `tracer`) do
programs have a /tmp and a loopback address of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys

from ..protocol import ServerSettings
from . import kernel, rlimits, rootfs, seccomp
from .backend import SandboxSetupError
from .supervisor import FOLDERS, Supervisor
from .tracer import Tracer, calls, loopback_address, why_unavailable
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

# What the kernel reports about itself; libraries check for files of a cgroup.
_MACHINE = ("/proc", "/sys/fs/cgroup", "/sys/devices/system")

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE = _READ_FILE | _WRITE_FILE
# Without a tracer, semaphores of multiprocessing are files in the machine's /dev/shm. No right to list that folder.
_SHARED_MEMORY = _READ_FILE | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE


class Landlock(Supervisor):
    """See the module."""

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__(settings)
        self._host_network = settings.network == "host"
        needed = rootfs.needed(settings)
        # Following a link needs no right, and a link to a file cannot be given the rights of a folder.
        folders = [path for path in needed if not os.path.islink(path)]
        self._readable = [*rootfs.SYSTEM, *rootfs.SYSTEM_CACHES, *_MACHINE, *folders]
        self._kept = [self._scratch, *self._readable, *needed]
        self._abi = 0
        self._users: Block | None = None
        self._forks = 0
        self._user = -1
        # Why there is no tracer; "" where there is one.
        self._no_tracer = ""
        self._tracer: Tracer | None = None

    def enter(self) -> None:
        if os.getuid() == 0:
            self._users = reserve()
            self._lock = self._users.lock if self._users else -1
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
            self._check_other_user()
        self._no_tracer = why_unavailable()
        for paths in (False, True):
            seccomp.prepare(self._rules(paths=paths))

    @property
    def degraded(self) -> str | None:
        degraded = [] if self._users else [NO_COUNTS]
        if self._no_tracer:
            what = "no private /tmp and loopback address"
            if not self._users:
                what += ", no change of permissions, no semaphores"
            degraded.append(f"{what}, because ptrace is not available ({self._no_tracer})")
        return "; ".join(degraded) or None

    def fork(self) -> int:
        self._forks += 1
        if self._users:
            self._user = self._users.first + self._forks % self._users.count
        return super().fork()

    def change_user(self) -> None:
        if self._users:
            for name in ("", *FOLDERS):
                os.chown(f"{self._folder}/{name}", self._user, self._user)
            # The supervisor too: only the user of a process may copy a socket of it.
            _become_user(self._user)

    def attach(self, sample: int) -> None:
        if self._no_tracer:
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

    def clean_up(self) -> None:
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
        # A traced call costs 40 µs and imports make thousands: trace paths only if the program can name /tmp.
        seccomp.install(self._rules(paths=any(word in source for word in ("tmp", "shm"))))

    def _rules(self, *, paths: bool) -> seccomp.Rules:
        # Samples of an ordinary user could change all files of that user, so the supervisor does it for them, if it
        # traces them, or nothing does.
        own_files = self._users is not None
        traced = {} if self._no_tracer else calls(paths=paths, network=not self._host_network, changes=not own_files)
        if self._host_network:
            sockets = seccomp.Sockets(local=False)
        else:
            sockets = seccomp.Sockets(local=False, datagrams=False, ipv6=bool(self._no_tracer))
        return seccomp.Rules(sockets, tuple(traced.items()), own_files, own_files or not self._no_tracer)

    def limit_processes(self) -> None:
        if self._users:
            rlimits.limit_processes(self._limits)
        else:
            super().limit_processes()

    def _confine(self) -> None:
        files = max(rights for since, rights in _ALL_FILES.items() if since <= self._abi)
        network = 0
        if not self._host_network and self._abi >= _NETWORK_SINCE:
            # With a tracer the supervisor binds sockets for the program.
            network = _CONNECT_TCP if self._no_tracer else _CONNECT_TCP | _BIND_TCP
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
        if self._no_tracer and self._users:
            _allow(rules, "/dev/shm", _SHARED_MEMORY & files)
        _allow(rules, self._folder, files)
        kernel.syscall(_RESTRICT_SELF, "landlock", ctypes.c_int(rules), ctypes.c_uint(0))
        os.close(rules)

    def _check_other_user(self) -> None:
        """Root's samples must run as other users, because the kernel limits no process of root.

        Raises SandboxSetupError where another user cannot use the environment; tried in a process of its own.
        """
        if not self._users:
            raise SandboxSetupError("started as root, programs must run as other users, and no block of them is free")
        hidden_r, hidden_w = os.pipe()
        child = os.fork()
        if not child:
            folder = ""
            try:
                _become_user(self._users.first)
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
        if not os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            return
        if hidden == self._scratch:
            why = f"who cannot reach {hidden}: choose another folder with TMPDIR"
        elif hidden:
            why = (
                f"who cannot read {hidden}: keep the environment where everybody may read it, such as in "
                "BIGCODEBENCH_CACHE=/opt/bigcodebench, or start as an ordinary user"
            )
        else:
            why = "which this root may not do"
        raise SandboxSetupError(f"started as root, programs must run as another user, {why}")


def _become_user(user: int) -> None:
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
