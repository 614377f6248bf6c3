"""Whether objects are still what they were, found out without writing to them.

Whoever merely asks a function for its code writes into both, because references are counted there. In a forked process
each such write copies a page, and with the hundreds of parts of unittest that was a tenth of what a small program
costs. What is here only reads, and says "changed" too often rather than too rarely: whoever asks then looks closely.
"""

from __future__ import annotations

import array
import builtins
import ctypes
import gc
import struct
import sys
from collections.abc import Mapping
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


class Unchanged:
    """Things as they lie in memory, but for their reference counts. Somebody else keeps them alive."""

    def __init__(self) -> None:
        self._things = array.array("Q")
        self._begins = array.array("Q")
        self._ends = array.array("Q")
        self._kept = b""

    def remember(self, number: int, thing: object) -> None:
        """Take in an object as it is now: a function, a cell. `number`: what `changed` shall call it."""
        self._take(number, id(thing) + _COUNT_BYTES, type(thing).__basicsize__ - _COUNT_BYTES)

    def remember_entries(self, number: int, table: Mapping[str, object]) -> None:
        """Take in a dictionary with its entries, or the one of which a class's `vars` are a view."""
        itself = table if isinstance(table, dict) else gc.get_referents(table)[0]
        begin = len(self._kept)
        self._take(number, id(itself) + _COUNT_BYTES, _DICTIONARY.size - _COUNT_BYTES)
        if _KNOWN:
            where = _DICTIONARY.unpack(bytes(_COUNT_BYTES) + self._kept[begin:])[_TABLE]
            self._take(number, where, itself.__sizeof__() - _DICTIONARY.size)
        else:
            self._kept = self._kept[:begin] + bytes(len(self._kept) - begin)  # which is never so: look closely

    def _take(self, number: int, begin: int, size: int) -> None:
        self._things.append(number)
        self._begins.append(begin)
        self._ends.append(begin + size)
        self._kept += _MEMORY[begin : begin + size]

    def changed(self) -> list[int]:
        """The numbers of those that may be other than they were, if only in what the interpreter keeps there."""
        memory, kept, found, offset = _MEMORY, self._kept, [-1], 0
        for number, begin, end in zip(self._things, self._begins, self._ends, strict=True):
            size = end - begin
            # A dictionary whose head has changed may have another table: the old one is not looked at.
            if number != found[-1] and memory[begin:end] != kept[offset : offset + size]:
                found.append(number)
            offset += size
        return found[1:]
