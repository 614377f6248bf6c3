"""Find the code in a response: the longest slice of lines that Python accepts.

The official evaluator (``bigcodebench.sanitize.code_extract``, 0.2.5) hands every slice of at least two lines
to `ast.parse` and keeps the valid one with the most non-blank lines, the first on ties. This module finds the
same slice without trying them all. Why the answer is the same:

1. *Units.* From a given start, Python's tokenizer cuts the text into logical lines. Where one ends depends on
   where it starts and on nothing before, so it is computed once per start line. A slice that ends inside a
   logical line has an open bracket, string or backslash: invalid. Blank and comment lines are neutral.
2. *Blocks.* When a logical line starts at column 0, does not continue a compound statement (elif, else,
   except, finally) and does not follow a decorator, a new top-level statement starts there. So
   ``valid(i..j)`` equals ``valid(i..k-1) and valid(k..j)`` for such a line k, and what can follow k is again
   computed once, not once for every i.
3. *Inside a block* a prefix of logical lines can still become valid exactly when closing it in the shortest
   way is valid (a body for a header, a ``finally`` for an open ``try``, a function below a decorator). Once a
   prefix cannot, no longer one can, so the last good one is found by bisection that starts at the line of
   the reported error. Among the good prefixes those are valid that had nothing to close.

Python itself stays the judge of every statement (`ast.parse`, the running version's grammar and limits). What
is ours is where logical lines end: brackets, strings, f-strings, comments, backslashes. A mistake there could
only concern text that the tokenizer accepts; the tests compare with the definition above on random text.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from bigcodebench_tasks.benchmark.logical_lines import LogicalLines

_WORD = re.compile(r"@|[^\W\d]\w*")
_CLAUSES = frozenset({"elif", "else", "except", "finally"})
_DECORATED = frozenset({"@", "def", "class"})
_UNPARSABLE = re.compile("[\0\ud800-\udfff]")


def is_valid_syntax(code: str) -> bool:
    """Whether this Python parses the code.

    The official check counts `SyntaxError` and `MemoryError` as invalid and crashes on the rest: `ValueError`
    (NUL on Python 3.10, lone surrogates) and `RecursionError`. Here these are invalid, too.
    """
    with warnings.catch_warnings():  # as errors (``PYTHONWARNINGS=error``), those on odd escapes would be syntax errors
        warnings.simplefilter("ignore")
        return _syntax_error(code) is None


def _syntax_error(code: str) -> Exception | None:
    try:
        ast.parse(code)
    except (SyntaxError, MemoryError, ValueError, RecursionError) as error:
        return error
    return None


def code_extract(text: str) -> str:
    """The syntactically valid slice of at least two lines with the most non-blank lines, the first on ties.

    Lines end at "\\n" only. Without a valid slice that has a non-blank line: the first line of the text.
    Step 1 of the official sanitizer; what is valid depends on the Python that runs this.
    """
    lines = text.split("\n")
    non_blank = [0, *accumulate(1 if line.strip() else 0 for line in lines)]
    best, best_start = 0, None
    with warnings.catch_warnings():  # as errors, warnings on odd escapes would turn into syntax errors
        warnings.simplefilter("ignore")
        program = _Program(lines)
        for start in range(len(lines)):
            if non_blank[-1] - non_blank[start] <= best:
                break  # not even the whole rest would win
            end = program.last_valid_end(start)
            if end > start and non_blank[end + 1] - non_blank[start] > best:
                best, best_start = non_blank[end + 1] - non_blank[start], start
        if best_start is None:
            return lines[0]
        end = min(
            end
            for end in program.valid_ends(best_start)
            if end > best_start and non_blank[end + 1] - non_blank[best_start] == best
        )
    return "\n".join(lines[best_start : end + 1])


class _Unit(NamedTuple):
    """A logical line, or a neutral one, with its physical lines."""

    end: int  # last row
    neutral: bool  # blank or a comment
    indent: str
    column: int
    word: str  # first name or "@", else ""
    opens: bool  # ends with a colon
    at_edge: bool  # ends with a backslash and an empty row


class _Block(NamedTuple):
    """A top-level statement with the neutral lines after it, or a neutral line."""

    ends: list[int]  # lines of the text at which a slice that starts with this block can end within it
    next_row: int | None  # where the next block starts; None if nothing valid reaches beyond this one


class _Program:
    """The text as the tokenizer sees it.

    A *line* is what the text has between two "\\n"; a *row* is what the tokenizer counts, to which a lone
    "\\r" is a line end as well. Slices begin and end with lines, logical lines begin and end with rows.
    """

    def __init__(self, lines: list[str]) -> None:
        rows: list[str] = []
        self._lines = lines
        self._row_of_line: list[int] = []
        self._line_ending_at: dict[int, int] = {}  # row -> line, for rows that end one
        for number, line in enumerate(lines):
            self._row_of_line.append(len(rows))
            rows += line.removesuffix("\r").split("\r")
            self._line_ending_at[len(rows) - 1] = number
        self._source = "\n".join(rows) + "\n"
        self._logical = LogicalLines(self._source)
        self._offsets = [0, *accumulate(len(row) + 1 for row in rows)]
        self._count = len(rows)
        self._unparsable = [row for row, content in enumerate(rows) if _UNPARSABLE.search(content)]
        self._units: dict[int, _Unit | None] = {}
        self._blocks: dict[int, _Block] = {}
        self._last_end: dict[int, int] = {}

    def last_valid_end(self, line: int) -> int:
        """The last line at which a valid slice that starts at this line can end, or -1."""
        chain = []
        row: int | None = self._row_of_line[line]
        while row is not None and row not in self._last_end:
            chain.append(row)
            row = self._block(row).next_row
        end = -1 if row is None else self._last_end[row]
        for row in reversed(chain):
            ends = self._block(row).ends
            end = max(end, ends[-1] if ends else -1)
            self._last_end[row] = end
        return end

    def valid_ends(self, line: int) -> Iterator[int]:
        """All lines at which a valid slice that starts at this line can end."""
        row: int | None = self._row_of_line[line]
        while row is not None:
            block = self._block(row)
            yield from block.ends
            row = block.next_row

    def _block(self, row: int) -> _Block:
        if row not in self._blocks:
            self._blocks[row] = self._read_block(row)
        return self._blocks[row]

    def _read_block(self, start: int) -> _Block:
        _, column, position = self._logical.indent(self._offsets[start])
        neutral = self._source[position] in "#\n"
        if not neutral and (column > 0 or _word_at(self._source, position) in _CLAUSES):
            return _Block([], None)  # no statement starts like this; do not read on for its end
        unit = self._unit(start)
        if unit is None:
            return _Block([], None)
        if unit.neutral:
            return _Block(self._lines_ending([unit]), self._row_after(unit))
        rows: list[int] = []  # of logical lines
        units: list[_Unit] = []
        ends: list[list[_Unit]] = []  # per logical line: itself and the neutral lines below
        row: int | None = start
        while row is not None and (unit := self._unit(row)) is not None:
            if unit.neutral:
                ends[-1].append(unit)
            elif units and unit.column == 0 and _starts_statement(unit, units[-1]):
                break
            else:
                rows.append(row)
                units.append(unit)
                ends.append([unit])
            row = self._row_after(unit)
        closings = _closings(units)
        good = self._extendable(rows, units, closings)
        valid = [index for index in range(good) if not closings[index]]
        whole = good == len(units) and (not closings[-1] or (units[-1].word == "@" and len(units) == 1))
        return _Block(
            self._lines_ending([unit for index in valid for unit in ends[index]]),
            row if whole else None,
        )

    def _lines_ending(self, units: list[_Unit]) -> list[int]:
        return [
            self._line_ending_at[unit.end]
            for unit in units
            if unit.end in self._line_ending_at
            and not (unit.at_edge and self._ends_too_early(self._line_ending_at[unit.end]))
        ]

    def _ends_too_early(self, line: int) -> bool:
        """Whether a slice that ends at this line, with a backslash and an empty row, lacks a line end.

        That depends on carriage returns and, with them, on the version of Python, so Python is asked.
        """
        tail = "\n".join(self._lines[max(0, line - 1) : line + 1])
        return not is_valid_syntax(tail[tail.rindex("\\") :])

    def _row_after(self, unit: _Unit) -> int | None:
        return unit.end + 1 if unit.end + 1 < self._count else None

    def _extendable(self, rows: list[int], units: list[_Unit], closings: list[list[str]]) -> int:
        """How many of the logical lines can be the beginning of something valid."""

        def error(index: int) -> Exception | None:
            code = self._source[self._offsets[rows[0]] : self._offsets[units[index].end + 1]]
            return _syntax_error("\n".join([code, *closings[index]]))

        low, high = 0, len(rows)  # the first `low` are good, the first `high` + 1 are not
        probe = high - 1
        while low < high:
            problem = error(probe)
            if problem is None:
                low = probe + 1
            else:
                high = probe
            probe = (low + high) // 2
            if isinstance(problem, SyntaxError) and problem.lineno is not None:
                # Usually the first bad line is the one that is reported.
                suspect = bisect_left(rows, rows[0] + problem.lineno) - 1
                if low < suspect <= high:
                    probe = suspect - 1
                elif suspect == low < high:
                    probe = low
        return low

    def _unit(self, row: int) -> _Unit | None:
        """The logical line that starts at the row; None if it is not completed or holds no tokens."""
        if row not in self._units:
            unit = self._read_unit(row)
            if unit is not None and self._unparsable:
                index = bisect_left(self._unparsable, row)
                if index < len(self._unparsable) and self._unparsable[index] <= unit.end:
                    unit = None
            self._units[row] = unit
        return self._units[row]

    def _read_unit(self, row: int) -> _Unit | None:
        source, start = self._source, self._offsets[row]
        indent, column, position = self._logical.indent(start)
        neutral = source[position] in "#\n"
        stop = position if neutral else self._logical.end(position)
        if stop is None:
            return None
        end = source.index("\n", stop)
        last = bisect_right(self._offsets, end) - 1
        at_edge = last > row and self._offsets[last] == end
        if neutral:
            return _Unit(last, True, "", 0, "", False, at_edge)
        opens = source[position:stop].rstrip(" \t\f\\\n").endswith(":")
        return _Unit(last, False, indent, column, _word_at(source, position), opens, at_edge)


def _word_at(source: str, position: int) -> str:
    word = _WORD.match(source, position)
    return word[0] if word else ""


def _starts_statement(unit: _Unit, above: _Unit) -> bool:
    """Whether what starts here, at column 0, is valid or not regardless of the lines above.

    True also between a decorator and what it decorates, if that is sure to be something to decorate.
    """
    if above.word == "@":
        return unit.word in _DECORATED
    return unit.word not in _CLAUSES


def _closings(units: list[_Unit]) -> list[list[str]]:
    """Per logical line the shortest lines to put below so that nothing before is left open."""
    closings = []
    levels: list[tuple[int, str, bool]] = []  # column, indent, whether a `try` has no except or finally yet
    for unit in units:
        while levels and levels[-1][0] >= unit.column:
            levels.pop()
        levels.append((unit.column, unit.indent, unit.word == "try"))
        closing = []
        if unit.opens:
            closing.append(unit.indent + (" case _: pass" if unit.word == "match" else " pass"))
        elif unit.word == "@":
            closing.append(unit.indent + "def _(): pass")
        closing += [indent + "finally: pass" for _, indent, trying in reversed(levels) if trying]
        closings.append(closing)
    return closings
