"""How a sample is forked and confined; one class per level."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import sys
import tempfile
from typing import Any

from . import tree

# Exit status of a sample that could not be confined: no program can be blamed for it.
SETUP_FAILED = 119

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class Isolation:
    """Level "none": limits only. A keeper process per sample collects and kills what the sample leaves."""

    level = "none"

    def __init__(self, settings: dict[str, Any]) -> None:
        self._scratch = settings["scratch"]
        self._libc = ctypes.CDLL(None, use_errno=True)

    def enter(self) -> None:
        """Before the libraries are imported."""

    def fork(self) -> int:
        """Fork; 0 in the process that shall run the program, otherwise the process to wait for."""
        pid = os.fork()
        if pid:
            return pid
        # The keeper: it adopts every orphan of the sample, so the sample's whole tree stays below it.
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        folder = tempfile.mkdtemp(prefix="sample-", dir=self._scratch)
        child = os.fork()
        if not child:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            os.setsid()
            os.environ.update(HOME=folder, TMPDIR=folder)
            tempfile.tempdir = None
            os.chdir(folder)
            return 0
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        while True:
            done, status = os.waitpid(-1, 0)
            if done == child:
                break
        tree.kill_below(os.getpid())
        _remove(folder)
        _die_like(status)
        raise AssertionError("unreachable")

    def restrict(self, limits: dict[str, Any]) -> None:
        """In the sample, before its program is loaded."""
        set_limits(limits)

    def kill(self, pid: int) -> None:
        """End the sample that `fork` returned as `pid`; the keeper follows when its tree is gone."""
        tree.kill_below(pid)

    def finish(self, pid: int) -> None:
        """After the process that `fork` returned has ended."""

    def _prctl(self, option: int, value: int) -> None:
        if sys.platform == "linux":
            self._libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def create(settings: dict[str, Any]) -> Isolation:
    """The isolation of the level that the parent chose."""
    return Isolation(settings)


def set_limits(limits: dict[str, Any]) -> None:
    """Resource limits of one process; those of the official evaluator are named in `Limits`."""
    mib = 1 << 20
    for name, value in (
        ("RLIMIT_AS", limits["memory_mib"] * mib),
        ("RLIMIT_DATA", limits["memory_mib"] * mib),
        ("RLIMIT_STACK", limits["stack_mib"] * mib),
        ("RLIMIT_FSIZE", limits["scratch_mib"] * mib),
        ("RLIMIT_NOFILE", limits["open_files"]),
        ("RLIMIT_CORE", 0),
    ):
        _, hard = resource.getrlimit(getattr(resource, name))
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        if sys.platform != "darwin" or name in ("RLIMIT_CORE", "RLIMIT_FSIZE"):
            resource.setrlimit(getattr(resource, name), (value, value))


def _remove(folder: str) -> None:
    def allow(function: Any, path: str, _: Any) -> None:
        os.chmod(os.path.dirname(path), 0o700)
        os.chmod(path, 0o700)
        function(path)

    try:
        shutil.rmtree(folder, onerror=allow)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _die_like(status: int) -> None:
    """Leave as the process with this wait status did, so that whoever waits for us learns it."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code)
