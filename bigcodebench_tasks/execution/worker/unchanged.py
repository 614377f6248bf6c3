"""Whether objects are still what they were, found out without writing to them.

Whoever merely asks a function for its code writes into both, because references are counted there. In a forked process
each such write copies a page, and with the hundreds of parts of unittest that was a tenth of what a small program
costs. What is here only reads, and says "changed" too often rather than too rarely: whoever asks then looks closely.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import struct
import sys
import types
from collections.abc import Collection, Sequence
from typing import Any

# See `guard`: the real builtins belong to the program.
globals()["__builtins__"] = dict(vars(builtins))

_COUNT_BYTES = ctypes.sizeof(ctypes.c_ssize_t)

# A dictionary of CPython begins with: references, type, number of entries, version or watchers, its table, its values.
_DICTIONARY = struct.Struct("=QQQQQQ")
_TABLE = 4

# Pythons whose dictionaries are known to be like that.
_KNOWN = (3, 10) <= sys.version_info[:2] <= (3, 13) and {}.__sizeof__() >= _DICTIONARY.size

# This process's memory, to be cut where something is known to lie.
_MEMORY: Any = (ctypes.c_char * (1 << 56)).from_address(0)


# So many pieces are read at once: in a forked process each of more would be written to a page of its own.
_TOGETHER = 16


class _Pieces:
    """Pieces of memory, and what was in them."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, int, bytes]] = []
        self._groups: list[tuple[struct.Struct, int, tuple[bytes, ...]]] = []

    def take(self, number: int, begin: int, size: int) -> bytes:
        """Take in what lies there now."""
        content: bytes = _MEMORY[begin : begin + size]
        self._pieces.append((begin, number, content))
        return content

    def done(self) -> None:
        """All have been taken."""
        self._pieces.sort()
        self._groups = [_group(self._pieces[n : n + _TOGETHER]) for n in range(0, len(self._pieces), _TOGETHER)]

    def equal(self) -> bool:
        """Whether nothing has changed: a third of the work of looking at one after the other."""
        return all(pattern.unpack_from(_MEMORY, begin) == contents for pattern, begin, contents in self._groups)

    def changed(self, besides: Collection[int] = ()) -> set[int]:
        """The numbers of pieces that changed; those of `besides` are not looked at."""
        return {
            number
            for begin, number, content in self._pieces
            if number not in besides and _MEMORY[begin : begin + len(content)] != content
        }


def _group(pieces: Sequence[tuple[int, int, bytes]]) -> tuple[struct.Struct, int, tuple[bytes, ...]]:
    """A pattern that reads the pieces, which are in order, in one go, past the gaps between them; where; and what."""
    first = position = pieces[0][0]
    words = ["="]
    for begin, _, content in pieces:
        end = begin + len(content)
        if end > position:  # else it is part of the one before
            begin = max(begin, position)
            words.append(f"{begin - position}x{end - begin}s")
            position = end
    pattern = struct.Struct("".join(words))
    return pattern, first, pattern.unpack_from(_MEMORY, first)


class Unchanged:
    """Things as they lay in memory, but for their reference counts, when `take` was called last.

    Args:
        things: objects, such as functions and cells, and dictionaries, or a class's `vars`, which count with their
            entries. Each with its number, by which `changed` calls it; the list may grow until `take`.
    """

    def __init__(self, things: Sequence[tuple[int, object]]) -> None:
        self._things = things
        self._fixed, self._tables = _Pieces(), _Pieces()

    def take(self) -> None:
        """Take the things as they are now."""
        # A dictionary whose head has changed may have another table, and the old one may be no memory any more: so
        # tables are looked at after all that stays where it is.
        self._fixed, self._tables = _Pieces(), _Pieces()
        for number, thing in self._things:
            if not isinstance(thing, (dict, types.MappingProxyType)):
                self._fixed.take(number, id(thing) + _COUNT_BYTES, type(thing).__basicsize__ - _COUNT_BYTES)
                continue
            itself = thing if isinstance(thing, dict) else gc.get_referents(thing)[0]
            head = self._fixed.take(number, id(itself) + _COUNT_BYTES, _DICTIONARY.size - _COUNT_BYTES)
            if _KNOWN:
                where = _DICTIONARY.unpack(bytes(_COUNT_BYTES) + head)[_TABLE]
                self._tables.take(number, where, itself.__sizeof__() - _DICTIONARY.size)
        self._fixed.done()
        self._tables.done()

    def changed(self) -> list[int]:
        """The numbers of those that may be other than they were, if only in what the interpreter keeps there."""
        if not _KNOWN:
            return sorted({number for number, _ in self._things})
        if self._fixed.equal() and self._tables.equal():
            return []
        fixed = self._fixed.changed()
        return sorted(fixed | self._tables.changed(besides=fixed))
