"""Messages and descriptors arrive in the order in which they were sent, however the stream is cut."""

from __future__ import annotations

import array
import os
import socket

import pytest

from bigcodebench_tasks.execution.worker import protocol
from bigcodebench_tasks.execution.worker.channel import Channel
from bigcodebench_tasks.execution.worker.protocol import ProtocolError, StartProgram, encode
from tests.execution.test_protocol import MESSAGES


def test_a_channel_gives_whole_messages_however_they_are_cut() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    stream = b"".join(protocol.HEADER.pack(len(body)) + body for body in map(encode, MESSAGES))
    arrived: list[protocol.Message] = []
    for start in range(0, len(stream), 7):
        theirs.sendall(stream[start : start + 7])
        arrived += channel.receive()
    assert arrived == MESSAGES
    theirs.close()
    with pytest.raises(EOFError):
        channel.receive()
    channel.close()


def test_each_message_has_the_descriptor_that_was_sent_with_it() -> None:
    ours, theirs = map(Channel, socket.socketpair())
    for number in range(40):
        read_end, write_end = os.pipe()
        os.write(write_end, str(number).encode())
        os.close(write_end)
        ours.send(StartProgram(number, one_core=False), read_end)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(read_end)
    messages: list[protocol.Message] = []
    while len(messages) < 40:
        ours.flush()
        messages += theirs.receive()
    for message in messages:
        assert isinstance(message, StartProgram)
        descriptor = theirs.take_descriptor()
        assert not os.get_inheritable(descriptor)
        assert os.read(descriptor, 9) == str(message.id).encode()
        os.close(descriptor)
    with pytest.raises(ProtocolError, match="descriptor"):
        theirs.take_descriptor()
    ours.close()
    theirs.close()


def test_a_closed_channel_leaves_no_descriptor_open() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(3):
        body = encode(StartProgram(number, one_core=False))
        read_end, write_end = os.pipe()
        os.close(write_end)
        along = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [read_end]))]
        theirs.sendmsg([protocol.HEADER.pack(len(body)) + body], along)
        os.close(read_end)
    assert len(channel.receive()) == 3
    assert len(os.listdir("/proc/self/fd")) == before + 3
    channel.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1
    theirs.close()


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    theirs.sendall(protocol.HEADER.pack(protocol.MAX_MESSAGE_BYTES + 1))
    with pytest.raises(ProtocolError, match="bytes"):
        channel.receive()
    theirs.close()
    channel.close()
