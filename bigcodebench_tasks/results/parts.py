"""An evaluation in parts: each scores some of the tasks on some machine, and together they are one evaluation."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.execution.conditions import MAY_DIFFER
from bigcodebench_tasks.files import write_json
from bigcodebench_tasks.results.official_files import SampleLine
from bigcodebench_tasks.results.untrusted import BROKEN, mapping, read_json, record_of, run_of
from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the tasks: the third of eight is ``Shard(3, 8)``."""

    number: int
    of: int

    def share(self, task_ids: Iterable[str]) -> list[str]:
        """The task_ids that belong to it, in their order. They are dealt by known duration, the longest first."""
        order = list(task_ids)
        dealt = sorted(order, key=lambda task_id: SCHEDULE.seconds.get(task_id, 0.0), reverse=True)
        mine = set(dealt[self.number - 1 :: self.of])
        return [task_id for task_id in order if task_id in mine]

    def file(self, samples: Path) -> Path:
        """Where the part of a samples file, or of a folder of samples, is kept."""
        return _base(samples, f"part-{self.number}-of-{self.of}.json")


@dataclass(frozen=True)
class Part:
    """What was found of a part of the tasks.

    Attributes:
        shard: which part.
        arguments: of the command, as plain JSON types.
        samples_sha256: see `digest`, of all samples, so that parts of others are not mixed in.
        run: what its scores depend on, without its ground truth.
        records: task_id to those of its executed samples.
        failed: task_ids of its canonical solutions that do not pass; None where that was not checked.
        problems: lines that are no samples.
    """

    shard: Shard
    arguments: Mapping[str, Any]
    samples_sha256: str
    run: RunRecord
    records: Mapping[str, Sequence[SampleRecord]]
    failed: Sequence[str] | None
    problems: Sequence[str] = ()

    def write(self, samples: Path) -> Path:
        """Keep it beside the samples. Raises OutputError."""
        file = self.shard.file(samples)
        content = {
            "part": [self.shard.number, self.shard.of],
            "arguments": dict(self.arguments),
            "samples_sha256": self.samples_sha256,
            "run": self.run.to_dict(),
            "failed": None if self.failed is None else list(self.failed),
            "problems": list(self.problems),
            "records": {task_id: [record.to_dict() for record in each] for task_id, each in self.records.items()},
        }
        write_json(file, content)
        return file

    @classmethod
    def read(cls, file: Path) -> Part:
        """What `write` wrote. Raises OutputError: it is broken, or something else."""
        content = read_json(file, "a part of an evaluation")
        try:
            number, of = content["part"]
            records = {
                task_id: [record_of(each) for each in several] for task_id, several in content["records"].items()
            }
            return cls(
                Shard(int(number), int(of)),
                mapping(content["arguments"]),
                str(content["samples_sha256"]),
                run_of(content["run"]),
                records,
                content["failed"],
                content["problems"],
            )
        except BROKEN as error:
            raise OutputError(f"{file} cannot be read as a part of an evaluation: {error!r}") from error


def digest(samples: Sequence[SampleLine]) -> str:
    """SHA-256, hex, of samples in their order, wherever they lie."""
    content = [[sample.task_id, dict(sample.fields)] for sample in samples]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()


def read_parts(samples: Path) -> list[Part]:
    """All parts of a samples file, or of a folder of samples, in their order.

    Raises:
        OutputError: there is none, some are missing, or they do not belong together; the message names which.
    """
    folder, name = _base(samples, "part-").parent, _base(samples, "part-").name
    parts: dict[Shard, Part] = {}
    pattern = re.compile(rf"{re.escape(name)}\d+-of-\d+\.json")
    for file in folder.iterdir() if folder.is_dir() else ():
        if pattern.fullmatch(file.name):
            part = Part.read(file)
            parts[part.shard] = part
    if not parts:
        raise OutputError(f"there is no part of {samples}: score them first, with --shard 1/N to N/N")
    numbers = sorted({shard.of for shard in parts})
    if len(numbers) > 1:
        several = " and ".join(map(str, numbers))
        raise OutputError(f"there are parts of {samples} out of {several}: remove those that are not meant")
    expected = [Shard(number, numbers[0]) for number in range(1, numbers[0] + 1)]
    missing = [shard for shard in expected if shard not in parts]
    if missing:
        named = ", ".join(f"{shard.number}/{shard.of}" for shard in missing)
        raise OutputError(f"{len(missing)} of {numbers[0]} parts of {samples} are missing: --shard {named}")
    ordered = [parts[shard] for shard in expected]
    for part in ordered[1:]:
        if different := _differences(ordered[0], part):
            raise OutputError(
                f"parts 1 and {part.shard.number} of {samples} do not belong together, they differ in "
                f"{', '.join(different)}: score one of them anew"
            )
    return ordered


def _differences(first: Part, second: Part) -> list[str]:
    first_settings, second_settings = _comparable(first), _comparable(second)
    return [name for name in first_settings if first_settings[name] != second_settings[name]]


def _comparable(part: Part) -> dict[str, Any]:
    conditions = {f"conditions.{name}": value for name, value in mapping(part.run.conditions).items()}
    return {
        "the samples": part.samples_sha256,
        "the dataset": part.run.dataset_sha256,
        "the ground truth": part.failed is None,
        **{name: value for name, value in part.arguments.items() if name != "workers"},
        **{name: value for name, value in conditions.items() if name.partition(".")[2] not in MAY_DIFFER},
    }


def merge(parts: Sequence[Part], task_ids: Sequence[str]) -> tuple[RunRecord, dict[str, Sequence[SampleRecord]]]:
    """The run and the records that one machine would have found.

    Args:
        parts: as `read_parts` gave them.
        task_ids: of the tasks that were to be scored, in their order.

    Raises:
        OutputError: a task has no part.
    """
    records = {task_id: each for part in parts for task_id, each in part.records.items()}
    missing = [task_id for task_id in task_ids if task_id not in records]
    if missing:
        raise OutputError(f"no part holds {', '.join(missing[:10])}: score the samples anew")
    run = parts[0].run
    if parts[0].failed is not None:
        failing = {task_id for part in parts for task_id in part.failed or ()}
        failed = [task_id for task_id in task_ids if task_id in failing]
        run = replace(run, ground_truth=1.0 - len(failed) / len(task_ids), failed=failed)
    if run.nodes is not None:
        run = replace(run, nodes=[node for part in parts for node in part.run.nodes or ()])
    return run, {task_id: records[task_id] for task_id in task_ids}


def _base(samples: Path, ending: str) -> Path:
    if samples.is_dir():
        return samples / ending
    name = samples.name.removesuffix(".gz").removesuffix(".jsonl")
    return samples.with_name(f"{name}_{ending}")
