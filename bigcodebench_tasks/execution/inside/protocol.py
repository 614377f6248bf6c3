"""Messages between the parent and the fork server, and the one report of a program.

Both are length-prefixed JSON: the receiver learns the size before it reads, refuses what is too large,
and nothing that arrives can be more than plain values.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEADER = struct.Struct("!I")

# The largest message: one program, or one report, with room for JSON's escapes (six bytes a character).
MAX_MESSAGE_BYTES = 256 << 20

TOKEN_BYTES = 32


class ProtocolError(Exception):
    """The other side sent something that is not a message."""


class Channel:
    """A non-blocking stream of messages: neither side can make the other one wait.

    Both sides send large messages (programs, reports). With blocking writes, each could wait for the
    other to read; so what the socket does not take at once is kept here until `flush`.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._out = bytearray()
        self._in = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    @property
    def unsent(self) -> bool:
        return bool(self._out)

    def send(self, message: dict[str, Any]) -> None:
        """Queue one message and send what the socket takes now."""
        body = json.dumps(message).encode("ascii")
        self._out += HEADER.pack(len(body)) + body
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes now."""
        while self._out:
            try:
                sent = self._socket.send(memoryview(self._out)[: 1 << 20])
            except BlockingIOError:
                return
            del self._out[:sent]

    def receive(self) -> list[dict[str, Any]]:
        """All complete messages that have arrived.

        Raises:
            EOFError: the other side is gone.
            ProtocolError: a message is too large or no JSON object.
        """
        closed = False
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except BlockingIOError:
                break
            except ConnectionResetError:
                data = b""
            if not data:
                closed = True
                break
            self._in += data
        messages = []
        while len(self._in) >= HEADER.size:
            (size,) = HEADER.unpack_from(self._in)
            if size > MAX_MESSAGE_BYTES:
                raise ProtocolError(f"a message of {size} bytes")
            if len(self._in) < HEADER.size + size:
                break
            messages.append(parse(bytes(self._in[HEADER.size : HEADER.size + size])))
            del self._in[: HEADER.size + size]
        if closed and not messages:
            raise EOFError
        return messages


def parse(body: bytes) -> dict[str, Any]:
    """One JSON object. Raises ProtocolError for anything else."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a message that is not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a message that is not an object")
    return message


def seal(token: bytes, body: bytes) -> bytes:
    """A program's report as it travels: the sample's secret token, the size, the JSON text."""
    return token + HEADER.pack(len(body)) + body


def unseal(token: bytes, raw: bytes) -> tuple[bytes | None, str]:
    """The JSON text of the only report in `raw`, or None and what is wrong: "missing" or "forged".

    Whatever the program wrote to the report's descriptor is in `raw` too; it lacks the token, or it
    makes a second report. Either way there is no report that could be trusted.
    """
    if not raw:
        return None, "missing"
    prefix = TOKEN_BYTES + HEADER.size
    if raw[:TOKEN_BYTES] != token:
        return None, "forged"
    if len(raw) < prefix:
        return None, "missing"
    (size,) = HEADER.unpack_from(raw, TOKEN_BYTES)
    if len(raw) < prefix + size:
        return None, "missing"
    if len(raw) > prefix + size:
        return None, "forged"
    return raw[prefix:], ""


def read_one(sock: socket.socket) -> dict[str, Any]:
    """The first message, waiting for it. Raises EOFError when the other side is gone."""

    def exactly(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = sock.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    return parse(exactly(HEADER.unpack(exactly(HEADER.size))[0]))
