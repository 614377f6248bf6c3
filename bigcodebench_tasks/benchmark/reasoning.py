"""Split a response into the model's reasoning and its answer.

Reasoning can hold code: drafts, and wrong ones. The official sanitizer takes the longest code of the whole text, so the
reasoning has to be removed first. Models mark it in a few ways (`MARKERS`). Some chat templates put the first marker
into the prompt; then the response holds the closing marker alone.

A marker that the response merely quotes, say in a program that removes reasoning from a text, does not end reasoning:

- inside a string or a comment of its line, or between backticks;
- in a triple-quoted string of an open code block;
- after the end of the reasoning: inside a code block.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True)
class Markers:
    """How a family of models marks its reasoning.

    Attributes:
        opens: pattern of the opening marker.
        closes: pattern of the closing marker; the answer follows.
        prompt: the end of a prompt whose chat template starts the reasoning, stripped; "" if no template does.
        wraps: pattern of markers around the answer, which are removed.
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
_TRIPLE_QUOTE = re.compile(r"\"\"\"|'''")
_COMMENT = re.compile(r"(?:^|\s)#\s")
# Apostrophes inside words and escaped characters neither open nor close a string.
_NO_QUOTE = re.compile(r"(?<=\w)'(?=\w)|\\.")
_OPENING = re.compile("|".join(f"(?:{family.opens})" for family in MARKERS))

# Characters of a marker's line that are read, on either side.
_NEAR = 300


@dataclass(frozen=True)
class SplitReasoning:
    """A response, split into reasoning and answer.

    Attributes:
        start: offset of the answer: 0 without reasoning, the text's length if the reasoning never ends.
        answer: the text after the reasoning.
        unfinished: the reasoning never ends, so there is no answer.
    """

    start: int
    answer: str
    unfinished: bool = False

    @property
    def found(self) -> bool:
        """Whether the response holds reasoning."""
        return self.unfinished or self.start > 0


def split_reasoning(text: str, reasoning_end: str | None = None, *, started_in_prompt: bool = False) -> SplitReasoning:
    """Split a response at the last marker that ends reasoning.

    Reasoning that starts again after the answer and does not end is not part of the answer.

    Args:
        text: the response.
        reasoning_end: one more closing marker, beside those of `MARKERS`.
        started_in_prompt: the prompt holds the opening marker, so a text without a closing one is all reasoning.
    """
    families = [*MARKERS, Markers(r"(?!)", re.escape(reasoning_end))] if reasoning_end else MARKERS
    ends = [(match, family) for family in families for match in re.finditer(family.closes, text)]
    layout = _Layout(text)
    start, wraps = 0, ""
    for match, family in sorted(ends, key=lambda each: each[0].start()):
        if not layout.quotes(match, start):
            start, wraps = match.end(), family.wraps
    restart = layout.opening(start)
    unfinished = started_in_prompt and start == 0
    if restart is not None:
        unfinished |= start == 0 or not text[start:restart].strip()
    if unfinished:
        return SplitReasoning(len(text), "", unfinished=True)
    answer = text[start:restart]
    return SplitReasoning(start, re.sub(wraps, "", answer) if wraps else answer)


def has_unopened_end(text: str) -> bool:
    """Whether a response ends reasoning that it did not start: the prompt did."""
    split = split_reasoning(text)
    return split.found and not split.unfinished and not _OPENING.search(text, 0, split.start)


def starts_with_marker(text: str) -> bool:
    """Whether a response starts with an opening marker. ``analysis`` does not count: it can be prose."""
    start = text.lstrip()
    return any(re.match(family.opens, start) for family in MARKERS if not family.opens.startswith(r"\A"))


def prompt_starts_reasoning(prompt: str) -> bool:
    """Whether a prompt ends in an opening marker, as the chat templates of some models make it."""
    end = prompt.rstrip()
    return any(family.prompt and end.endswith(family.prompt) for family in MARKERS)


class _Layout:
    """Positions of fences and triple quotes in a text; they tell a marker from a quotation of one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._fences = [match.start() for match in _FENCE.finditer(text)]
        self._triples = [(match.start(), match[0]) for match in _TRIPLE_QUOTE.finditer(text)]
        # The piece of code that was read last: its start, its next triple quote, and the quote that is open there.
        self._piece, self._next, self._open = -1, 0, ""

    def opening(self, start: int) -> int | None:
        """Offset of the first opening marker from an offset on, at the start of a line and outside of code blocks."""
        for match in _OPENING.finditer(self._text, start):
            line = self._line_before(match.start(), start)
            if not line.strip() and not self._in_block(start, match.start()):
                return match.start()
        return None

    def quotes(self, marker: re.Match[str], start: int) -> bool:
        """Whether a closing marker is quoted, and so does not end reasoning.

        Args:
            marker: the marker.
            start: offset of the answer by the markers before; 0 if none was found yet.
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
        """Whether a code block that begins after `start` is open at an offset."""
        return (bisect_left(self._fences, at) - bisect_left(self._fences, start)) % 2 == 1

    def _in_triple_quotes(self, marker: re.Match[str], start: int) -> bool:
        """Whether a triple-quoted string opens before the marker and closes after it, in one piece of code.

        A piece of code ends at the next fence, because a draft that breaks off in a docstring has no closing quotes.
        """
        fence = bisect_left(self._fences, marker.start())
        begin = max(start, self._fences[fence - 1]) if fence else start
        end = self._fences[fence] if fence < len(self._fences) else len(self._text)
        if begin != self._piece:
            self._piece, self._next, self._open = begin, bisect_left(self._triples, (begin, "")), ""
        # The caller asks for markers in their order, so each triple quote of a piece is read once.
        while self._next < len(self._triples) and self._triples[self._next][0] < marker.start():
            kind = self._triples[self._next][1]
            self._open = "" if kind == self._open else self._open or kind
            self._next += 1
        if not self._open:
            return False
        return self._text.find(self._open, marker.end(), end) >= 0


def _quote_open(line: str) -> str:
    """The quotation mark or backtick that is open at the end of a text; "" for none."""
    open_quote = ""
    for char in _NO_QUOTE.sub("", line):
        if char in "\"'`":
            open_quote = "" if char == open_quote else open_quote or char
    return open_quote
