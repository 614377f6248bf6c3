"""Where Python's tokenizer ends a logical line: brackets, strings, f-strings, comments, backslashes.

Text that the tokenizer refuses may be accepted here, since Python's parser sees it afterwards; for text that it
accepts the ends have to be the same. ``tokenize`` does not serve: it differs from the parser's tokenizer, stops at
the first error and reads on to the end of the text whenever a bracket stays open.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

_NESTED_FSTRINGS = sys.version_info >= (3, 12)  # PEP 701: any token may stand in a replacement field
_FSTRING_LETTERS = "ft" if sys.version_info >= (3, 14) else "f"
_FSTRING_PREFIX = re.compile(rf"(?<!\w)(?:[{_FSTRING_LETTERS}]r?|r[{_FSTRING_LETTERS}])\Z", re.I)
_CLOSER = {"(": ")", "[": "]", "{": "}"}
# What matters outside strings. `, $ and ? are in no token at all.
_MARK = re.compile(r"[\"'#()\[\]{}\\`$?\n]")
_MARK_IN_BRACKET = re.compile(r"[\"'#()\[\]{}\\`$?]")
_MARK_IN_FIELD = re.compile(r"[\"'#()\[\]{}\\`$?:\n]")
_STRING_MARK = {
    "'": re.compile(r"'|\n|\\.", re.S),
    '"': re.compile(r'"|\n|\\.', re.S),
    "'''": re.compile(r"'''|\\.", re.S),
    '"""': re.compile(r'"""|\\.', re.S),
}
_FSTRING_MARK = {quote: re.compile(rf"{quote}|[\\{{}}\n]") for quote in _STRING_MARK}
_INDENT = re.compile(r"[ \t\f]*")


@dataclass
class _Bracket:
    at: int
    closer: str


@dataclass
class _FString:
    """An f-string of Python 3.12 or later."""

    at: int
    quote: str
    raw: bool


@dataclass
class _Field:
    """A replacement field. Before its format specification tokens rule, in it the f-string's text does."""

    in_specification: bool = False


_Open = _Bracket | _FString | _Field


