"""Level "none": limits only. A keeper process per sample collects and kills what the sample leaves."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from typing import Any

from . import isolation, tree

if sys.platform == "linux":
    from . import kernel


class Keeper:
    """Forks a keeper, which forks the sample; the keeper adopts every orphan, so nothing leaves its tree."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._scratch = settings["scratch"]
        self._limits = settings["limits"]

    def enter(self) -> None:
        pass

    def fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if sys.platform == "linux":
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        folder = tempfile.mkdtemp(prefix="sample-", dir=self._scratch)
        child = os.fork()
        if not child:
            if sys.platform == "linux":
                kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            os.environ.update(HOME=folder, TMPDIR=folder)
            tempfile.tempdir = None
            os.chdir(folder)
            return 0
        os.closerange(3, 1 << 16)
        while True:
            done, status = os.wait()
            if done == child:
                break
        tree.kill_below(os.getpid())
        _remove(folder)
        _die_like(status)
        raise AssertionError("unreachable")

    def restrict(self) -> None:
        os.setsid()
        isolation.set_limits(self._limits)

    def roots(self, pid: int) -> list[int]:
        return [pid]

    def kill(self, pid: int) -> None:
        tree.kill_below(pid)

    def finish(self, pid: int) -> None:
        pass


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
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
