"""Ground truth: do the canonical solutions pass here? The verdicts are cached, so each is executed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from typing import Protocol

from bigcodebench_tasks.benchmark.known_tasks import OTHER_VERSIONS, REMOTE_HOSTS, SCHEDULE
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.nltk_data import DATA_SETS, missing
from bigcodebench_tasks.environment.verify import missing_programs
from bigcodebench_tasks.execution import Program, Verdict
from bigcodebench_tasks.progress import progress

MIN_PASS_RATE = 0.99
"""A lower pass rate is a visible warning, as in the official evaluator (``evaluate.py``)."""


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of a set of tasks under the conditions of an engine.

    Attributes:
        verdicts: task_id to the verdict on its canonical solution, in the order of the tasks.
        executed: how many of them were executed now; the others are cached.
    """

    verdicts: Mapping[str, Verdict]
    executed: int = 0

    @property
    def failed(self) -> list[str]:
        """task_ids of those that fail."""
        return [task_id for task_id, verdict in self.verdicts.items() if not verdict.passed]

    @property
    def pass_rate(self) -> float:
        """Share of the tasks that pass; 1.0 without tasks."""
        return 1.0 - len(self.failed) / len(self.verdicts) if self.verdicts else 1.0


def program_of(task: Mapping[str, str]) -> Program:
    """The canonical solution as the official evaluator executes it (``get_groundtruth``): after its prompt."""
    return Program(task["task_id"], task["complete_prompt"] + "\n" + task["canonical_solution"], task["test"])


class Executor(Protocol):
    """What runs programs: an engine."""

    def lookup(self, program: Program) -> Verdict | None: ...

    def submit(self, program: Program, *, fresh: bool = False) -> Future[Verdict]: ...


@dataclass(frozen=True)
class PendingGroundTruth:
    """Canonical solutions that are being executed.

    Attributes:
        verdicts: task_id to the verdict; None for those that are executed now.
        futures: the latter.
    """

    verdicts: Mapping[str, Verdict | None]
    futures: Mapping[Future[Verdict], str]

    def result(self) -> GroundTruth:
        """Wait, with a progress bar.

        Raises:
            ExecutionFailed, SandboxUnavailable: see `Engine.submit`.
        """
        verdicts = dict(self.verdicts)
        with progress(len(self.futures), "Executing ground truth", "task", leave=False) as bar:
            for future in as_completed(self.futures):
                verdicts[self.futures[future]] = future.result()
                bar.update()
        return GroundTruth({task_id: verdict for task_id, verdict in verdicts.items() if verdict}, len(self.futures))


def submit_ground_truth(
    tasks: Sequence[Mapping[str, str]], engine: Executor, *, fresh: bool = False
) -> PendingGroundTruth:
    """Execute the canonical solutions that are not known to pass.

    Cached failures are executed again, because the user may have fixed their cause.

    Args:
        tasks: rows of the dataset.
        engine: runs the programs.
        fresh: execute all of them.
    """
    programs = {task["task_id"]: program_of(task) for task in tasks}
    cached = {task_id: None if fresh else engine.lookup(program) for task_id, program in programs.items()}
    passed = {task_id: verdict if verdict and verdict.passed else None for task_id, verdict in cached.items()}
    unknown = [task_id for task_id, verdict in passed.items() if verdict is None]
    unknown.sort(key=lambda task_id: SCHEDULE.seconds.get(task_id, 0.0), reverse=True)
    return PendingGroundTruth(passed, {engine.submit(programs[each], fresh=True): each for each in unknown})


def failures(truth: GroundTruth, environment: Environment) -> str:
    """The tasks whose ground truth fails, each with its reason, for a warning."""
    return "; ".join(f"{task_id} ({reason(task_id, environment) or 'unexplained'})" for task_id in truth.failed)


def reason(task_id: str, environment: Environment) -> str:
    """Why the ground truth of a BigCodeBench task can fail here, in words; "" if there is no known reason."""
    if task_id in REMOTE_HOSTS:
        return "calls a remote host"
    for data in missing(environment.folder) if environment.lock != "custom" else DATA_SETS:
        if task_id in data.tasks:
            return f"NLTK data {data.name} is missing"
    for program in missing_programs(environment):
        if task_id in program.tasks:
            return f"the program {program.name} is missing (Debian package {program.package})"
    return OTHER_VERSIONS.get((environment.lock, environment.version), {}).get(task_id, "")