class LogicalLines:
    """Finds the ends of the logical lines of one text.

    What is learned about a bracket, an f-string or a continued line holds for every logical line that contains
    it, wherever that starts. So each is read once, and all starts together take time linear in the text.

    Args:
        source: rows that each end with "\\n", without "\\r".
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._indents: dict[int, tuple[str, int, int]] = {}  # start of a row -> what `indent` says of it
        self._closed_at: dict[int, int | None] = {}  # opening bracket or quote -> offset behind what it opened
        self._continued_to: dict[int, int | None] = {}  # offset behind a backslash outside brackets -> end

    def indent(self, start: int) -> tuple[str, int, int]:
        """Indent, its column, and the offset of what it indents, for the logical line that starts at an offset.

        White space before a backslash is the indent of the row below it; where there is none, that row has its own.
        """
        rows: list[tuple[int, str, int, int]] = []  # start, white space, its column, its end
        row = start
        while row not in self._indents:
            match = _INDENT.match(self._source, row)
            assert match is not None
            column = 0
            for character in match[0]:
                column = {" ": column + 1, "\t": (column // 8 + 1) * 8, "\f": 0}[character]
            rows.append((row, match[0], column, match.end()))
            if not self._is_continued(match.end()):
                break
            row = match.end() + 2
        for row, space, column, end in reversed(rows):
            if not self._is_continued(end):
                self._indents[row] = space, column, end
            else:
                below = self._indents[end + 2]
                self._indents[row] = (" " * column, column, below[2]) if column else below
        return self._indents[start]

    def end(self, position: int) -> int | None:
        """Offset of the line end or comment after the last token of the logical line whose first token is here.

        None if a bracket, a string or a backslash leaves it open, or if it holds what is no token.
        """
        opened: list[_Open] = []
        continued: list[int] = []
        end = self._read(position, opened, continued)
        for thing in opened:
            if not isinstance(thing, _Field):
                self._closed_at[thing.at] = None
        self._continued_to.update(dict.fromkeys(continued, end))
        return end

    def _is_continued(self, position: int) -> bool:
        # A backslash in the last row continues nothing.
        return self._source.startswith("\\\n", position) and position + 2 < len(self._source)

    def _read(self, position: int, opened: list[_Open], continued: list[int]) -> int | None:
        source = self._source
        while True:
            top = opened[-1] if opened else None
            if isinstance(top, _FString) or (isinstance(top, _Field) and top.in_specification):
                after = self._read_fstring(position, opened)
                if after is None:
                    return None
                position = after
                continue
            pattern = _MARK if top is None else _MARK_IN_BRACKET if isinstance(top, _Bracket) else _MARK_IN_FIELD
            match = pattern.search(source, position)
            if match is None:
                return None
            mark, at, position = match[0], match.start(), match.end()
            if mark in "\n#":
                if top is None:
                    return at
                if mark == "#":
                    position = source.index("\n", at)
            elif mark in _CLOSER or mark in "'\"":
                after = self._closed_at[at] if at in self._closed_at else self._open(mark, at, opened)
                if after is None:
                    return None
                position = after
            elif mark in ")]}":
                if isinstance(top, _Bracket) and top.closer == mark:
                    self._closed_at[top.at] = position
                elif not (isinstance(top, _Field) and mark == "}"):
                    return None
                opened.pop()
            elif mark == ":":
                assert isinstance(top, _Field)
                top.in_specification = True
            elif mark == "\\":
                if not self._is_continued(at):
                    return None
                position += 1
                if top is None:
                    if position in self._continued_to:
                        return self._continued_to[position]
                    continued.append(position)
            else:
                return None

    def _open(self, mark: str, at: int, opened: list[_Open]) -> int | None:
        """Enter a bracket or an f-string, or pass a string; the offset to go on from, None if it is not closed."""
        source = self._source
        if mark in _CLOSER:
            opened.append(_Bracket(at, _CLOSER[mark]))
            return at + 1
        quote = mark * 3 if source.startswith(mark * 3, at) else mark
        prefix = _FSTRING_PREFIX.search(source[max(0, at - 3) : at])
        if prefix and _NESTED_FSTRINGS:
            opened.append(_FString(at, quote, "r" in prefix[0].lower()))
            return at + len(quote)
        for match in _STRING_MARK[quote].finditer(source, at + len(quote)):
            if match[0] == quote:
                self._closed_at[at] = match.end()
                return match.end()
            if match[0] == "\n":
                break
        self._closed_at[at] = None
        return None

    def _read_fstring(self, position: int, opened: list[_Open]) -> int | None:
        """Pass the text of an f-string up to and with its next mark: quote, brace, backslash, line end."""
        source, top = self._source, opened[-1]
        fstring = next(thing for thing in reversed(opened) if isinstance(thing, _FString))
        match = _FSTRING_MARK[fstring.quote].search(source, position)
        if match is None:
            return None
        mark, position = match[0], match.end()
        if mark == "\n":
            if len(fstring.quote) == 1:
                if not isinstance(top, _Field):
                    return None
                top.in_specification = False  # the line end ends it; only the brace may follow
        elif mark == "{":
            if isinstance(top, _FString) and source.startswith("{", position):
                return position + 1
            opened.append(_Field())
        elif mark == "}":
            if isinstance(top, _Field):
                opened.pop()
            elif source.startswith("}", position):
                return position + 1
            else:
                return None
        elif mark == "\\":
            if source.startswith(("{", "}"), position):
                return position
            if not fstring.raw and source.startswith("N{", position):
                return source.find("}", position) + 1 or None
            return position + 1
        else:
            if isinstance(top, _Field):
                return None
            self._closed_at[fstring.at] = position
            opened.pop()
        return position
