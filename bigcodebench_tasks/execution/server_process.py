"""The fork server as the parent sees it: start it, exchange messages, end it with everything that it started."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from bigcodebench_tasks.environment.environment import Environment, variables
from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.execution.conditions import Limits, Sandbox
from bigcodebench_tasks.execution.sample_socket import Outcome, SampleSocket
from bigcodebench_tasks.execution.verdict import Program, Reason
from bigcodebench_tasks.execution.worker import protocol
from bigcodebench_tasks.execution.worker.channel import Channel
from bigcodebench_tasks.execution.worker.sandbox.remove import remove

ENTRY = Path(__file__).parent / "worker" / "__main__.py"

# The server ends when its socket is closed. After this time it is killed.
CLOSE_GRACE_S = 5.0

# Imports of the common libraries from a cold disk take most of this on a slow machine.
START_LIMIT_S = 300.0

# A file system in memory, on Linux: tmpfs(5).
_IN_MEMORY = "/dev/shm"

# The variables that `tempfile.gettempdir` reads.
_TEMPORARY_FOLDER_VARIABLES = ("TMPDIR", "TEMP", "TMP")


class ServerLost(Exception):
    """The fork server ended while it was needed."""


class SandboxRefused(Exception):
    """The fork server could not set up the sandbox; the message says why."""


def _parent_of_scratch(limits: Limits) -> str:
    """The folder for a server's scratch folder: in memory if possible, else the one for temporary files.

    The file system decides in which order a folder lists its files, and some programs depend on that (task 67). Under
    namespaces a scratch folder is always in memory, so it is in the other sandboxes as well, unless

    - the user chose another folder (TMPDIR),
    - the one in memory has no room for two programs on each core, or
    - files there cannot be executed, as in most containers.
    """
    usual = tempfile.gettempdir()
    chosen = usual != "/tmp" or any(map(os.environ.get, _TEMPORARY_FOLDER_VARIABLES))
    if chosen or not os.access(_IN_MEMORY, os.W_OK | os.X_OK):
        return usual
    state = os.statvfs(_IN_MEMORY)
    free_mib = state.f_bavail * state.f_frsize >> 20
    has_room = free_mib >= 2 * (os.cpu_count() or 1) * limits.scratch_mib
    return _IN_MEMORY if has_room and not state.f_flag & os.ST_NOEXEC else usual


class ServerProcess:
    """A running fork server. A context manager: on exit nothing that it started is left.

    Attributes:
        preloaded: names of the modules that it imports once for all programs.
        degraded: see `Sandbox`; known when the server is ready.
    """

    degraded: str | None = None

    def __init__(
        self, environment: Environment, sandbox: Sandbox, *, limits: Limits, preload: Sequence[str] = ()
    ) -> None:
        self.preloaded = frozenset(preload)
        # Without namespaces programs see the path of their folder. No "-" in its name: task 1127 splits paths at it.
        self._scratch = tempfile.mkdtemp(prefix="bigcodebench", dir=_parent_of_scratch(limits))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        parent_end, server_end = socket.socketpair()
        self._channel = Channel(parent_end)
        self._limits = limits
        self._samples: dict[int, SampleSocket] = {}
        self._selector = selectors.PollSelector()  # samples of the same user can use up its epoll watches
        self._selector.register(self._channel, selectors.EVENT_READ)
        try:
            with server_end:
                self._process = subprocess.Popen(
                    [str(environment.python), "-s", "-B", str(ENTRY), str(server_end.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._log,
                    env=variables(environment, self._scratch),
                    cwd=self._scratch,
                    pass_fds=[server_end.fileno()],
                    start_new_session=True,
                )
        except BaseException:
            self._selector.close()
            self._channel.close()
            self._log.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        settings = protocol.ServerSettings(
            sandbox=sandbox.kind,
            network=sandbox.network,
            limits=limits,
            preload=list(preload),
            scratch=self._scratch,
            visible=[str(environment.folder)],
        )
        with contextlib.suppress(OSError):  # it has ended already; the next `wait` raises ServerLost
            self._channel.send(settings)

    def wait_until_ready(self, wake: int | None = None) -> bool:
        """Wait until the sandbox is set up and the libraries are imported.

        Args:
            wake: see `wait`.

        Returns:
            Whether the server is ready; False if `wake` became readable first.

        Raises:
            SandboxRefused: the sandbox cannot be set up.
            ServerLost: the server ended.
            ExecutionFailed: it takes longer than `START_LIMIT_S`.
        """
        for message in self.wait(START_LIMIT_S, wake):
            if isinstance(message, protocol.SetupFailed):
                raise SandboxRefused(message.why)
            if isinstance(message, protocol.Ready):
                self.degraded = message.degraded or None
                return True
        return False

    def wait(self, limit_s: float | None = None, wake: int | None = None) -> list[protocol.Message | Outcome]:
        """The next messages, with an `Outcome` in place of each `Done`.

        Args:
            limit_s: seconds that the server may take to answer; no limit by default.
            wake: a descriptor; the wait ends when it is readable.

        Returns:
            At least one message, or none if `wake` became readable first.

        Raises:
            ServerLost: the server ended.
            ExecutionFailed: it took longer than `limit_s`, or sent something that is not a message.
        """
        end = None if limit_s is None else time.monotonic() + limit_s
        if wake is not None and wake not in self._selector.get_map():
            self._selector.register(wake, selectors.EVENT_READ)
        while True:
            writes = selectors.EVENT_WRITE if self._channel.unsent else 0
            self._selector.modify(self._channel, selectors.EVENT_READ | writes)
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise ExecutionFailed(f"the fork server did not answer within {limit_s:.0f} s")
            ready = self._selector.select(left)
            for key, _ in ready:
                if isinstance(key.fileobj, SampleSocket):
                    self._step(key.data, key.fileobj)
            messages = [self._with_outcome(message) for message in self._exchange()]
            if messages or any(key.fd == wake for key, _ in ready):
                return messages

    def run(self, message: protocol.StartProgram, program: Program) -> None:
        """Start a program. Raises ServerLost."""
        sample = self._samples[message.id] = SampleSocket(program, self._limits.output_bytes)
        sample.step()
        self._selector.register(sample, sample.events, message.id)
        self._send(message, sample.detach_sample_end())

    def _send(self, message: protocol.Message, descriptor: int = -1) -> None:
        try:
            self._channel.send(message, descriptor)
        except OSError as error:
            raise ServerLost(self._last_words()) from error

    def _step(self, number: int, sample: SampleSocket) -> None:
        """A sample's socket is ready: send the program, receive the report."""
        if sample.step():
            self._selector.modify(sample, sample.events, number)
            return
        # At its end the socket would be ready all the time. It stays open until the program has ended.
        self._selector.unregister(sample)
        if sample.is_over_limit:
            self._send(protocol.Stop(number, Reason.OUTPUT_LIMIT.value))

    def _with_outcome(self, message: protocol.Message) -> protocol.Message | Outcome:
        if not isinstance(message, (protocol.Done, protocol.Broken)):
            return message
        sample = self._samples.pop(message.id, None)
        if sample is None:
            raise ExecutionFailed(f"the fork server reported a program that it was not given: {message}")
        with contextlib.suppress(KeyError):
            self._selector.unregister(sample)
        if isinstance(message, protocol.Done):
            return sample.outcome(message)
        sample.close()
        return message

    def _exchange(self) -> list[protocol.Message]:
        """Send what is queued, receive what has arrived. Raises ServerLost."""
        try:
            self._channel.flush()
            return self._channel.receive()
        except (EOFError, OSError) as error:
            raise ServerLost(self._last_words()) from error
        except protocol.ProtocolError as error:
            raise ExecutionFailed(f"the fork server sent {error}; please report this") from error

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and everything that it started. Nothing of it is left when this returns."""
        self._selector.close()
        self._channel.close()
        for sample in self._samples.values():
            sample.close()
        try:
            self._process.wait(CLOSE_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()
        self._remove_scratch()

    def _remove_scratch(self) -> None:
        """Remove the folder, if the server has not. After a kill, processes of samples may still write to it."""
        end = time.monotonic() + CLOSE_GRACE_S
        while os.path.lexists(self._scratch):
            remove(self._scratch)
            if time.monotonic() > end:
                break
            time.sleep(0.01)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        text = self._log.read()[-2000:].decode("utf-8", "replace").strip()
        return f"the fork server ended with status {self._process.returncode}" + (f": {text}" if text else "")
