"""What lm-eval says, or fails to say, about runs of these tasks; see each function for the release."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bigcodebench_tasks.options import KEY, misplaced

_UNEQUAL = "Metrics were not scored on the same number of documents"
_with_domains: set[str] = set()


def hide_unequal_counts(task_name: str) -> None:
    """Hide lm-eval's warning that a task's metrics have different numbers of documents (since 0.4.13).

    With the option `domains` they have: a task of the benchmark is in some domains only. The warning concerns groups
    that are weighted by size, and those of this package are not.
    """
    _with_domains.add(task_name)
    logging.getLogger("lm_eval.evaluator_utils").addFilter(_is_no_unequal_count)


def _is_no_unequal_count(record: logging.LogRecord) -> bool:
    name, _, text = record.getMessage().removeprefix("[").partition("] ")
    return not (name in _with_domains and text.startswith(_UNEQUAL))


def metadata_problems(metadata: Mapping[str, Any], words: Sequence[str] | None = None) -> Iterator[str]:
    """Options that the user gave and that have no effect, each with what to write instead.

    Args:
        metadata: of a task: its own, the model's arguments and ``--metadata``.
        words: the command line; ``sys.argv`` by default.
    """
    for name in misplaced(metadata):
        option = {KEY: {name.removeprefix(f"{KEY}."): metadata[name]}}
        yield f"{name} is given outside of {KEY!r} and has no effect: write --metadata '{_json(option)}'"
    for word in _dropped(sys.argv if words is None else words):
        name = word.partition("=")[0]
        if name not in metadata:
            given = _json({KEY: metadata.get(KEY) or {}, name: "..."})
            yield f"lm-eval ignores {word!r} after the JSON object of --metadata: put it into the object, as '{given}'"


def _dropped(words: Sequence[str]) -> list[str]:
    """The words after a JSON object of ``--metadata``, which lm-eval ignores (since 0.4.13)."""
    dropped: list[str] = []
    for at, word in enumerate(words):
        if word == "--metadata":
            values = list(words[at + 1 :])
            end = next((place for place, value in enumerate(values) if value.startswith("--")), len(values))
            if values[:1] and values[0].lstrip().startswith("{"):
                dropped += values[1:end]
    return dropped


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, default=str)
