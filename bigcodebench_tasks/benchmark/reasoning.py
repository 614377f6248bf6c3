"""Thoughts of a model, told from its answer: where they end, and whether they ever did.

A reasoning model thinks before it answers, and what it thinks can hold code: drafts, and wrong ones. The official
sanitizer takes the longest code of the whole text, so thoughts have to be taken off before it. Models mark them in a
few ways (`MARKERS`); some chat templates open the thought in the prompt, so that the text holds the closing marker
alone.

A marker that an answer merely quotes, say in a program that takes thoughts off a text, ends no thought:

- one inside a string or a comment of its line, or between backticks;
- one in a triple-quoted string of an open code block;
- behind thoughts that have ended, one inside a code block.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True)
class Markers:
    """How a family of models marks its thoughts.

    Attributes:
        opens: pattern of what a thought begins with.
        closes: pattern of what ends it; the answer follows.
        prompt: what chat templates end a prompt with that opens the thought, without white space around it; "" where
            none is known to.
        wraps: pattern of markers around the answer, which are no part of it.
    """

    opens: str
    closes: str
    prompt: str = ""
    wraps: str = ""


MARKERS = (
    # DeepSeek-R1 and its distillations, Qwen3, GLM, MiniMax, Nemotron, Phi-4-reasoning and most others.
    Markers(r"<think>", r"</think>", "<think>"),
    # Magistral.
    Markers(r"\[THINK\]", r"\[/THINK\]", "[THINK]"),
    # Seed-OSS.
    Markers(r"<seed:think>", r"</seed:think>", "<seed:think>"),
    # Command A Reasoning.
    Markers(
        r"<\|START_THINKING\|>",
        r"<\|END_THINKING\|>",
        "<|START_THINKING|>",
        r"<\|START_RESPONSE\|>|<\|END_RESPONSE\|>|<\|START_TEXT\|>|<\|END_TEXT\|>",
    ),
    # gpt-oss: channels, in the harmony format; a channel may be followed by a constraint.
    Markers(
        r"<\|channel\|>(?:analysis|commentary)[^<]*<\|message\|>",
        r"<\|channel\|>final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>",
        "<|channel|>analysis<|message|>",
        r"<\|(?:return|end)\|>\s*\Z",
    ),
    # The same where the loader drops special tokens, as the hf loader does.
    Markers(r"\Aanalysis(?=\S)", r"assistantfinal"),
    # EXAONE Deep.
    Markers(r"<thought>", r"</thought>", "<thought>"),
    # Kimi-VL Thinking.
    Markers("◁think▷", "◁/think▷", "◁think▷"),
)

_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_TRIPLE = re.compile(r"\"\"\"|'''")
_COMMENT = re.compile(r"(?:^|\s)#\s")
# Apostrophes inside words, and what is escaped, open and close no string.
_NO_QUOTE = re.compile(r"(?<=\w)'(?=\w)|\\.")
_OPENING = re.compile("|".join(f"(?:{family.opens})" for family in MARKERS))

# Of a marker's line no more characters than these are looked at, on either side.
_NEAR = 300


@dataclass(frozen=True)
class SplitReasoning:
    """A text, split into thoughts and answer.

    Attributes:
        start: offset where the answer begins; 0 where there are no thoughts, the text's length where the thought never
            ended.
        answer: the text behind the thoughts.
        unfinished: a thought never ended, so what is there is no answer.
    """

    start: int
    answer: str
    unfinished: bool = False

    @property
    def thought(self) -> bool:
        """Whether there were thoughts."""
        return self.unfinished or self.start > 0


def part(text: str, think_end: str | None = None, *, opened: bool = False) -> SplitReasoning:
    """Part a text at the last marker that ends a thought.

    A thought that begins again behind an answer, and does not end, is not part of it.

    Args:
        text: what a model said.
        think_end: another text that ends thoughts, beside those of `MARKERS`.
        opened: the prompt has opened a thought, so that without an ending marker all of the text is one.
    """
    families = [*MARKERS, Markers(r"(?!)", re.escape(think_end))] if think_end else MARKERS
    ends = [(match, family) for family in families for match in re.finditer(family.closes, text)]
    layout = _Layout(text)
    start, wraps = 0, ""
    for match, family in sorted(ends, key=lambda each: each[0].start()):
        if not layout.quotes(match, start):
            start, wraps = match.end(), family.wraps
    reopened = layout.opening(start)
    unfinished = opened and start == 0
    if reopened is not None:
        unfinished |= start == 0 or not text[start:reopened].strip()
    if unfinished:
        return SplitReasoning(len(text), "", unfinished=True)
    answer = text[start:reopened]
    return SplitReasoning(start, re.sub(wraps, "", answer) if wraps else answer)


def has_unopened_end(text: str) -> bool:
    """Whether thoughts end in the text that nothing in it has begun: the prompt has."""
    split = part(text)
    return split.thought and not split.unfinished and not _OPENING.search(text, 0, split.start)


def begins(text: str) -> bool:
    """Whether a text begins with a marker that opens a thought; without its special tokens none is told from prose."""
    start = text.lstrip()
    return any(re.match(family.opens, start) for family in MARKERS if not family.opens.startswith(r"\A"))


def opens_in_prompt(prompt: str) -> bool:
    """Whether the end of a prompt opens a thought, as the templates of some models do."""
    end = prompt.rstrip()
    return any(family.prompt and end.endswith(family.prompt) for family in MARKERS)


class _Layout:
    """Where fences and triple quotes are in a text: what tells a marker from a quotation of one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._fences = [match.start() for match in _FENCE.finditer(text)]
        self._triples = [(match.start(), match[0]) for match in _TRIPLE.finditer(text)]
        # Where the piece of code begins that was looked at last, its next triple quote, and those that are open there.
        self._piece, self._next, self._open = -1, 0, ""

    def opening(self, start: int) -> int | None:
        """Where a thought begins, at or behind an offset, at the beginning of a line and outside of code blocks."""
        for match in _OPENING.finditer(self._text, start):
            line = self._line_before(match.start(), start)
            if not line.strip() and not self._in_block(start, match.start()):
                return match.start()
        return None

    def quotes(self, marker: re.Match[str], start: int) -> bool:
        """Whether a marker is part of what is said, and not the end of a thought.

        Args:
            marker: the marker.
            start: where the answer begins, by the markers before; 0 for not yet.
        """
        at = marker.start()
        if start and self._in_block(start, at):
            return True
        line = self._line_before(at, start)
        rest = self._text[marker.end() : marker.end() + _NEAR].split("\n", 1)[0]
        if rest.strip() and _quote_open(line) and _quote_open(line) in _NO_QUOTE.sub("", rest):
            return True
        if _COMMENT.search(line) and (rest.strip() or line[:1].isspace() or self._in_block(start, at)):
            return True
        return self._in_triple_quotes(marker, start)

    def _line_before(self, at: int, start: int) -> str:
        begin = max(start, at - _NEAR)
        return self._text[max(begin, self._text.rfind("\n", begin, at) + 1) : at]

    def _in_block(self, start: int, at: int) -> bool:
        """Whether a code block that begins behind `start` is open here."""
        return (bisect_left(self._fences, at) - bisect_left(self._fences, start)) % 2 == 1

    def _in_triple_quotes(self, marker: re.Match[str], start: int) -> bool:
        """Whether a triple-quoted string of the same piece of code opens before the marker and closes behind it.

        A piece of code ends at the next fence: a draft that breaks off in a docstring has its closing quotes nowhere,
        or in another piece.
        """
        fence = bisect_left(self._fences, marker.start())
        begin = max(start, self._fences[fence - 1]) if fence else start
        end = self._fences[fence] if fence < len(self._fences) else len(self._text)
        if begin != self._piece:
            self._piece, self._next, self._open = begin, bisect_left(self._triples, (begin, "")), ""
        # Markers are asked for in their order, so that each triple quote of a piece is passed once.
        while self._next < len(self._triples) and self._triples[self._next][0] < marker.start():
            kind = self._triples[self._next][1]
            self._open = "" if kind == self._open else self._open or kind
            self._next += 1
        if not self._open:
            return False
        return self._text.find(self._open, marker.end(), end) >= 0


def _quote_open(line: str) -> str:
    """The quotation mark or backtick that is open at the end of this beginning of a line; "" for none."""
    open_quote = ""
    for char in _NO_QUOTE.sub("", line):
        if char in "\"'`":
            open_quote = "" if char == open_quote else open_quote or char
    return open_quote
