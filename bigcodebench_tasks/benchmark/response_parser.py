"""From what a loader returned to what is scored: the answer, its solution, and what it falls short of.

Loaders return text, mostly. Servers' answers can be null, or a list of parts, and text can hold half of a surrogate
pair, which no file takes. Whatever comes, there is a sample to record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.diagnosis import NULL, UNFINISHED, PromptInfo, diagnosis
from bigcodebench_tasks.benchmark.reasoning import SplitReasoning, begins, part
from bigcodebench_tasks.benchmark.sanitize import sanitize
from bigcodebench_tasks.options import Options

_PARTS_OF_TEXT = (None, "text", "output_text")


def text_of(response: Any) -> str | None:
    """The text in what a loader returned; None where there is none.

    Of a list of parts, as several servers send them, it is the parts that are text, joined: not the thoughts.
    """
    if isinstance(response, str):
        return writable(response)
    if isinstance(response, list | tuple):
        texts = [text for each in response if (text := _text_of_part(each)) is not None]
        return "".join(texts) if texts else None
    return _text_of_part(response)


def _text_of_part(part: Any) -> str | None:
    if isinstance(part, str):
        return writable(part)
    if isinstance(part, Mapping) and part.get("type") in _PARTS_OF_TEXT:
        return text_of(part.get("text", part.get("content")))
    return None


def writable(text: str) -> str:
    r"""The text with lone surrogates escaped (``\ud83d``), which cannot be encoded; any other text as it is."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class ResponseParser:
    """How a run's answers are read.

    Attributes:
        split, mode: what was asked, and how.
        options: those that the model was asked with.
        stops: strings that end an answer.
        thinks: it is known that the model thinks first, so that its text may hold stop strings before the answer.
        opened: the prompt opens a thought, which the answer has to close.
        limit: tokens that an answer may have; None where it is not known.
        count: the loader's tokens of a text; None where they cannot be had.
    """

    split: prompts.Split
    mode: prompts.Mode
    options: Options
    stops: tuple[str, ...] = ()
    thinks: bool = False
    opened: bool = False
    limit: int | None = None
    count: Callable[[str], int] | None = None

    def read(self, task: Mapping[str, str], response: Any) -> ParsedResponse:
        """The answer to a task in what the loader returned."""
        text = text_of(response)
        said = text or ""
        if self.options.thinking == "off":
            split = SplitReasoning(0, said)
        elif self.mode == "direct" and not self.thinks and not begins(said):
            # What a base model goes on with behind a stop string is no part of its answer, thoughts neither.
            said = prompts.completion_text(said, list(self.stops), self.mode)
            split = part(said, self.options.think_end)
        else:
            split = part(said, self.options.think_end, opened=self.opened)
        behind = said[split.start :]
        kept = prompts.completion_text(behind, list(self.stops), self.mode)
        answer = prompts.completion_text(split.answer, list(self.stops), self.mode)
        prompt = prompts.answer_text(task, self.split, "", self.mode, self.options)
        asked = PromptInfo(
            entry_point=task["entry_point"],
            prompt=prompt,
            # Behind thoughts an answer begins anew.
            in_block=self.mode == "chat" and self.options.prefill and not split.thought,
            limit=self.limit,
            count=self.count,
        )
        return ParsedResponse(
            raw=prompt + (said[: split.start] + kept if text is not None else _shown(response)),
            text=answer,
            split=split,
            asked=asked,
            response=said,
            is_text=text is not None,
            stopped=len(kept) < len(behind) and self.mode != "api" and any(stop in behind for stop in self.stops),
        )


@dataclass(frozen=True)
class ParsedResponse:
    """One answer.

    Attributes:
        raw: as it is recorded: thoughts included, in direct completion behind its prompt.
        text: what is sanitized, without the prompt.
        split: where its thoughts end.
        asked: what was asked.
        response: all that the model said; "" where that is no text.
        is_text: whether it is.
        stopped: a stop string has ended it.
    """

    raw: str
    text: str
    split: SplitReasoning
    asked: PromptInfo
    response: str
    is_text: bool = True
    stopped: bool = False

    @cached_property
    def solution(self) -> str:
        """The sanitized solution; none of a thought that never ended."""
        if self.split.unfinished or not self.is_text:
            return ""
        return sanitize(self.asked.prompt + self.text, self.asked.entry_point)

    @cached_property
    def diagnosis(self) -> str:
        """What keeps it from scoring (`diagnoses.DIAGNOSES`), "" for nothing that the text tells."""
        if not self.is_text:
            return NULL
        if self.split.unfinished:
            return UNFINISHED
        return diagnosis(self.response, self.text, self.solution, self.asked, stopped=self.stopped)


def _shown(response: Any) -> str:
    """What is no text, as it is recorded; nothing of null."""
    return "" if response is None else writable(repr(response))
