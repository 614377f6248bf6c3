"""The fork server's process as the parent sees it: start, talk, end with everything it started."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from bigcodebench_tasks.environment.environment import Environment, variables
from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.execution.conditions import Limits
from bigcodebench_tasks.execution.inside import protocol

ENTRY = Path(__file__).parent / "inside" / "__main__.py"

# The server closes on end of file; if it has not after this long, it is killed.
CLOSE_GRACE_S = 5.0

# Imports of the common libraries from a cold disk take most of this on a slow machine.
START_LIMIT_S = 300.0


class ServerLost(Exception):
    """The fork server ended while it was needed."""


class Unavailable(Exception):
    """The fork server could not isolate programs as asked; the message says why."""


class ServerProcess:
    """A running fork server. A context manager: on exit nothing that it started is left.

    Attributes:
        lacking: what programs do not get on this machine although the level has it; "" mostly. Known when ready.
    """

    lacking = ""

    def __init__(self, environment: Environment, limits: Limits, level: str, network: str, preload: list[str]) -> None:
        # Without namespaces programs see where their folder lies. No "-" in its names: task 1127 splits paths at it.
        self._scratch = tempfile.mkdtemp(prefix="bigcodebench")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed on exit, with the process)
        ours, theirs = socket.socketpair()
        with theirs:
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
        self.channel = protocol.Channel(ours)
        visible = [environment.folder]
        self.channel.send(
            {
                "level": level,
                "network": network,
                "limits": asdict(limits),
                "preload": preload,
                "scratch": self._scratch,
                "visible": [str(folder) for folder in visible],
            }
        )

    def wait_until_ready(self, meanwhile: Callable[[], bool] = lambda: False) -> None:
        """Wait for the server to be confined and to have imported its libraries.

        Args:
            meanwhile: does a piece of work; called until it returns False, or the server is ready.

        Raises:
            Unavailable: it cannot be confined.
            ServerLost: it ended.
            ExecutionFailed: it takes longer than `START_LIMIT_S`.
        """
        messages: list[dict[str, Any]] = []
        while not messages and meanwhile():
            messages = self.exchange()
        for message in messages or self.wait(START_LIMIT_S):
            if message.get("event") == "unavailable":
                raise Unavailable(message["why"])
            self.lacking = str(message.get("lacking", ""))

    def wait(self, limit_s: float | None = None) -> list[dict[str, Any]]:
        """The next messages, at least one. Raises as `wait_until_ready` does."""
        end = None if limit_s is None else time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.channel, selectors.EVENT_READ)
            while True:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.channel.unsent else 0)
                selector.modify(self.channel, events)
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise ExecutionFailed(f"the fork server did not answer within {limit_s:.0f} s")
                selector.select(left)
                messages = self.exchange()
                if messages:
                    return messages

    def send(self, message: dict[str, Any]) -> None:
        try:
            self.channel.send(message)
        except OSError as error:
            raise ServerLost(self._last_words()) from error

    def exchange(self) -> list[dict[str, Any]]:
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
        self.channel.close()
        try:
            self._process.wait(CLOSE_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        text = self._log.read()[-2000:].decode("utf-8", "replace").strip()
        return f"the fork server ended with status {self._process.returncode}" + (f": {text}" if text else "")
