"""Messages between the parent, the fork server and its samples.

Every message is one of the types below; both sides use the same encoder and decoder. Messages travel as
length-prefixed JSON: the receiver learns the size before it reads, refuses what is too large, and accepts only plain
values of the declared types. Nothing that arrives is unpickled.

::

    parent to server     ServerSettings  once, first
                         StartProgram    fork a process for a program; the sample's socket comes along
                         Stop            end it
    parent to sample     the token, then
                         Program
    sample to parent     Report, sealed with the token
    server to parent     Ready           once: the sandbox is set up, the libraries are imported; or
                         SetupFailed
                         Waiting         which of the running programs need no core, whenever that changes
                         Done            a program ended, in whatever way; or
                         Broken          a program could not be run; no program is to blame
"""

from __future__ import annotations

import json
import struct
import typing
from dataclasses import dataclass, fields, is_dataclass

HEADER = struct.Struct("!I")

# The largest message: one program, or one report, with room for JSON's escapes (six bytes a character).
MAX_MESSAGE_BYTES = 256 << 20

TOKEN_BYTES = 32

CROWDED = "crowded"
"""Why a program was killed when all of them together took the machine's memory. It must run again, alone."""


class ProtocolError(Exception):
    """The other side sent something that is no message."""


@dataclass(frozen=True)
class Limits:
    """Limits of one program; they hold for all its processes together unless stated otherwise.

    Defaults are those of the official evaluator (bigcodebench 0.2.5, ``eval/__init__.py`` and ``eval/utils.py``)
    where it has one.

    Attributes:
        timeout_s: wall-clock seconds for loading the program and running its tests.
        memory_mib: address space and data segment of each process, MiB (official: 30 GiB).
        tree_memory_mib: resident memory of all processes together, MiB; None for the smaller of `memory_mib` and
            one worker's share of the machine's memory.
        stack_mib: stack of each process, MiB (official: 10).
        scratch_mib: size of all files that the program writes, MiB.
        processes: processes and threads.
        open_files: open files of each process.
        output_bytes: characters of tracebacks that the report keeps.
    """

    timeout_s: float = 240.0
    memory_mib: int = 30 * 1024
    tree_memory_mib: int | None = None
    stack_mib: int = 10
    scratch_mib: int = 1024
    processes: int = 512
    open_files: int = 1024
    output_bytes: int = 1 << 20

    @property
    def tree_memory_bytes(self) -> int:
        """`tree_memory_mib` in bytes; the parent has replaced None by a number."""
        assert self.tree_memory_mib is not None
        return self.tree_memory_mib << 20


@dataclass(frozen=True)
class ServerSettings:
    """How a server runs programs.

    Attributes:
        sandbox: its kind, a name in `backends.BACKENDS`.
        network: "loopback" or "host".
        limits: of each program; `tree_memory_mib` is a number.
        preload: modules to import once, shared by all programs; the most frequent first.
        scratch: the server's own folder.
        visible: folders that programs may read besides the system's.
    """

    sandbox: str
    network: str
    limits: Limits
    preload: list[str]
    scratch: str
    visible: list[str]


@dataclass(frozen=True)
class StartProgram:
    """Start a sample. The program reaches it through the socket whose descriptor comes with this message.

    Attributes:
        id: the parent's number for it.
        one_core: its threads take turns on one core.
        background: it yields the cores to everything else on the machine.
        timeout_s: seconds that it may take.
    """

    id: int
    one_core: bool
    background: bool = False
    timeout_s: float = Limits.timeout_s


@dataclass(frozen=True)
class Stop:
    """End a program; `why` comes back as `Done.killed`."""

    id: int
    why: str


@dataclass(frozen=True)
class Program:
    """What is executed for one sample: a solution and the test suite that judges it.

    The executed module is ``solution + "\\n" + test`` (official ``untrusted_check``).

    Attributes:
        task_id: the task ("BigCodeBench/17"); it seeds the sample's random state.
        solution: Python source, calibrated if the user wants calibration.
        test: Python source that defines ``class TestCases(unittest.TestCase)``.
    """

    task_id: str
    solution: str
    test: str


@dataclass(frozen=True)
class Report:
    """What a sample says of its test run.

    Attributes:
        loaded: the program was loaded and has a test suite.
        undone: the solution had replaced parts of unittest or builtins; they were restored before the tests.
        tampered: parts of unittest were replaced while the tests ran, or could not be restored before them.
        ran, skipped, expected: names of the test methods that ended; that were skipped; that failed as expected.
        details: test method name to traceback, or {"ALL": message} when no single test is to blame.
    """

    loaded: bool
    undone: bool
    tampered: bool
    ran: list[str]
    skipped: list[str]
    expected: list[str]
    details: dict[str, str]


