"""The sandbox "none": limits only. A supervisor process per sample collects and kills what the sample leaves behind."""

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

# What a supervisor writes to its sample when that may continue; anything else is an error message.
_GO = b"+"

# Seconds between two looks at the free disk space. A program writes about 1 GB/s, so it may exceed its limit by 100 MB.
_DISK_POLL_S = 0.1


class Supervisor:
    """The server forks a supervisor, which forks the sample and adopts its orphans, so that no process gets away."""

    def __init__(self, settings: ServerSettings) -> None:
        self._scratch = settings.scratch
        self._limits = settings.limits
        self._folder = ""
        # A descriptor that the watcher keeps open for as long as anything runs; -1 for none.
        self._lock = -1

    @property
    def degraded(self) -> str | None:
        return None

    def enter(self) -> None:
        # If the server or a supervisor is killed, what was below it becomes a child of the watcher, which kills it.
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        server = os.fork()
        if server:
            kernel.close_from(3, besides=self._lock)
            status = _wait_for(server)
            processes.kill_below(os.getpid())
            remove(self._scratch)
            _end_like(status)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)

    def fork(self) -> int:
        return os.fork()

    def restrict(self, source: str) -> None:
        """Become the supervisor, which never returns, and in a child of it the sample.

        Raises OSError, also where the disk has less room than a sample may use: running out of it later would look like
        the sample's own failure.
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
        self.change_user()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        go_r, go_w = os.pipe()
        sample = os.fork()
        if sample:
            self._supervise(sample, go_w)
        os.close(go_w)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        answer = os.read(go_r, 4096)
        os.close(go_r)
        if answer != _GO:
            raise OSError(answer.decode("utf-8", "replace") or "the supervisor of this sample has ended")
        os.setsid()
        os.environ.update(HOME=f"{self._folder}/home", TMPDIR=f"{self._folder}/tmp")
        tempfile.tempdir = None
        os.chdir(f"{self._folder}/work")
        rlimits.set_limits(self._limits)
        self.limit_processes()

    def change_user(self) -> None:
        """In the supervisor, before the sample exists: become the user of this sample, if it has one."""

    def attach(self, sample: int) -> None:
        """In the supervisor, before the sample continues. Raises OSError."""

    def wait_for(self, sample: int) -> int:
        """In the supervisor: the wait status of the sample. Collects orphans meanwhile."""
        return _wait_for(sample)

    def clean_up(self) -> None:
        """In the supervisor, when the sample and everything below it has ended: remove what lies outside its folder."""

    def limit_processes(self) -> None:
        """In the sample: the kernel counts it together with everything that its user runs."""
        rlimits.limit_processes(self._limits, others=processes.tasks_of(os.getuid()))

    def roots(self, pid: int) -> list[int]:
        return [pid]

    def kill(self, pid: int) -> None:
        processes.kill_below(pid)

    def finish(self, pid: int) -> None:
        # Mostly gone, unless the supervisor was killed or may not remove its folder from the server's.
        folder = self._folder_of(pid)
        if os.path.lexists(folder):
            remove(folder)

    def _folder_of(self, supervisor: int) -> str:
        return f"{self._scratch}/sample{supervisor}"

    def _supervise(self, sample: int, go: int) -> NoReturn:
        """Never returns, whatever happens: the server's own code would run next and end the other samples."""
        status = int(signal.SIGKILL)
        try:
            status = self._run(sample, go)
        except BaseException:
            traceback.print_exc()  # to the server's log
        try:
            processes.kill_below(os.getpid())
            remove(self._folder)
            self.clean_up()
        finally:
            _end_like(status)

    def _run(self, sample: int, go: int) -> int:
        """Let the sample continue and wait for its end: its wait status."""
        try:
            self.attach(sample)
            os.write(go, _GO)
        except OSError as error:
            os.write(go, str(error).encode() or b"?")
        kernel.close_from(3)
        over_limit = threading.Event()
        threading.Thread(target=self._watch_disk, args=(sample, over_limit), daemon=True).start()
        status = self.wait_for(sample)
        # The kernel sends this signal to a process that exceeds the limit for one file.
        return int(signal.SIGXFSZ) if over_limit.is_set() else status

    def _watch_disk(self, sample: int, over_limit: threading.Event) -> None:
        """In a thread: kill the sample when its files together exceed `scratch_mib`."""
        most = self._limits.scratch_mib << 20
        with contextlib.suppress(OSError):  # the sample or its folder is gone
            free = shutil.disk_usage(self._folder).free
            while True:
                time.sleep(_DISK_POLL_S)
                now = shutil.disk_usage(self._folder).free
                # Measuring every file takes long: only when the free space has shrunk by as much as matters.
                if now > free - most // 8:
                    continue
                free = now
                if _bytes_below(self._folder) > most:
                    over_limit.set()
                    os.kill(sample, signal.SIGKILL)  # what is below it is killed afterwards
                    return


def _wait_for(child: int) -> int:
    """The wait status of a child. Collects orphans meanwhile."""
    while True:
        done, status = os.wait()
        if done == child:
            return status


def _bytes_below(folder: str) -> int:
    """Disk space of all files below a folder; a file with several names counts once."""
    sizes = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                entry = os.lstat(f"{parent}/{name}")
                sizes[entry.st_ino] = entry.st_blocks * 512
    return sum(sizes.values())


def _end_like(status: int) -> NoReturn:
    """End as the process with this wait status did, so that the waiting process learns it."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some signals would write this process's memory to the disk
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
