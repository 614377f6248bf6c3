"""The fork server's process as the parent sees it: start, talk, end with everything it started."""

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
from collections.abc import Iterator, Sequence
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

# The server closes on end of file; if it has not after this long, it is killed.
CLOSE_GRACE_S = 5.0

# Imports of the common libraries from a cold disk take most of this on a slow machine.
START_LIMIT_S = 300.0

# A file system in memory, on Linux: tmpfs(5).
_IN_MEMORY = "/dev/shm"

# What chooses the folder for temporary files: `tempfile.gettempdir`.
_CHOOSE_FOLDER = ("TMPDIR", "TEMP", "TMP")

_READ_WRITE = selectors.EVENT_READ | selectors.EVENT_WRITE


class ServerLost(Exception):
    """The fork server ended while it was needed."""


class SandboxRefused(Exception):
    """The fork server could not isolate programs as asked; the message says why."""


def _parent_of_scratch(limits: Limits) -> str:
    """The folder for a server's scratch: one in memory where that is as good as the one for temporary files.

    It is the file system that says in which order a folder lists its files, and some programs depend on that (task
    67). Under namespaces a scratch lies in memory; so it does at the other levels, unless TMPDIR chooses a folder, or
    the one in memory has no room for two programs on each core or lets nothing be executed, as in most containers.
    """
    usual = tempfile.gettempdir()
    if usual != "/tmp" or any(map(os.environ.get, _CHOOSE_FOLDER)) or not os.access(_IN_MEMORY, os.W_OK | os.X_OK):
        return usual
    there = os.statvfs(_IN_MEMORY)
    room_mib = there.f_bavail * there.f_frsize >> 20
    enough = room_mib >= 2 * (os.cpu_count() or 1) * limits.scratch_mib
    return _IN_MEMORY if enough and not there.f_flag & os.ST_NOEXEC else usual


