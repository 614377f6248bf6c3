"""What the loader returned to a task, read as answers: what is scored of them, and what is said about them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bigcodebench_tasks.benchmark.response_parser import ParsedResponse, ResponseParser
from bigcodebench_tasks.harness.generation_settings import prompts_start_reasoning
from bigcodebench_tasks.scoring.evaluate import Sample
from bigcodebench_tasks.scoring.records import ResponseStats, SampleRecord
from bigcodebench_tasks.scoring.summary import warnings

# Below the harness's logger: its level and format apply, and nothing is lost where only that one is set up.
log = logging.getLogger("lm_eval.bigcodebench")


class Responses:
    """The responses to one task of the harness. Each is read once, and sanitized once, whoever asks for it when."""

    def __init__(self, task_name: str, parser: ResponseParser) -> None:
        """
        Args:
            task_name: of the harness's task, for the log.
            parser: parses them.
        """
        self._name, self._parser = task_name, parser
        self._parsed: dict[tuple[str, str], ParsedResponse] = {}

    def read(self, rows: Sequence[Mapping[str, str]], responses: Sequence[Sequence[Any]]) -> list[list[ParsedResponse]]:
        """The answers to all rows, which may tell that the prompt had opened a thought."""
        if prompts_start_reasoning(self._parser, [response for several in responses for response in several]):
            self._parser = replace(self._parser, started_in_prompt=True)
            self._parsed.clear()
        pairs = zip(rows, responses, strict=True)
        return [[self.answer(row, response) for response in several] for row, several in pairs]

    def answer(self, row: Mapping[str, str], response: Any) -> ParsedResponse:
        key = row["task_id"], response if isinstance(response, str) else repr(response)
        if key not in self._parsed:
            self._parsed[key] = self._parser.parse(row, response)
        return self._parsed[key]

    def annotate(
        self, records: Sequence[Sequence[SampleRecord]], read: Sequence[Sequence[ParsedResponse]], limit: int | None
    ) -> tuple[list[list[SampleRecord]], ResponseStats]:
        """The records with what their answers fall short of, which is said, and its count.

        Args:
            records: of the answers, in their shape.
            read: the answers.
            limit: tokens that each might have; None where it is not known.
        """
        annotated = [
            [replace(record, diagnosis=answer.diagnosis) for record, answer in zip(*pair, strict=True)]
            for pair in zip(records, read, strict=True)
        ]
        counted = ResponseStats.of(
            annotated, sum(parsed.reasoning.found for several in read for parsed in several), limit
        )
        for line in warnings(counted):
            log.warning("[%s] %s", self._name, line)
        return annotated, counted

    def warn_of_equal_samples(self, read: Sequence[Sequence[ParsedResponse]]) -> None:
        """Say it where most rows have several samples, all of them the same."""
        several = max(map(len, read), default=0)
        equal = sum(len({answer.response for answer in answers}) == 1 for answers in read)
        if several > 1 and 2 * equal > len(read):
            log.warning(
                "[%s] all %d samples are the same for %d of %d tasks, so pass@k says no more than pass@1. Is the model "
                "asked to draw (--gen_kwargs do_sample=True,temperature=0.8), with a seed of its own for each sample?",
                self._name,
                several,
                equal,
                len(read),
            )


def sample_of(answer: ParsedResponse) -> Sample:
    """What is to be scored of an answer; its solution is made when it is first asked for."""
    return Sample(solution=partial(getattr, answer, "solution"), raw=answer.raw)
