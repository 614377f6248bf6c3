"""Ground truth: do the canonical solutions pass here? The answer is kept, so that it is worked out only once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import OTHER_VERSIONS, REMOTE_HOSTS, schedule
from bigcodebench_tasks.environment.nltk_data import DATA_SETS, missing
from bigcodebench_tasks.environment.verify import missing_programs
from bigcodebench_tasks.execution import Environment, Limits, Program, Verdict, execute
from bigcodebench_tasks.files import cache_folder
from bigcodebench_tasks.progress import progress

MIN_PASS_RATE = 0.99
"""Less than this is a visible warning, as in the official evaluator (``evaluate.py``)."""

# Raise it when the form of the record changes.
_RECORD_VERSION = 1


@dataclass(frozen=True)
class TaskRecord:
    """What is known of one task's ground truth.

    Attributes:
        status: "pass", "fail" or "timeout".
        seconds: wall-clock seconds of its execution.
        message: the exception of one that does not pass (`Verdict.headline`); else "".
    """

    status: str
    seconds: float
    message: str = ""


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of a set of tasks in one environment.

    Attributes:
        records: task_id to what is known, in the order of the tasks.
        executed: how many of them were executed now; the others are from an earlier run.
    """

    records: Mapping[str, TaskRecord]
    executed: int = 0

    @property
    def failed(self) -> list[str]:
        """task_ids of those that do not pass."""
        return [task_id for task_id, record in self.records.items() if record.status != "pass"]

    @property
    def pass_rate(self) -> float:
        """Share of the tasks that pass; 1.0 for no task."""
        return 1.0 - len(self.failed) / len(self.records) if self.records else 1.0

    @property
    def durations(self) -> dict[str, float]:
        """Seconds that each task takes, for the scheduling of samples."""
        return {task_id: record.seconds for task_id, record in self.records.items()}


def program_of(task: Mapping[str, str]) -> Program:
    """The canonical solution as the official evaluator executes it (``get_groundtruth``): after its prompt."""
    return Program(task["task_id"], task["complete_prompt"] + "\n" + task["canonical_solution"], task["test"])


def ground_truth(
    tasks: Sequence[Mapping[str, str]],
    environment: Environment,
    *,
    fresh: bool = False,
    **execution: Any,
) -> GroundTruth:
    """Verdict and seconds of each task's canonical solution; executed where there is no record of it, with a bar.

    The record is a file in the cache folder for each environment's lock, its folder, isolation and time limit. A
    task is known by the hash of its program, so a record serves every subset and dataset version that holds
    that very task. Failures are never taken from the record: what is missing may have been installed since.

    Args:
        tasks: rows of the dataset.
        environment: where the programs run.
        fresh: execute all of them, whatever is on record.
        execution: passed on to `bigcodebench_tasks.execution.execute` (limits, workers, sandbox, network).

    Raises:
        ExecutionFailed: our own machinery broke.
        SandboxUnavailable: the machine cannot isolate programs as asked.
    """
    programs = [program_of(task) for task in tasks]
    keys = [_key(program) for program in programs]
    file = _file(environment, execution)
    known = _read(file)
    unknown = [i for i, key in enumerate(keys) if fresh or key not in known or known[key].status != "pass"]
    seconds = {programs[i].task_id: known[keys[i]].seconds for i in unknown if keys[i] in known}
    with progress(len(unknown), "Executing ground truth", "task", leave=False) as bar:
        verdicts = execute(
            [programs[i] for i in unknown],
            environment,
            on_verdict=lambda _index, _verdict: bar.update(),
            **schedule(seconds),
            **execution,
        )
    now = {keys[i]: _record(verdict) for i, verdict in zip(unknown, verdicts, strict=True)}
    if now:
        # Read again: another process may have added to it meanwhile.
        _write(file, {**_read(file), **now})
    known.update(now)
    return GroundTruth({program.task_id: known[key] for program, key in zip(programs, keys, strict=True)}, len(unknown))


def failures(found: GroundTruth, environment: Environment) -> str:
    """The tasks whose ground truth fails, each with its reason, for a warning."""
    return "; ".join(f"{task_id} ({reason(task_id, environment) or 'unexplained'})" for task_id in found.failed)


def reason(task_id: str, environment: Environment) -> str:
    """Why the ground truth of a BigCodeBench task can fail here, in words; "" if there is no known reason."""
    prefix, _, digits = task_id.partition("/")
    if prefix != "BigCodeBench" or not digits.isdigit():
        return ""
    number = int(digits)
    if number in REMOTE_HOSTS:
        return "calls a remote host"
    for data in missing(environment.folder) if environment.lock != "custom" else DATA_SETS:
        if number in data.tasks:
            return f"NLTK data {data.name} is missing"
    for program in missing_programs(environment):
        if number in program.tasks:
            return f"the program {program.name} is missing (Debian package {program.package})"
    return OTHER_VERSIONS.get((environment.lock, environment.version), {}).get(number, "")


def _record(verdict: Verdict) -> TaskRecord:
    if verdict.passed:
        return TaskRecord(verdict.status, round(verdict.seconds, 3))
    return TaskRecord(verdict.status, round(verdict.seconds, 3), verdict.headline()[:500])


def _key(program: Program) -> str:
    return hashlib.sha256(json.dumps([program.solution, program.test]).encode()).hexdigest()


def _file(environment: Environment, execution: Mapping[str, Any]) -> Path:
    context = {
        "version": _RECORD_VERSION,
        "lock": environment.lock_sha256,
        "folder": str(environment.folder),
        "timeout_s": (execution.get("limits") or Limits.resolve()).timeout_s,
        "sandbox": execution.get("sandbox"),
        "network": execution.get("network"),
    }
    digest = hashlib.sha256(json.dumps(context, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "ground-truth" / f"{environment.lock}-{digest[:12]}.json"


def _read(file: Path) -> dict[str, TaskRecord]:
    try:
        return {key: TaskRecord(**record) for key, record in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none yet, or not ours: work it out again


def _write(file: Path, records: Mapping[str, TaskRecord]) -> None:
    """Replace the file at once, so that no reader sees half of it. A cache that cannot be written is no error."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".new")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({key: asdict(record) for key, record in records.items()}, stream)
        os.replace(name, file)
    except OSError:
        return