@dataclass(frozen=True)
class Ready:
    """The server can run programs.

    Attributes:
        preload_s: seconds that the imports took.
        degraded: features of this kind of sandbox that are missing on this machine; None where there are none.
    """

    preload_s: float
    degraded: str | None


@dataclass(frozen=True)
class SetupFailed:
    """The server cannot set up the sandbox that was asked for; it ends."""

    why: str


@dataclass(frozen=True)
class Waiting:
    """Ids of all running programs that sleep or wait for something, sent each time this changes."""

    ids: list[int]


@dataclass(frozen=True)
class Broken:
    """A program could not be run; no program is to blame."""

    id: int
    why: str


@dataclass(frozen=True)
class Done:
    """A program has ended and nothing of it is left. Its report, if any, waits in its socket.

    Attributes:
        exit: exit status of its process, negative for a signal.
        killed: why the server killed it: "timeout", "memory", "processes", `CROWDED`, the reason of a `Stop`, or "".
        seconds: wall-clock seconds from its start to its end.
        starved_s: seconds for which it was ready to run and something else had its core, as far as the server saw.
    """

    id: int
    exit: int
    killed: str
    seconds: float
    starved_s: float = 0.0


Message = typing.Union[ServerSettings, StartProgram, Stop, Program, Report, Ready, SetupFailed, Waiting, Broken, Done]  # noqa: UP007 (typing.get_args)

_TYPES: dict[str, type[Message]] = {kind.__name__: kind for kind in typing.get_args(Message)}
_HINTS = {kind: typing.get_type_hints(kind) for kind in (*_TYPES.values(), Limits)}


def encode(message: Message) -> bytes:
    """A message as it travels, without its length."""
    return json.dumps({"message": type(message).__name__, **_plain_fields(message)}).encode("ascii")


def decode(body: bytes) -> Message:
    """The message. Raises ProtocolError: no JSON, no known type, or a field is missing or of another type."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a message that is not JSON") from error
    name = content.pop("message", None) if isinstance(content, dict) else None
    if not isinstance(name, str) or name not in _TYPES:
        raise ProtocolError("a message of no known type")
    return typing.cast(Message, _instance(_TYPES[name], content))


def _plain_fields(instance: object) -> dict[str, object]:
    assert is_dataclass(instance)
    return {field.name: _plain(getattr(instance, field.name)) for field in fields(instance)}


def _plain(value: object) -> object:
    return _plain_fields(value) if is_dataclass(value) else value


def _instance(kind: type, content: object) -> object:
    hints = _HINTS[kind]
    if not isinstance(content, dict) or content.keys() != hints.keys():
        raise ProtocolError(f"{kind.__name__} with other fields than {', '.join(hints)}")
    return kind(**{name: _typed(hint, content[name], f"{kind.__name__}.{name}") for name, hint in hints.items()})


def _typed(hint: typing.Any, value: object, where: str) -> object:
    """The value as its declared type. Raises ProtocolError."""
    allowed = typing.get_args(hint)
    if type(None) in allowed:
        (some,) = (option for option in allowed if option is not type(None))
        return None if value is None else _typed(some, value, where)
    if typing.get_origin(hint) is list and isinstance(value, list):
        return [_typed(allowed[0], item, where) for item in value]
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        return {key: _typed(allowed[1], item, where) for key, item in value.items()}
    if hint in _HINTS:
        return _instance(hint, value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ProtocolError(f"{where} is {type(value).__name__}, not {getattr(hint, '__name__', hint)}")
    return value


def seal(token: bytes, body: bytes) -> bytes:
    """A report as it travels: the sample's secret token, the size, the JSON text."""
    return token + HEADER.pack(len(body)) + body


def is_whole(token: bytes, raw: bytes | bytearray) -> bool:
    """Whether a whole report has arrived."""
    prefix = TOKEN_BYTES + HEADER.size
    return len(raw) >= prefix and raw.startswith(token) and len(raw) >= prefix + HEADER.unpack_from(raw, TOKEN_BYTES)[0]


def unseal(token: bytes, raw: bytes) -> tuple[Report | None, str]:
    """The only report in `raw`, or None and what is wrong: "missing" or "forged".

    Whatever the program wrote to the report's descriptor is in `raw` too; it lacks the token, or it
    makes a second report. Either way no report can be trusted.
    """
    if not raw:
        return None, "missing"
    prefix = TOKEN_BYTES + HEADER.size
    if raw[:TOKEN_BYTES] != token:
        return None, "forged"
    if not is_whole(token, raw):
        return None, "missing"
    body = raw[prefix:]
    try:
        report = decode(body)
    except ProtocolError:
        return None, "forged"
    is_only = len(body) == HEADER.unpack_from(raw, TOKEN_BYTES)[0]
    return (report, "") if is_only and isinstance(report, Report) else (None, "forged")
