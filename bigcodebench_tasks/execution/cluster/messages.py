"""What an engine and the process that speaks to Ray for it say to each other, over a pipe on one machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """A node of the cluster that can run programs.

    Attributes:
        id: Ray's, hex.
        name: for people: its host's name and address.
        workers: programs that may use a core there at the same time.
        shared: somebody else may compute there while the model generates: the harness runs there, or it has GPUs.
        missing: see `Conditions`.
    """

    id: str
    name: str
    workers: int
    shared: bool = False
    missing: tuple[str, ...] = ()


# -- to the process --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """The first message.

    Attributes:
        address: of the cluster: "auto", or host and port.
        wanted: what each node has to be, in plain types: a node may have another version of this package.
        settings: pickled `node.Settings`, read by nodes that are as they should be.
    """

    address: str
    wanted: dict[str, Any]
    settings: bytes = field(repr=False)


@dataclass(frozen=True)
class Run:
    """Programs for a node.

    Attributes:
        node: its id.
        programs: a pickled list, which only the node reads, of number and `Program`.
    """

    node: str
    programs: bytes = field(repr=False)


@dataclass(frozen=True)
class Background:
    """Nodes that are shared leave their cores to others, or take them back."""

    on: bool


# -- from the process ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A line for the user: a node builds its environment."""

    text: str


@dataclass(frozen=True)
class Joined:
    """A node is as it should be, and waits for programs."""

    node: Node


@dataclass(frozen=True)
class LeftOut:
    """A node is not used, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Looked:
    """Each node that was there at the start has joined or is left out."""


@dataclass(frozen=True)
class Verdicts:
    """What came of programs.

    Attributes:
        node: its id.
        running: programs that run there now.
        verdicts: a pickled list of number and `Verdict`.
    """

    node: str
    running: int
    verdicts: bytes = field(repr=False)


@dataclass(frozen=True)
class Lost:
    """A node is gone, or what we run on it: its programs have no verdict."""

    node: str
    why: str


@dataclass(frozen=True)
class Ended:
    """The last message: there is no cluster, or it is there no more.

    Attributes:
        why: in words.
        final: to connect again is no use.
    """

    why: str
    final: bool = False


Command = Start | Run | Background
Event = Said | Joined | LeftOut | Looked | Verdicts | Lost | Ended
