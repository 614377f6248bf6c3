"""The responses to one task of the harness: parsed, made to samples, and annotated with their diagnosis."""

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

log = logging.getLogger("bigcodebench_tasks")


class Responses:
    """Parses the responses to one task."""

    def __init__(self, task_name: str, parser: ResponseParser) -> None:
        """
        Args:
            task_name: of the harness's task, for the log.
            parser: parses them.
        """
        self._name, self._parser = task_name, parser
        self._parsed: list[list[ParsedResponse]] = []

    def parse(self, rows: Sequence[Mapping[str, str]], responses: Sequence[Sequence[Any]]) -> list[list[Sample]]:
        """The samples of all rows. All responses together can show that the prompts start the reasoning."""
        if prompts_start_reasoning(self._parser, [response for several in responses for response in several]):
            self._parser = replace(self._parser, started_in_prompt=True)
        pairs = zip(rows, responses, strict=True)
        self._parsed = [[self._parser.parse(row, response) for response in several] for row, several in pairs]
        return [[_sample(parsed) for parsed in several] for several in self._parsed]

    def sample(self, row: Mapping[str, str], response: Any) -> Sample:
        """The sample of one response, before all are there."""
        return _sample(self._parser.parse(row, response))

    def annotate(self, records: Sequence[Sequence[SampleRecord]]) -> tuple[list[list[SampleRecord]], ResponseStats]:
        """Add the diagnoses to the records of what was parsed, and log the frequent ones."""
        annotated = [
            [replace(record, diagnosis=parsed.diagnosis) for record, parsed in zip(*pair, strict=True)]
            for pair in zip(records, self._parsed, strict=True)
        ]
        found = sum(parsed.reasoning.found for several in self._parsed for parsed in several)
        stats = ResponseStats.of(annotated, found, self._parser.limit)
        for line in warnings(stats):
            log.warning("[%s] %s", self._name, line)
        return annotated, stats

    def warn_of_equal_samples(self) -> None:
        """Log a warning if most rows have several samples that are all the same."""
        number = max(map(len, self._parsed), default=0)
        equal = sum(len({parsed.response for parsed in several}) == 1 for several in self._parsed)
        if number > 1 and 2 * equal > len(self._parsed):
            log.warning(
                "[%s] all %d samples are the same for %d of %d tasks, so pass@k equals pass@1. Sample with "
                "--gen_kwargs do_sample=True,temperature=0.8, and with a seed of its own for each sample",
                self._name,
                number,
                equal,
                len(self._parsed),
            )


def _sample(parsed: ParsedResponse) -> Sample:
    return Sample(solution=partial(getattr, parsed, "solution"), response=parsed.raw)
