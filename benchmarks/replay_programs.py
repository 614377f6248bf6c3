"""Programs that the official evaluator has judged elsewhere, and files of what came of them here."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bigcodebench_tasks.execution import Program

# Suites that are not those of v0.1.4 in an older version of the dataset, so that nothing can be said of their programs.
OTHER_SUITES = {"v0.1.2": frozenset({211, 215, 1005})}


@dataclass(frozen=True)
class Replayed:
    """A program, and what was said of it elsewhere.

    Attributes:
        key: names it in the files of results.
        official: the official evaluator's statuses, one for each time.
        failed_tests: methods that failed there; empty where that is not known.
    """

    key: str
    program: Program
    official: tuple[str, ...]
    failed_tests: frozenset[str]
    model: str

    @property
    def number(self) -> int:
        return int(self.program.task_id.rpartition("/")[2])


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSONL file."""
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.endswith("\n"))  # a last line may have been cut off


def replayed(file: Path, data: Path, version: str | None = None) -> list[Replayed]:
    """The programs of a file whose suites are known.

    Args:
        file: with the programs.
        data: folder with BigCodeBench-v0.1.4.jsonl.gz, whose suites are executed.
        version: only those that were judged with this version of the dataset.
    """
    suites = {row["task_id"]: row["test"] for row in lines_of(data / "BigCodeBench-v0.1.4.jsonl.gz")}
    programs = []
    for row in lines_of(file):
        program = Program(row["task_id"], row["solution"], suites[row["task_id"]])
        key = hashlib.sha256("\0".join((program.task_id, program.solution, program.test)).encode()).hexdigest()[:16]
        each = Replayed(key, program, tuple(row["official"]), frozenset(row["failed_tests"]), row["model"])
        judged_with = row["dataset_version"]
        if version in (None, judged_with) and each.number not in OTHER_SUITES.get(judged_with, ()):
            programs.append(each)
    return programs


def sample(programs: Sequence[Replayed], size: int | None, seed: int) -> list[Replayed]:
    """So many of them, or all; one of a larger size holds one of a smaller size with the same seed."""
    order = random.Random(seed).sample(programs, len(programs))
    return order[:size]


class Results:
    """Verdicts in a file, one line each, in the order in which they came."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.known: dict[str, dict[str, Any]] = {}
        if file.exists():
            self.known = {row["key"]: row for row in lines_of(file)}
            with file.open("rb+") as opened:  # a line that was cut off is one nobody knows
                text = opened.read()
                opened.truncate(text.rfind(b"\n") + 1)

    def add(self, row: dict[str, Any]) -> None:
        self.known[row["key"]] = row
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
