"""Messages arrive as they were sent, and what is none is refused."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from bigcodebench_tasks.execution.worker import protocol
from bigcodebench_tasks.execution.worker.protocol import (
    TOKEN_BYTES,
    Broken,
    Done,
    Limits,
    Message,
    Program,
    ProtocolError,
    Ready,
    Report,
    ServerSettings,
    SetupFailed,
    StartProgram,
    Stop,
    Waiting,
    decode,
    encode,
    seal,
    unseal,
)

MESSAGES: list[Message] = [
    ServerSettings("landlock", "host", Limits(tree_memory_mib=7), ["numpy"], "/scratch", []),
    StartProgram(1, one_core=True),
    Stop(1, "output limit"),
    Program("test/0", "x = '\ud800\u2028\x00'", "é"),
    Report(True, False, False, ["test_a"], [], [], {"test_b": "\ud800"}),
    Ready(0.5, None),
    SetupFailed("why"),
    Waiting([1, 2]),
    Broken(1, "why"),
    Done(1, -9, "memory", 1.0),
    Done(2, 0, "", 0.0),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_arrives_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message)) == message


def test_the_messages_above_are_of_every_type() -> None:
    assert {type(message) for message in MESSAGES} == set(protocol._TYPES.values())


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
        json.dumps({"message": "Ready", "preload_s": "1", "degraded": None}).encode(),
        json.dumps({"message": "Done", **asdict(MESSAGES[-1]), "seconds": "long"}).encode(),
        json.dumps({"message": "ServerSettings", **asdict(MESSAGES[0]), "limits": {}}).encode(),
        json.dumps({"message": "Program", "task_id": "", "solution": "", "test": None}).encode(),
        json.dumps({"message": "Report", **asdict(MESSAGES[4]), "ran": [1]}).encode(),
        json.dumps({"message": "Report", **asdict(MESSAGES[4]), "undone": 0}).encode(),
        json.dumps({"message": "Report", **asdict(MESSAGES[4]), "details": {"test_a": 1}}).encode(),
        json.dumps({"message": "Report", **asdict(MESSAGES[4]), "extra": 1}).encode(),
        encode(MESSAGES[3])[:-1],
        encode(MESSAGES[3]) + b"x",
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(body)


TOKEN = b"t" * TOKEN_BYTES
SEALED = seal(TOKEN, encode(MESSAGES[4]))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "missing"),
        (TOKEN, "missing"),
        (SEALED[:-1], "missing"),
        (b"x" + SEALED, "forged"),
        (SEALED + b"x", "forged"),
        (SEALED + SEALED, "forged"),
        (seal(TOKEN, b"[]"), "forged"),
        (seal(TOKEN, b"[" * 100_000), "forged"),
        (seal(TOKEN, encode(MESSAGES[5])), "forged"),
    ],
)
def test_only_one_whole_report_with_the_token_is_taken(raw: bytes, problem: str) -> None:
    assert unseal(TOKEN, SEALED) == (MESSAGES[4], "")
    assert unseal(TOKEN, raw) == (None, problem)
