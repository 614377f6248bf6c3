"""The one recipe from answers to judged samples: prepare, check the ground truth, warn, execute, record.

The harness's task, ``bigcodebench-tasks evaluate``, ``env check`` and the metric all follow it here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.execution import Engine, Prepared, Program, Verdict, cache_file, prepare
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.scoring.ground_truth import MIN_PASS_RATE, GroundTruth, failures, ground_truth
from bigcodebench_tasks.scoring.records import SampleRecord

Task = Mapping[str, str]
"""A row of the dataset."""


def _to_nobody(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Sample:
    """One answer of a model, to be scored.

    Attributes:
        solution: makes the sanitized solution; called once, while other programs run.
        raw: the answer before sanitizing; None where it is not known.
    """

    solution: Callable[[], str]
    raw: str | None = None


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation found.

    Attributes:
        records: per task the records of its samples, in the shape of the samples.
        truth: the ground truth of these tasks; None where it was not checked.
        seconds: wall-clock seconds that sanitizing and executing the samples took.
    """

    records: list[list[SampleRecord]]
    truth: GroundTruth | None
    seconds: float


@dataclass(frozen=True)
class Evaluator:
    """How samples are evaluated.

    Attributes:
        prepared: where they run; see `Evaluator.prepare`.
        calibrated: put ``code_prompt`` and ``pass`` before each solution (official default).
        workers: programs that may use a core at the same time; see `machine.workers`.
        cache: take verdicts of earlier runs from the cache folder, and keep new ones there.
        checks_ground_truth: execute the canonical solutions of the tasks first, where it is not known that they pass.
        tell, warn: take a line for the user.
    """

    prepared: Prepared
    calibrated: bool = True
    workers: int | None = None
    cache: bool = True
    checks_ground_truth: bool = True
    tell: Callable[[str], None] = _to_nobody
    warn: Callable[[str], None] = _to_nobody

    @classmethod
    def prepare(
        cls,
        *,
        level: str | None = None,
        network: str = "loopback",
        calibrated: bool = True,
        workers: int | None = None,
        cache: bool = True,
        checks_ground_truth: bool = True,
        tell: Callable[[str], None] = _to_nobody,
        warn: Callable[[str], None] = _to_nobody,
    ) -> Evaluator:
        """Find or build what execution needs and try it, before anything is generated; tells which it is.

        Args:
            level: of isolation; the strongest that the machine gives by default.
            network: "loopback" or "host".
            calibrated, workers, cache, checks_ground_truth, tell, warn: see the class.

        Raises:
            EnvironmentError_, SandboxUnavailable, OptionError, ExecutionFailed: as `execution.prepare` does.
        """
        prepared = prepare(level, network)
        environment = prepared.environment
        tell(
            f"programs get the libraries of the {environment.lock} lock (Python {environment.version}); "
            f"isolation {prepared.isolation.description}"
        )
        return cls(prepared, calibrated, workers, cache, checks_ground_truth, tell, warn)

    def evaluate(
        self, tasks: Sequence[Task], samples: Sequence[Sequence[Sample]], *, description: str = "Executing"
    ) -> Evaluated:
        """Execute all samples of all tasks, all in one pool, with a progress bar on a terminal.

        Args:
            tasks: rows of the dataset.
            samples: a list per task; lists may differ in length and be empty.
            description: label of the progress bar.

        Raises:
            ExecutionFailed: our own machinery broke; no verdict is made up.
            SandboxUnavailable: the machine can no longer isolate programs as it could.
        """
        with self._engine(task for task, answers in zip(tasks, samples, strict=True) for _ in answers) as engine:
            truth = self._checked(tasks, engine) if self.checks_ground_truth else None
            began = time.monotonic()
            records = self._execute(tasks, samples, engine, description)
        return Evaluated(records, truth, time.monotonic() - began)

    def ground_truth(self, tasks: Sequence[Task], *, fresh: bool = False) -> GroundTruth:
        """Whether the canonical solutions of tasks pass here; see `ground_truth.ground_truth`."""
        with self._engine(tasks) as engine:
            return ground_truth(tasks, engine, fresh=fresh)

    def _engine(self, tasks: Iterable[Task]) -> Engine:
        return Engine(
            self.prepared.environment,
            self.prepared.conditions,
            workers=self.workers,
            cache=cache_file() if self.cache else None,
            # Samples come one by one, as they are sanitized; what they import is known before.
            expected=[f"{task['code_prompt']}\n{task['test']}" for task in tasks],
        )

    def _checked(self, tasks: Sequence[Task], engine: Engine) -> GroundTruth:
        truth = ground_truth(tasks, engine)
        self.tell(f"ground truth: {truth.pass_rate:.4f} of {len(tasks)} tasks pass")
        if truth.pass_rate < MIN_PASS_RATE:
            self.warn(
                "the ground truth of some tasks fails on this machine, so no model can solve them here: "
                f"{failures(truth, self.prepared.environment)}. `bigcodebench-tasks env check --ground-truth` says more"
            )
        return truth

    def _execute(
        self, tasks: Sequence[Task], samples: Sequence[Sequence[Sample]], engine: Engine, description: str
    ) -> list[list[SampleRecord]]:
        places = [(number, place) for number, answers in enumerate(samples) for place in range(len(answers))]
        # The longest first, because a program is submitted as soon as its solution is made.
        places.sort(key=lambda at: -SCHEDULE.seconds.get(tasks[at[0]]["task_id"], 0.0))
        solutions: dict[tuple[int, int], str] = {}
        futures: dict[tuple[int, int], Future[Verdict]] = {}
        passed = 0
        counting = threading.Lock()  # futures call back from the thread of the engine, or at once from this one
        with progress(len(places), description, "sample") as bar:

            def show(future: Future[Verdict]) -> None:
                nonlocal passed
                if future.cancelled() or future.exception() is not None:
                    return
                with counting:
                    passed += future.result().passed
                    bar.set_postfix_str(f"passed {passed}, running {engine.running}", refresh=False)
                    bar.update()

            for number, place in places:
                task, sample = tasks[number], samples[number][place]
                solution = solutions[number, place] = sample.solution()
                executed = calibrate(solution, task["code_prompt"]) if self.calibrated else solution
                future = engine.submit(Program(task["task_id"], executed, task["test"]))
                futures[number, place] = future
                future.add_done_callback(show)
            wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in futures.values():
                if future.done() and future.exception() is not None:
                    raise future.exception() or AssertionError
        return [
            [
                SampleRecord.of(solutions[number, place], sample.raw, futures[number, place].result())
                for place, sample in enumerate(answers)
            ]
            for number, answers in enumerate(samples)
        ]
