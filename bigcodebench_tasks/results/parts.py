"""An evaluation in parts: each machine scores some of the tasks, and the parts are merged into one evaluation."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.execution.conditions import MAY_DIFFER
from bigcodebench_tasks.files import write_json
from bigcodebench_tasks.results.official_files import SampleLine, beside
from bigcodebench_tasks.results.untrusted import BROKEN, read
from bigcodebench_tasks.scoring.records import GroundTruthRate, LoggedSample, RunRecord, SampleRecord


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the tasks: the third of eight is ``Shard(3, 8)``."""

    number: int
    of: int

    def share(self, task_ids: Iterable[str]) -> list[str]:
        """Its task_ids, in their order. Tasks are dealt by known duration, the longest first."""
        order = list(task_ids)
        dealt = sorted(order, key=lambda task_id: SCHEDULE.seconds.get(task_id, 0.0), reverse=True)
        mine = set(dealt[self.number - 1 :: self.of])
        return [task_id for task_id in order if task_id in mine]

    def file(self, samples: Path) -> Path:
        """The part file of a samples file or folder."""
        return beside(samples, f"part-{self.number}-of-{self.of}.json")


@dataclass(frozen=True)
class Part:
    """The results of a part of the tasks, as its file has them.

    Attributes:
        shard: which part.
        arguments: of the command.
        samples_sha256: `digest` of all samples.
        run: `RunRecord.to_dict`, without the ground truth.
        records: task_id to its samples.
        failed: task_ids whose ground truth fails; None if it was not checked.
        problems: lines that are no samples.
    """

    shard: Shard
    arguments: Mapping[str, Any]
    samples_sha256: str
    run: Mapping[str, Any]
    records: Mapping[str, Sequence[LoggedSample]]
    failed: Sequence[str] | None
    problems: Sequence[str] = ()

    def write(self, samples: Path) -> Path:
        """Write the part file beside the samples. Raises OutputError."""
        file = self.shard.file(samples)
        write_json(file, asdict(self))
        return file


def digest(samples: Sequence[SampleLine]) -> str:
    """SHA-256, hex, of samples in their order, independent of their location."""
    content = [[sample.task_id, dict(sample.fields)] for sample in samples]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()


def read_parts(samples: Path) -> list[Part]:
    """All parts of a samples file or folder, in their order.

    Raises:
        OutputError: there is none, some are missing, or they do not belong together; the message names which.
    """
    pattern = beside(samples, "part-")
    folder = pattern.parent
    parts: dict[Shard, Part] = {}
    for file in folder.iterdir() if folder.is_dir() else ():
        if re.fullmatch(rf"{re.escape(pattern.name)}\d+-of-\d+\.json", file.name):
            part = read(file, Part, "a part of an evaluation")
            parts[part.shard] = part
    if not parts:
        raise OutputError(f"there is no part of {samples}: score them first, with --shard 1/N to N/N")
    numbers = sorted({shard.of for shard in parts})
    if len(numbers) > 1:
        several = " and ".join(map(str, numbers))
        raise OutputError(f"there are parts of {samples} out of {several}: remove the wrong ones")
    expected = [Shard(number, numbers[0]) for number in range(1, numbers[0] + 1)]
    missing = [shard for shard in expected if shard not in parts]
    if missing:
        named = ", ".join(f"{shard.number}/{shard.of}" for shard in missing)
        raise OutputError(f"{len(missing)} of {numbers[0]} parts of {samples} are missing: --shard {named}")
    ordered = [parts[shard] for shard in expected]
    first = _comparable(ordered[0])
    for part in ordered[1:]:
        other = _comparable(part)
        if different := [name for name in first if first[name] != other.get(name)]:
            raise OutputError(
                f"parts 1 and {part.shard.number} of {samples} do not belong together, they differ in "
                f"{', '.join(different)}: score one of them again"
            )
    return ordered


def _comparable(part: Part) -> dict[str, Any]:
    """What all parts of an evaluation have in common."""
    conditions = part.run.get("conditions") or {}
    return {
        "the samples": part.samples_sha256,
        "the dataset": part.run.get("dataset_sha256"),
        "the ground truth": part.failed is None,
        **{name: value for name, value in part.arguments.items() if name != "workers"},
        **{f"conditions.{name}": value for name, value in conditions.items() if name not in MAY_DIFFER},
    }


def merge(parts: Sequence[Part], task_ids: Sequence[str]) -> tuple[RunRecord, dict[str, Sequence[SampleRecord]]]:
    """The run and the records of a whole evaluation.

    Args:
        parts: from `read_parts`.
        task_ids: of the tasks to score, in their order.

    Raises:
        OutputError: a task is in no part, or a part is broken.
    """
    try:
        runs = [RunRecord.from_dict(part.run) for part in parts]
        records = {
            task_id: [each.record() for each in several] for part in parts for task_id, several in part.records.items()
        }
    except BROKEN as error:
        raise OutputError(f"a part is broken: {error!r}. Score the samples again") from error
    missing = [task_id for task_id in task_ids if task_id not in records]
    if missing:
        raise OutputError(f"no part holds {', '.join(missing[:10])}: score the samples again")
    run = runs[0]
    if parts[0].failed is not None:
        failing = {task_id for part in parts for task_id in part.failed or ()}
        failed = [task_id for task_id in task_ids if task_id in failing]
        run = replace(run, ground_truth=GroundTruthRate(1.0 - len(failed) / len(task_ids), failed))
    if run.nodes is not None:
        run = replace(run, nodes=[node for each in runs for node in each.nodes or ()])
    return run, {task_id: records[task_id] for task_id in task_ids}
