"""A stream of messages over a socket; some bring a file descriptor."""

from __future__ import annotations

import array
import errno
import os
import socket
import time
from collections import deque

from . import protocol

# Descriptors that one read may bring.
_MOST_DESCRIPTORS = 16

# Seconds to wait when the kernel refuses to send a descriptor, see `Channel.flush`.
_REFUSED_S = 0.05


class Channel:
    """A non-blocking stream of messages: neither side can make the other wait.

    What the socket does not take is kept until `flush`. A `StartProgram` brings one descriptor: the socket of its
    sample. A program and its report never pass through the server, whose memory every sample inherits.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._out: deque[tuple[bytearray, int]] = deque()
        self._in = bytearray()
        self._descriptors: deque[int] = deque()

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket, and the descriptors that were not taken or not sent."""
        self._socket.close()
        for fd in [*self._descriptors, *(fd for _, fd in self._out if fd >= 0)]:
            os.close(fd)
        self._descriptors.clear()
        self._out.clear()

    @property
    def unsent(self) -> bool:
        return bool(self._out)

    def send(self, message: protocol.Message, descriptor: int = -1) -> None:
        """Queue one message and send what the socket takes now.

        Args:
            message: what to send.
            descriptor: sent along and closed here afterwards; none by default.
        """
        body = protocol.encode(message)
        self._out.append((bytearray(protocol.HEADER.pack(len(body)) + body), descriptor))
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes now."""
        while self._out:
            frame, descriptor = self._out[0]
            # A descriptor arrives with the first byte of its message, so never after it.
            along = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))] if descriptor >= 0 else []
            try:
                sent = self._socket.sendmsg([memoryview(frame)[: 1 << 20]], along)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ETOOMANYREFS:
                    raise
                # The kernel counts a user's descriptors in flight: sent, but not received. A program of the same
                # user may have used up the limit; that ends with the program.
                time.sleep(_REFUSED_S)
                return
            if descriptor >= 0:
                os.close(descriptor)
            if sent == len(frame):
                self._out.popleft()
            else:
                self._out[0] = (frame[sent:], -1)

    def receive(self) -> list[protocol.Message]:
        """All complete messages that have arrived.

        Raises:
            EOFError: the other side has closed.
            ProtocolError: a message is too large, or `decode` refuses it.
        """
        closed = False
        room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
        while True:
            try:
                data, along, _, _ = self._socket.recvmsg(1 << 20, room, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                break
            except ConnectionResetError:
                data, along = b"", []
            for level, kind, content in along:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    descriptors = array.array("i")
                    descriptors.frombytes(content[: len(content) // descriptors.itemsize * descriptors.itemsize])
                    self._descriptors.extend(descriptors)
            if not data:
                closed = True
                break
            self._in += data
        messages = []
        while len(self._in) >= protocol.HEADER.size:
            (size,) = protocol.HEADER.unpack_from(self._in)
            if size > protocol.MAX_MESSAGE_BYTES:
                raise protocol.ProtocolError(f"a message of {size} bytes")
            end = protocol.HEADER.size + size
            if len(self._in) < end:
                break
            messages.append(protocol.decode(bytes(self._in[protocol.HEADER.size : end])))
            del self._in[:end]
        if closed and not messages:
            raise EOFError
        return messages

    def take_descriptor(self) -> int:
        """The descriptor of the next message that brings one. Raises ProtocolError."""
        if not self._descriptors:
            raise protocol.ProtocolError("a message without its descriptor")
        return self._descriptors.popleft()


def read_exactly(fd: int, size: int) -> bytearray:
    """Exactly `size` bytes from the descriptor of a blocking socket. Raises EOFError: the other side closed before."""
    data = bytearray()
    while len(data) < size:
        part = os.read(fd, min(size - len(data), 1 << 20))
        if not part:
            raise EOFError("the other side has closed")
        data += part
    return data


def read_message(fd: int) -> protocol.Message:
    """Wait for the next message of a stream. Raises EOFError, ProtocolError."""
    (size,) = protocol.HEADER.unpack(read_exactly(fd, protocol.HEADER.size))
    if size > protocol.MAX_MESSAGE_BYTES:
        raise protocol.ProtocolError(f"a message of {size} bytes")
    return protocol.decode(bytes(read_exactly(fd, size)))
