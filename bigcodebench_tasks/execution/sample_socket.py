"""The parent's end of the line to one sample: the program goes there, the report comes back.

It is a pair of sockets, whose other end the sample inherits. A socket and not a pipe, because whoever has one end of a
pipe can open the other one through /proc, and read what others wrote: the secret at the head of the report.
"""

from __future__ import annotations

import secrets
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
        starved_s: seconds for which it wanted a core that something else had, as far as the server saw.
    """

    id: int
    exit: int
    killed: str
    report: protocol.Report | None
    problem: str
    seconds: float
    starved_s: float = 0.0


class SampleSocket:
    """To one sample. Nothing here waits: `step` does what can be done now."""

    def __init__(self, program: Program, output_bytes: int) -> None:
        """
        Args:
            program: what the sample shall run.
            output_bytes: `Limits.output_bytes`.
        """
        self._socket, self._others = socket.socketpair()
        self._socket.setblocking(False)
        self._token = secrets.token_bytes(protocol.TOKEN_BYTES)
        body = protocol.encode(program)
        self._unsent = memoryview(self._token + protocol.HEADER.pack(len(body)) + body)
        self._raw = bytearray()
        # Six bytes of JSON for a character, and much besides: more is no report.
        self._most = protocol.TOKEN_BYTES + protocol.HEADER.size + 8 * output_bytes + (1 << 20)

    def fileno(self) -> int:
        return self._socket.fileno()

    def take_others_end(self) -> int:
        """The sample's end, a descriptor that is the caller's from now on."""
        return self._others.detach()

    @property
    def unsent(self) -> bool:
        """Whether `step` has something to send."""
        return bool(self._unsent)

    @property
    def too_much(self) -> bool:
        """Whether more has arrived than a report can be."""
        return len(self._raw) > self._most

    def step(self) -> bool:
        """Send and take what can be sent and taken now. Whether anything may follow."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:  # it has ended, or closed its end
            self._unsent = self._unsent[:0]
        try:
            while not self.too_much:
                data = self._socket.recv(1 << 20)
                if not data:
                    return False
                self._raw += data
        except BlockingIOError:
            # After the report nothing but the end can follow, of which the server tells, or a forgery, which waits.
            return not protocol.is_whole(self._token, self._raw)
        except OSError:  # it has ended, and had not read all
            pass
        return False

    def outcome(self, done: protocol.Done) -> Outcome:
        """What came of the sample, which has ended; the line is closed."""
        self.step()
        self.close()
        report, problem = protocol.unseal(self._token, bytes(self._raw))
        return Outcome(done.id, done.exit, done.killed, report, problem, done.seconds, done.starved_s)

    def close(self) -> None:
        """Close the ends that are still this process's."""
        self._socket.close()
        self._others.close()
