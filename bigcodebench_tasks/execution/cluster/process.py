"""The process that speaks to Ray (`driver`), as the engine sees it: start, talk, end."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection

from bigcodebench_tasks.errors import ClusterUnavailable
from bigcodebench_tasks.execution.cluster import messages

OLDEST_RAY = (2, 60)

# After the pipe has ended, actors are asked to close and Ray to disconnect.
_END_S = 30.0


def require_ray() -> None:
    """Raises ClusterUnavailable where Ray is not installed, or too old."""
    install = "pip install 'bigcodebench-tasks[ray]', here and on each node"
    try:
        version = importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError:
        raise ClusterUnavailable(
            f"to run programs on a cluster Ray is needed, which is not installed: {install}"
        ) from None
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST_RAY:
        raise ClusterUnavailable(f"Ray {version} is installed, and 2.60 or newer is needed: {install}")


class DriverProcess:
    """A running process that is connected to a cluster, or will be."""

    def __init__(self, start: messages.Start) -> None:
        """Raises ClusterUnavailable as `require_ray`."""
        require_ray()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        ours, theirs = socket.socketpair()
        self._link = Connection(ours.detach())
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bigcodebench_tasks.execution.cluster.driver", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd="/",  # nothing in the user's folder shall take the place of a module
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is ours, and reaches it as the end of the pipe
            )
        self.send(start)

    def send(self, command: messages.Command) -> None:
        """To a process that has ended, nothing: `receive` tells it."""
        with contextlib.suppress(OSError):
            self._link.send(command)

    def receive(self) -> messages.Event:
        """Wait for what it says next; at last `Ended`, whatever ended it."""
        try:
            event: messages.Event = self._link.recv()
        except (EOFError, OSError):
            return messages.Ended(self._last_words())
        return event

    def hang_up(self) -> None:
        """Let it end, and `receive` return; from any thread."""
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._link.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it; nothing that it started is left on any node that answers."""
        self.hang_up()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._link.close()
        self._log.close()

    def _last_words(self) -> str:
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        said = f": {lines[-1][:500]}" if lines else ""
        return f"the process that speaks to Ray ended with status {self._process.returncode}{said}"
