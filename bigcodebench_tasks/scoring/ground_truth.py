"""Ground truth: do the canonical solutions pass here? The verdicts are cached, so that it is worked out only once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from typing import Protocol

from bigcodebench_tasks.benchmark.known_tasks import OTHER_VERSIONS, REMOTE_HOSTS
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.nltk_data import DATA_SETS, missing
from bigcodebench_tasks.environment.verify import missing_programs
from bigcodebench_tasks.execution import Program, Verdict
from bigcodebench_tasks.progress import progress

MIN_PASS_RATE = 0.99
"""Less than this is a visible warning, as in the official evaluator (``evaluate.py``)."""


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of a set of tasks under the conditions of an engine.

    Attributes:
        verdicts: task_id to the verdict on its canonical solution, in the order of the tasks.
        executed: how many of them were executed now; the others are from an earlier run.
    """

    verdicts: Mapping[str, Verdict]
    executed: int = 0

    @property
    def failed(self) -> list[str]:
        """task_ids of those that do not pass."""
        return [task_id for task_id, verdict in self.verdicts.items() if not verdict.passed]

    @property
    def pass_rate(self) -> float:
        """Share of the tasks that pass; 1.0 for no task."""
        return 1.0 - len(self.failed) / len(self.verdicts) if self.verdicts else 1.0


def program_of(task: Mapping[str, str]) -> Program:
    """The canonical solution as the official evaluator executes it (``get_groundtruth``): after its prompt."""
    return Program(task["task_id"], task["complete_prompt"] + "\n" + task["canonical_solution"], task["test"])


class Executes(Protocol):
    """An engine, or a session of one."""

    def lookup(self, program: Program) -> Verdict | None: ...

    def submit(self, program: Program, *, fresh: bool = False) -> Future[Verdict]: ...


def ground_truth(tasks: Sequence[Mapping[str, str]], engine: Executes, *, fresh: bool = False) -> GroundTruth:
    """Execute the canonical solution of each task, unless it is known that it passes. With a progress bar.

    Known are verdicts in the engine's cache, so what was worked out serves every subset and dataset version that holds
    that very task. Failures are executed again: something that is not in `Conditions` may have caused them.

    Args:
        tasks: rows of the dataset.
        engine: where the programs run.
        fresh: execute all of them, whatever is known.

    Raises:
        ExecutionFailed: our own machinery broke.
        SandboxUnavailable: the machine cannot isolate programs as asked.
    """
    programs = [program_of(task) for task in tasks]
    verdicts: dict[str, Verdict | None] = {program.task_id: None for program in programs}
    if not fresh:
        recalled = {program.task_id: engine.lookup(program) for program in programs}
        verdicts |= {task_id: verdict for task_id, verdict in recalled.items() if verdict and verdict.passed}
    futures = {
        engine.submit(program, fresh=True): program.task_id for program in programs if verdicts[program.task_id] is None
    }
    with progress(len(futures), "Executing ground truth", "task", leave=False) as bar:
        for future in as_completed(futures):
            verdicts[futures[future]] = future.result()
            bar.update()
    return GroundTruth({task_id: verdict for task_id, verdict in verdicts.items() if verdict}, len(futures))


def failures(truth: GroundTruth, environment: Environment) -> str:
    """The tasks whose ground truth fails, each with its reason, for a warning."""
    return "; ".join(f"{task_id} ({reason(task_id, environment) or 'unexplained'})" for task_id in truth.failed)


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
