"""Messages arrive as they were sent, and what is none is refused."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict

import pytest

from bigcodebench_tasks.execution.inside import protocol
from bigcodebench_tasks.execution.inside.protocol import (
    Broken,
    Channel,
    Done,
    Limits,
    Message,
    ProtocolError,
    Ready,
    Run,
    Settings,
    Unavailable,
    Waiting,
    decode,
    encode,
)

MESSAGES: list[Message] = [
    Settings("landlock", "host", Limits(tree_memory_mib=7), ["numpy"], "/scratch", []),
    Run(1, "test/0", "x = '\ud800\u2028\x00'", "é", True),
    Ready(0.5, ""),
    Unavailable("why"),
    Waiting([1, 2]),
    Broken(1, "why"),
    Done(1, -9, "memory", b"\x00\xff", "", 1.0),
    Done(2, 0, "", None, "missing", 0.0),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_arrives_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message)) == message


def test_the_messages_above_are_of_every_type() -> None:
    assert {type(message) for message in MESSAGES} == set(protocol._TYPES.values())


def test_a_channel_gives_whole_messages_however_they_are_cut() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    stream = b"".join(protocol.HEADER.pack(len(body)) + body for body in map(encode, MESSAGES))
    arrived: list[Message] = []
    for start in range(0, len(stream), 7):
        theirs.sendall(stream[start : start + 7])
        arrived += channel.receive()
    assert arrived == MESSAGES
    theirs.close()
    with pytest.raises(EOFError):
        channel.receive()
    channel.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"message": "Exit"}',
        b'{"message": ["Done"]}',
        json.dumps({"message": "Waiting"}).encode(),
        json.dumps({"message": "Waiting", "ids": [1], "more": 2}).encode(),
        json.dumps({"message": "Waiting", "ids": ["1"]}).encode(),
        json.dumps({"message": "Waiting", "ids": [True]}).encode(),
        json.dumps({"message": "Broken", "id": "1", "why": ""}).encode(),
        json.dumps({"message": "Ready", "preload_s": "1", "lacking": ""}).encode(),
        json.dumps({"message": "Done", **asdict(MESSAGES[-1]), "report": "no base64!"}).encode(),
        json.dumps({"message": "Settings", **asdict(MESSAGES[0]), "limits": {}}).encode(),
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(body)


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    theirs.sendall(protocol.HEADER.pack(protocol.MAX_MESSAGE_BYTES + 1))
    with pytest.raises(ProtocolError, match="bytes"):
        channel.receive()
    theirs.close()
    channel.close()
