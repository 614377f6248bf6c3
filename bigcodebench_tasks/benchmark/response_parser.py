"""From a loader's response to what is scored: the text, its solution and its diagnosis.

Most loaders return text. Servers' responses can also be null or a list of parts, and text can hold a lone surrogate,
which no file takes. Every response becomes a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.diagnosis import NULL, UNFINISHED, PromptInfo, diagnose
from bigcodebench_tasks.benchmark.reasoning import SplitReasoning, split_reasoning, starts_with_marker
from bigcodebench_tasks.benchmark.sanitize import sanitize
from bigcodebench_tasks.options import Options

_TEXT_PARTS = (None, "text", "output_text")


def text_of(response: Any) -> str | None:
    """The text of a response; None if it holds none. Of a list of parts: the text parts, joined, without reasoning."""
    if isinstance(response, str):
        return writable(response)
    if isinstance(response, list | tuple):
        texts = [text for each in response if (text := _text_of_part(each)) is not None]
        return "".join(texts) if texts else None
    return _text_of_part(response)


def _text_of_part(part: Any) -> str | None:
    if isinstance(part, str):
        return writable(part)
    if isinstance(part, Mapping) and part.get("type") in _TEXT_PARTS:
        return text_of(part.get("text", part.get("content")))
    return None


def writable(text: str) -> str:
    r"""The text with lone surrogates escaped (``\ud83d``), because they cannot be encoded; any other text unchanged."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class ResponseParser:
    """Parses the responses of one run.

    Attributes:
        split, mode: see `prompts`.
        options: of the task.
        stops: strings that end a response.
        reasons: the model is known to reason, so stop strings may occur before the answer.
        started_in_prompt: the prompt starts the reasoning, which the response has to end.
        limit: tokens of a response; None if unknown.
        count: number of tokens of a text, by the loader's tokenizer; None if the loader has none.
    """

    split: prompts.Split
    mode: prompts.Mode
    options: Options
    stops: tuple[str, ...] = ()
    reasons: bool = False
    started_in_prompt: bool = False
    limit: int | None = None
    count: Callable[[str], int] | None = None

    def parse(self, task: Mapping[str, str], response: Any) -> ParsedResponse:
        """Parse what the loader returned for a task; never fails."""
        text = text_of(response)
        whole = text or ""
        reasoning_end = self.options.reasoning_end
        if self.options.reasoning == "off":
            reasoning = SplitReasoning(0, whole)
        elif self.mode == "direct" and not self.reasons and not starts_with_marker(whole):
            # What a base model writes after a stop string is not part of its response, and neither is reasoning there.
            whole = prompts.completion_text(whole, list(self.stops), self.mode)
            reasoning = split_reasoning(whole, reasoning_end)
        else:
            reasoning = split_reasoning(whole, reasoning_end, started_in_prompt=self.started_in_prompt)
        after = whole[reasoning.start :]
        kept = prompts.completion_text(after, list(self.stops), self.mode)
        prompt = prompts.answer_text(task, self.split, "", self.mode, self.options)
        return ParsedResponse(
            raw=prompt + (whole[: reasoning.start] + kept if text is not None else _shown(response)),
            text=prompts.completion_text(reasoning.answer, list(self.stops), self.mode),
            reasoning=reasoning,
            prompt=PromptInfo(
                entry_point=task["entry_point"],
                prompt=prompt,
                # After reasoning a model opens its own fence.
                in_block=self.mode == "chat" and self.options.prefill and not reasoning.found,
                limit=self.limit,
                count=self.count,
            ),
            response=whole,
            is_text=text is not None,
            stopped=len(kept) < len(after) and self.mode != "api" and any(stop in after for stop in self.stops),
        )


@dataclass(frozen=True)
class ParsedResponse:
    """One response.

    Attributes:
        raw: as it is recorded: with its reasoning; in direct completion after its prompt.
        text: what is sanitized, without the prompt.
        reasoning: where the reasoning ends.
        prompt: what the model was asked.
        response: the whole text; "" if the response is no text.
        is_text: whether it is text.
        stopped: a stop string ended it.
    """

    raw: str
    text: str
    reasoning: SplitReasoning
    prompt: PromptInfo
    response: str
    is_text: bool = True
    stopped: bool = False

    @cached_property
    def solution(self) -> str:
        """The sanitized solution; "" for reasoning that never ends."""
        if self.reasoning.unfinished or not self.is_text:
            return ""
        return sanitize(self.prompt.prompt + self.text, self.prompt.entry_point)

    @cached_property
    def diagnosis(self) -> str:
        """Why the response cannot score: a name of `diagnosis.DIAGNOSES`, or ""."""
        if not self.is_text:
            return NULL
        if self.reasoning.unfinished:
            return UNFINISHED
        return diagnose(self.response, self.text, self.solution, self.prompt, stopped=self.stopped)


def _shown(response: Any) -> str:
    """How a response without text is recorded; null as ""."""
    return "" if response is None else writable(repr(response))
