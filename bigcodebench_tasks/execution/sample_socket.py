"""The parent's end of the socket to one sample: the program goes there, the report comes back.

It is a socket and not a pipe, because a process that holds one end of a pipe can open the other end through /proc and
read what the parent wrote: the token that the report must begin with.
"""

from __future__ import annotations

import secrets
import selectors
import socket
from dataclasses import dataclass

from bigcodebench_tasks.execution.verdict import Program
from bigcodebench_tasks.execution.worker import protocol


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and what it reported.

    Attributes:
        id: the parent's number for it.
        exit: exit status of its process, negative for a signal.
        killed: why the server killed it: "timeout", "memory", "processes", `protocol.CROWDED`, "output limit" or "".
        report: what it reported, or None.
        problem: why there is no report: "missing" or "forged"; "" otherwise.
        seconds: wall-clock seconds from its start to its end.
        starved_s: seconds for which it waited for a core, as far as the server saw.
    """

    id: int
    exit: int
    killed: str
    report: protocol.Report | None
    problem: str
    seconds: float
    starved_s: float = 0.0


class SampleSocket:
    """The socket to one sample. Nothing here blocks: `step` does what can be done now."""

    def __init__(self, program: Program, output_bytes: int) -> None:
        """
        Args:
            program: what the sample executes.
            output_bytes: `Limits.output_bytes`.
        """
        self._socket, self._sample_end = socket.socketpair()
        self._socket.setblocking(False)
        self._token = secrets.token_bytes(protocol.TOKEN_BYTES)
        body = protocol.encode(program)
        self._unsent = memoryview(self._token + protocol.HEADER.pack(len(body)) + body)
        self._raw = bytearray()
        # JSON takes up to six bytes for a character; the rest is for names and quotes.
        self._max_bytes = protocol.TOKEN_BYTES + protocol.HEADER.size + 8 * output_bytes + (1 << 20)

    def fileno(self) -> int:
        return self._socket.fileno()

    def detach_sample_end(self) -> int:
        """The descriptor of the sample's end, which the caller closes."""
        return self._sample_end.detach()

    @property
    def events(self) -> int:
        """The events that `step` waits for, for a selector."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)

    @property
    def is_over_limit(self) -> bool:
        """Whether more has arrived than a report can be."""
        return len(self._raw) > self._max_bytes

    def step(self) -> bool:
        """Send and receive what can be sent and received now. Whether anything may follow."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:  # the sample has ended, or closed its end
            self._unsent = self._unsent[:0]
        try:
            while not self.is_over_limit:
                data = self._socket.recv(1 << 20)
                if not data:
                    return False
                self._raw += data
        except BlockingIOError:
            # Only the end follows a report, and the server reports that; or a forgery, which `outcome` detects.
            return not protocol.is_whole(self._token, self._raw)
        except OSError:  # the sample has ended and had not read everything
            pass
        return False

    def outcome(self, done: protocol.Done) -> Outcome:
        """How the sample, which has ended, ended. Closes the socket."""
        self.step()
        self.close()
        report, problem = protocol.unseal(self._token, bytes(self._raw))
        return Outcome(done.id, done.exit, done.killed, report, problem, done.seconds, done.starved_s)

    def close(self) -> None:
        """Close the ends that this process still has."""
        self._socket.close()
        self._sample_end.close()
