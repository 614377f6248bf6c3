"""ResponseParser results that somebody else may have made: nothing in them is believed to be what it should be.

A field that is not what its place wants is one clear error, so that whatever shows results can take them as they are.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.dataset import REQUIRED_COLUMNS
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.scoring.records import ResponseStats, RunRecord, SampleRecord

BROKEN = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
"""What content that is not as it should be can raise where it is used."""


def read_json(file: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        file: the file.
        what: it should be, for the message.

    Raises:
        OutputError: it cannot be read, or is no object.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as {what}: {error}") from error
    if not isinstance(content, dict):
        raise OutputError(f"{file} cannot be read as {what}: it holds no JSON object")
    return content


def mapping(value: Any) -> Mapping[str, Any]:
    """A part that has to be a mapping; a missing one (None) is empty. Raises TypeError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{str(value)[:50]!r} stands in place of a mapping")
    return value


def record_of(content: Any) -> SampleRecord:
    """The record of a sample. Raises KeyError or TypeError where it is none."""
    record = SampleRecord.from_dict(mapping(content))
    fields = {
        "reason": isinstance(record.reason, str),
        "raw_solution": record.raw_solution is None or isinstance(record.raw_solution, str),
        "details": all(isinstance(text, str) for text in mapping(record.details).values()),
        "seconds": record.seconds is None or _is_number(record.seconds),
        "tests_run": type(record.tests_run) is int,
        "diagnosis": isinstance(record.diagnosis, str),
    }
    wrong = [name for name, whole in fields.items() if not whole]
    if wrong:
        raise TypeError(f"{', '.join(wrong)} of a sample is not what it should be")
    return record


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)


def run_of(content: Any, subset: str = "") -> RunRecord:
    """A run as `RunRecord.from_dict` reads it. Raises KeyError or TypeError where it is none, or a field is wrong."""
    run = RunRecord.from_dict(mapping(content), subset)
    limit = mapping(mapping(run.conditions).get("limits")).get("timeout_s")
    fields = {
        "split": isinstance(run.split, str),
        "subset": isinstance(run.subset, str),
        "mode": run.mode is None or isinstance(run.mode, str),
        "options": isinstance(run.options, Mapping),
        "dataset_sha256": isinstance(run.dataset_sha256, str),
        "limits": limit is None or _is_number(limit),
        "ground_truth": run.ground_truth is None or _is_number(run.ground_truth),
        "failed": _is_texts(run.failed),
        "seeds": isinstance(run.seeds, Mapping),
        "task_ids": run.task_ids is None or _is_texts(run.task_ids),
        "plugin": isinstance(run.plugin, str),
        "prompting": run.prompting is None or isinstance(run.prompting, str),
        "differs": _is_texts(run.differs),
        "nodes": run.nodes is None or all(map(_is_node, run.nodes)),
        "answers": run.answers is None or all(map(_is_count, _counts(run.answers))),
    }
    wrong = [name for name, whole in fields.items() if not whole]
    if wrong:
        raise TypeError(f"{', '.join(wrong)} of a run is not what it should be")
    return run


def _is_node(value: Any) -> bool:
    numbers = mapping(value).get("cores"), mapping(value).get("programs")
    return isinstance(value.get("node"), str) and all(map(_is_count, numbers))


def _counts(answers: ResponseStats) -> list[Any]:
    return [answers.samples, answers.thoughts, answers.limit or 0, *mapping(answers.diagnoses).values()]


def _is_count(value: Any) -> bool:
    return type(value) is int


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def row_of(content: Any) -> Mapping[str, Any]:
    """The row of the dataset that a log holds beside an answer. Raises TypeError where it is none."""
    row = mapping(content)
    wrong = [name for name in REQUIRED_COLUMNS if not isinstance(row.get(name), str)]
    if wrong or not isinstance(row.get("libs", ""), str):
        raise TypeError(f"{', '.join(wrong) or 'libs'} of a task is no text")
    return row


def refuse_writable_by_all(path: Path) -> None:
    """Raises OutputError if every user of the machine may put results into a folder: nobody answers for them."""
    folder = path if path.is_dir() else path.parent
    for place in {folder, path}:
        try:
            status = place.stat()
        except OSError:
            continue
        shared = place != path and status.st_mode & stat.S_ISVTX  # a file of one's own in /tmp cannot be exchanged
        if status.st_mode & stat.S_IWOTH and not shared and os.name == "posix":
            raise OutputError(
                f"every user of this machine may write to {place}, so its results can be anybody's. "
                f"If they are yours: chmod o-w {place}"
            )
