"""Level "landlock": where namespaces are forbidden, as in most containers.

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

from ..protocol import Settings
from . import kernel, rlimits, seccomp, view
from .keeper import FOLDERS, Keeper
from .level import Unavailable
from .tracer import PATHS, SOCKETS, Tracer, loopback_address
from .tracer import why_not as why_not_trace

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG = 1, 2, 4, 8, 1 << 5, 1 << 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
# All rights on files up to each version of Landlock's interface.
_ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_CONNECT_TCP = 2
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE = _READ_FILE | _WRITE_FILE
# Semaphores of multiprocessing are files there; nobody may list the folder.
_SHARED_MEMORY = _READ_FILE | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE

# Users for samples when we are root: one for each that runs, so that they cannot reach one another and
# what one leaves behind is known by its owner. A range that distributions leave free.
_FIRST_USER, _USERS = 64_000, 1_000


class Landlock(Keeper):
    """See the module."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._host_network = settings.network == "host"
        self._readable = [*view.SYSTEM, *view.SYSTEM_CACHES, "/proc", *view.needed(settings)]
        self._abi = 0
        self._own_users = False
        self._forks = 0
        self._user = -1
        self._lacking = ""
        self._tracer: Tracer | None = None

    def enter(self) -> None:
        super().enter()
        open_to_samples = [path for path in self._readable if path.startswith("/dev/shm/")]
        if open_to_samples:
            raise Unavailable(f"programs may write in /dev/shm, so {open_to_samples[0]} must lie elsewhere")
        try:
            self._abi = kernel.syscall(
                _CREATE_RULESET, "landlock", None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG)
            )
        except OSError as error:
            raise Unavailable(f"the kernel has no Landlock ({error.strerror})") from error
        if not self._host_network and self._abi < _NETWORK_SINCE:
            raise Unavailable("Landlock confines TCP since Linux 6.7 only")
        if seccomp.program(kernel.machine()) is None:
            raise Unavailable(f"no filter of system calls for {kernel.machine()}")
        if os.getuid() == 0:
            os.chmod(self._scratch, 0o711)
            self._be_others()
        self._lacking = why_not_trace()

    @property
    def lacking(self) -> str:
        return f"no /tmp and no loopback of their own, for want of ptrace ({self._lacking})" if self._lacking else ""

    def fork(self) -> int:
        self._forks += 1
        if self._own_users:
            self._user = _FIRST_USER + self._forks % _USERS
        return super().fork()

    def share(self) -> None:
        if self._own_users:
            for name in ("", *FOLDERS):
                os.chown(f"{self._folder}/{name}", self._user, self._user)
            # The keeper too: copying a socket of a process is for its own user.
            _become(self._user)

    def adopt(self, sample: int) -> None:
        if self._lacking:
            return
        places = {"/tmp": f"{self._folder}/tmp", "/var/tmp": f"{self._folder}/vartmp"}
        address = None if self._host_network else loopback_address(os.getpid())
        self._tracer = Tracer(places, [self._scratch, *self._readable], address)
        self._tracer.seize(sample)

    def wait_for(self, sample: int) -> int:
        return self._tracer.wait_for(sample) if self._tracer else super().wait_for(sample)

    def clean(self) -> None:
        if not self._own_users:
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
        paths = [] if self._lacking or "tmp" not in source else list(PATHS)
        if self._host_network:
            seccomp.install(sockets="no local", traced=paths)
        elif self._lacking:
            seccomp.install(sockets="tcp")
        else:
            seccomp.install(sockets="ipv4", traced=[*SOCKETS, *paths])

    def limit_processes(self) -> None:
        if self._own_users:
            rlimits.limit_processes(self._limits)
        else:
            super().limit_processes()

    def _confine(self) -> None:
        files = max(rights for since, rights in _ALL_FILES.items() if since <= self._abi)
        network = 0 if self._host_network or self._abi < _NETWORK_SINCE else _CONNECT_TCP
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
        for name in view.DEVICES:
            _allow(rules, f"/dev/{name}", _DEVICE)
        _allow(rules, "/dev/shm", _SHARED_MEMORY & files)
        _allow(rules, self._folder, files)
        kernel.syscall(_RESTRICT_SELF, "landlock", ctypes.c_int(rules), ctypes.c_uint(0))
        os.close(rules)

    def _be_others(self) -> None:
        """Root may run each sample as another user, and must: the kernel limits no process of root.

        Raises Unavailable where another user cannot use the environment; tried in a process of its own.
        """
        hidden_r, hidden_w = os.pipe()
        child = os.fork()
        if not child:
            folder = ""
            try:
                _become(_FIRST_USER)
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
            raise Unavailable(
                "started as root, programs must run as another user, "
                + (
                    f"who cannot read {hidden}: keep the environment where everybody may read it, such as in "
                    "BIGCODEBENCH_CACHE=/opt/bigcodebench, or start as an ordinary user"
                    if hidden
                    else "which this root may not do"
                )
            )
        self._own_users = True


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