class ServerProcess:
    """A running fork server. A context manager: on exit nothing that it started is left.

    Attributes:
        preloaded: names of the modules that it was told to import once for all programs.
        degraded: see `Sandbox`; known when ready.
    """

    degraded: str | None = None

    def __init__(
        self, environment: Environment, sandbox: Sandbox, *, limits: Limits, preload: Sequence[str] = ()
    ) -> None:
        self.preloaded = frozenset(preload)
        # Without namespaces programs see where their folder lies. No "-" in its names: task 1127 splits paths at it.
        self._scratch = tempfile.mkdtemp(prefix="bigcodebench", dir=_parent_of_scratch(limits))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed on exit, with the process)
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        self._limits = limits
        self._lines: dict[int, SampleSocket] = {}
        self._selector = selectors.PollSelector()  # epoll watches can be used up by other processes of the user
        self._selector.register(self.channel, selectors.EVENT_READ)
        self._wake = -1
        with theirs, self._nothing_left_of_a_failure():
            self._process = subprocess.Popen(
                [str(environment.python), "-s", "-B", str(ENTRY), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=variables(environment, self._scratch),
                cwd=self._scratch,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        settings = protocol.ServerSettings(
            sandbox=sandbox.kind,
            network=sandbox.network,
            limits=limits,
            preload=list(preload),
            scratch=self._scratch,
            visible=[str(environment.folder)],
        )
        with contextlib.suppress(OSError):  # it has ended already, which whoever waits for it is told, with its words
            self.channel.send(settings)

    @contextlib.contextmanager
    def _nothing_left_of_a_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._selector.close()
            self.channel.close()
            self._log.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise

    def wait_until_ready(self, wake: int | None = None) -> bool:
        """Wait for the server to be confined and to have imported its libraries.

        Args:
            wake: see `wait`.

        Returns:
            Whether it is ready: False where `wake` became readable before.

        Raises:
            SandboxRefused: it cannot be confined.
            ServerLost: it ended.
            ExecutionFailed: it takes longer than `START_LIMIT_S`.
        """
        for message in self.wait(START_LIMIT_S, wake):
            if isinstance(message, protocol.SetupFailed):
                raise SandboxRefused(message.why)
            if isinstance(message, protocol.Ready):
                self.degraded = message.degraded
                return True
        return False

    def wait(self, limit_s: float | None = None, wake: int | None = None) -> list[protocol.Message | Outcome]:
        """The next messages; in place of each `Done`, what came of the program.

        Args:
            limit_s: seconds that the server may take for them; any number by default.
            wake: a descriptor; the wait ends when it is readable.

        Returns:
            At least one message, or none where `wake` became readable first.

        Raises:
            ServerLost: the server ended.
            ExecutionFailed: it took longer than `limit_s`, or sent what is no message.
        """
        end = None if limit_s is None else time.monotonic() + limit_s
        self._watch(wake)
        while True:
            self._selector.modify(self.channel, _READ_WRITE if self.channel.unsent else selectors.EVENT_READ)
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise ExecutionFailed(f"the fork server did not answer within {limit_s:.0f} s")
            ready = self._selector.select(left)
            for key, _ in ready:
                if isinstance(key.fileobj, SampleSocket):
                    self._step(key.data, key.fileobj)
            messages = [self._with_report(message) for message in self._exchange()]
            if messages or any(key.fd == wake for key, _ in ready):
                return messages

    def run(self, message: protocol.StartProgram, program: Program) -> None:
        """Hand it a program. Raises ServerLost."""
        line = SampleSocket(program, self._limits.output_bytes)
        self._lines[message.id] = line
        line.step()
        self._selector.register(line, _READ_WRITE if line.unsent else selectors.EVENT_READ, message.id)
        self._send(message, line.take_others_end())

    def stop(self, number: int, why: str) -> None:
        """End a program; its outcome says `why`. Raises ServerLost."""
        self._send(protocol.Stop(number, why))

    def _send(self, message: protocol.Message, descriptor: int = -1) -> None:
        try:
            self.channel.send(message, descriptor)
        except OSError as error:
            raise ServerLost(self._last_words()) from error

    def _watch(self, wake: int | None) -> None:
        """Let the selector see `wake` too."""
        if wake is not None and wake != self._wake:
            if self._wake >= 0:
                self._selector.unregister(self._wake)
            self._selector.register(wake, selectors.EVENT_READ)
            self._wake = wake

    def _step(self, number: int, line: SampleSocket) -> None:
        """A line is ready: send the program, take the report."""
        if line.step():
            self._selector.modify(line, _READ_WRITE if line.unsent else selectors.EVENT_READ, number)
            return
        # Its end would wake us all the time. The line stays open until the program has ended.
        self._selector.unregister(line)
        if line.too_much:
            self.stop(number, Reason.OUTPUT_LIMIT.value)

    def _with_report(self, message: protocol.Message) -> protocol.Message | Outcome:
        if not isinstance(message, (protocol.Done, protocol.Broken)):
            return message
        line = self._lines.pop(message.id, None)
        if line is None:
            raise ExecutionFailed(f"the fork server spoke of a program that it was not given: {message}")
        with contextlib.suppress(KeyError):
            self._selector.unregister(line)
        if isinstance(message, protocol.Done):
            return line.outcome(message)
        line.close()
        return message

    def _exchange(self) -> list[protocol.Message]:
        """Send what is queued, take what has arrived. Raises ServerLost."""
        try:
            self.channel.flush()
            return self.channel.receive()
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
        """End it, with everything that it started. Nothing of it is left when this returns."""
        self._selector.close()
        self.channel.close()
        for line in self._lines.values():
            line.close()
        try:
            self._process.wait(CLOSE_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()
        self._remove_scratch()

    def _remove_scratch(self) -> None:
        """Mostly gone by now. Where everything was killed at once, what was below the guard may still be ending."""
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
