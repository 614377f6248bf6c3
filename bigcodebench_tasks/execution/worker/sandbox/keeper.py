"""The sandbox "none": limits only. A keeper process per sample collects and kills what the sample leaves."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import tempfile
import threading
import time
import traceback
from typing import NoReturn

from .. import processes
from ..protocol import ServerSettings
from . import kernel, rlimits
from .remove import remove

# Folders of each sample.
FOLDERS = ("work", "tmp", "vartmp", "shm", "home")

# What a keeper writes to its sample when it may go on; anything else is why not.
_GO = b"+"

# How often a keeper looks at the disk. A program writes about 1 GB/s, so it can get 100 MB over its limit.
_LOOK_S = 0.1


class Keeper:
    """What the server forks becomes a keeper, which forks the sample and adopts its orphans, so none gets away."""

    def __init__(self, settings: ServerSettings) -> None:
        self._scratch = settings.scratch
        self._limits = settings.limits
        self._folder = ""

    @property
    def degraded(self) -> str:
        return ""

    def enter(self) -> None:
        # Should the server or a keeper be killed, what was below it falls to the guard, which ends it.
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        server = os.fork()
        if server:
            kernel.close_from(3, besides=self.held())
            status = _wait_for(server)
            processes.kill_below(os.getpid())
            remove(self._scratch)
            _die_like(status)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)

    def fork(self) -> int:
        return os.fork()

    def held(self) -> int:
        """A descriptor that the guard keeps open as long as anything of ours runs; -1 for none."""
        return -1

    def share(self) -> None:
        """In the keeper, before the sample is there: let the sample's user have the sample's folder."""

    def adopt(self, sample: int) -> None:
        """In the keeper, before the sample goes on. Raises OSError."""

    def wait_for(self, sample: int) -> int:
        """In the keeper: the wait status of the sample; orphans that end meanwhile are collected too."""
        return _wait_for(sample)

    def clean(self) -> None:
        """In the keeper, after the sample and everything below it: remove what it left elsewhere."""

    def restrict(self, source: str) -> None:
        """Become the keeper, who never returns from here, and in a child of it the sample.

        Raises OSError, also where the disk has less room than a sample may use: what fails for want of it later would
        look like the sample's own fault.
        """
        free_mib, needed_mib = shutil.disk_usage(self._scratch).free >> 20, self._limits.scratch_mib
        if free_mib < needed_mib:
            where = os.path.dirname(self._scratch)
            raise OSError(
                f"{where} has {free_mib} MiB free and a program may write {needed_mib}: free some, or choose another "
                "folder with TMPDIR"
            )
        self._folder = self._folder_of(os.getpid())
        for name in ("", *FOLDERS):
            os.mkdir(f"{self._folder}/{name}", 0o700)
        self.share()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        go_r, go_w = os.pipe()
        sample = os.fork()
        if sample:
            self._keep(sample, go_w)
        os.close(go_w)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        why_not = os.read(go_r, 4096)
        os.close(go_r)
        if why_not != _GO:
            raise OSError(why_not.decode("utf-8", "replace") or "the process that keeps a sample is gone")
        os.setsid()
        os.environ.update(HOME=f"{self._folder}/home", TMPDIR=f"{self._folder}/tmp")
        tempfile.tempdir = None
        os.chdir(f"{self._folder}/work")
        rlimits.set_limits(self._limits)
        self.limit_processes()

    def limit_processes(self) -> None:
        """In the sample: it is counted together with everything that its user runs."""
        rlimits.limit_processes(self._limits, others=processes.tasks_of(os.getuid()))

    def roots(self, pid: int) -> list[int]:
        return [pid]

    def kill(self, pid: int) -> None:
        processes.kill_below(pid)

    def finish(self, pid: int) -> None:
        # Mostly gone by now, unless the keeper itself was killed, or may not remove its folder from ours.
        folder = self._folder_of(pid)
        if os.path.lexists(folder):
            remove(folder)

    def _folder_of(self, keeper: int) -> str:
        return f"{self._scratch}/sample{keeper}"

    def _keep(self, sample: int, go: int) -> NoReturn:
        """Never returns, whatever happens: the server's own code comes after it, which would end the other samples."""
        status = int(signal.SIGKILL)
        try:
            status = self._serve(sample, go)
        except BaseException:
            traceback.print_exc()  # to the server's log
        try:
            processes.kill_below(os.getpid())
            remove(self._folder)
            self.clean()
        finally:
            _die_like(status)

    def _serve(self, sample: int, go: int) -> int:
        """Let the sample go on, and wait for its end: its wait status."""
        try:
            self.adopt(sample)
            os.write(go, _GO)
        except OSError as error:
            os.write(go, str(error).encode() or b"?")
        kernel.close_from(3)
        over_limit = threading.Event()
        threading.Thread(target=self._watch_files, args=(sample, over_limit), daemon=True).start()
        status = self.wait_for(sample)
        # The signal that the kernel sends to a process that goes over the limit for one file.
        return int(signal.SIGXFSZ) if over_limit.is_set() else status

    def _watch_files(self, sample: int, over_limit: threading.Event) -> None:
        """In a thread: kill the sample when its files together take more than `scratch_mib` MiB of disk."""
        most = self._limits.scratch_mib << 20
        with contextlib.suppress(OSError):  # the sample has ended: its folder is gone, or itself
            free = shutil.disk_usage(self._folder).free
            while True:
                time.sleep(_LOOK_S)
                now = shutil.disk_usage(self._folder).free
                # Looking at each file takes long: only when the disk has lost enough for it to matter.
                if now > free - most // 8:
                    continue
                free = now
                if _bytes_below(self._folder) > most:
                    over_limit.set()
                    os.kill(sample, signal.SIGKILL)  # the keeper kills what is below it
                    return


def _wait_for(child: int) -> int:
    """The wait status of a child; orphans that end meanwhile are collected too."""
    while True:
        done, status = os.wait()
        if done == child:
            return status


def _bytes_below(folder: str) -> int:
    """Disk space of all files below a folder, each counted once however many names it has."""
    sizes = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                entry = os.lstat(f"{parent}/{name}")
                sizes[entry.st_ino] = entry.st_blocks * 512
    return sum(sizes.values())


def _die_like(status: int) -> NoReturn:
    """Leave as the process with this wait status did, so that whoever waits for us learns it."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some signals would write this process's memory to the disk
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
