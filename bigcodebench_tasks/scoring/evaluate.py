"""From samples to records: prepare, execute the ground truth and the samples, collect the verdicts.

The harness's task, ``bigcodebench-tasks evaluate``, ``env check`` and the metric all score this way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass, field

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.execution import Engine, Program, Verdict, cache_file
from bigcodebench_tasks.execution.cluster import ClusterEngine, NodeUse, check_nodes, cluster_address
from bigcodebench_tasks.execution.prepare import Prepared, prepare
from bigcodebench_tasks.execution.speed import FAST
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.scoring.ground_truth import (
    MIN_PASS_RATE,
    GroundTruth,
    PendingGroundTruth,
    failures,
    submit_ground_truth,
)
from bigcodebench_tasks.scoring.records import SampleRecord

log = logging.getLogger("bigcodebench_tasks")

Task = Mapping[str, str]
"""A row of the dataset."""


@dataclass(frozen=True)
class Sample:
    """One response of a model.

    Attributes:
        solution: makes the sanitized solution; called once, while other programs run.
        response: the text before sanitizing; None if unknown.
    """

    solution: Callable[[], str]
    response: str | None = None


@dataclass(frozen=True)
class PendingSample:
    """A sample whose program was submitted."""

    solution: str
    response: str | None
    verdict: Future[Verdict]


@dataclass(frozen=True)
class Evaluated:
    """The result of an evaluation.

    Attributes:
        records: per task the records of its samples, in the shape of the samples.
        truth: the ground truth of these tasks; None if it was not checked.
        seconds: wall-clock seconds from the last response to the last verdict.
        nodes: of the cluster, with the number of programs that each has executed; None without a cluster.
    """

    records: list[list[SampleRecord]]
    truth: GroundTruth | None
    seconds: float
    nodes: Sequence[NodeUse] | None = None


@dataclass(frozen=True)
class Evaluator:
    """How samples are evaluated.

    Attributes:
        prepared: environment and conditions; see `Evaluator.prepare`.
        calibrated: put ``code_prompt`` and ``pass`` before each solution (official default).
        workers: programs that may use a core at the same time; see `machine.workers`.
        cache: use cached verdicts, and cache new ones.
        checks_ground_truth: execute the canonical solutions of the tasks that are not known to pass.
        cluster: address of the Ray cluster whose nodes run the programs; None for this machine.
        task: name of the harness's task, for the log.
    """

    prepared: Prepared = field(hash=False)  # it holds a mapping
    calibrated: bool = True
    workers: int | None = None
    cache: bool = True
    checks_ground_truth: bool = True
    cluster: str | None = None
    task: str = field(default="", compare=False)

    @classmethod
    def prepare(
        cls, options: Options | None = None, *, checks_ground_truth: bool | None = None, task: str = ""
    ) -> Evaluator:
        """Find or build what execution needs and try it, before anything is generated; log what it is.

        Args:
            options: sandbox, network, speed, calibrated, workers, cache, ground_truth and cluster; by default those of
                the environment variables.
            checks_ground_truth: by default as `options` ask.
            task: see the class.

        Raises:
            ClusterUnavailable: there is no such cluster, or none of its nodes can run programs as this machine does.
            ExecutionEnvironmentError, SandboxUnavailable, OptionError, ExecutionFailed: see `execution.prepare`.
        """
        options = Options.resolve() if options is None else options
        if checks_ground_truth is None:
            checks_ground_truth = options.ground_truth == "check"
        address = cluster_address(options.cluster)
        if options.cache:
            cache_file()  # raises OptionError now if there is no cache folder
        prepared = prepare(options.sandbox, options.network, options.speed)
        settings = options.calibrated, options.workers, options.cache, checks_ground_truth
        evaluator = cls(prepared, *settings, address, task)
        environment = prepared.environment
        evaluator.log(
            f"programs use the libraries of the {environment.lock} lock (Python {environment.version}); "
            f"sandbox {prepared.sandbox_line}"
        )
        if options.speed == FAST:
            evaluator.log("speed fast: the time limit of a task is the larger of 60 s and ten times its reference time")
        if address is not None:
            check_nodes(
                address,
                environment,
                prepared.conditions,
                workers=options.workers,
                tell=evaluator.log,
                warn=lambda text: evaluator.log(text, logging.WARNING),
            )
        return evaluator

    def log(self, text: str, level: int = logging.INFO) -> None:
        """Log a line, with the name of the task."""
        log.log(level, "%s%s", f"[{self.task}] " if self.task else "", text)

    def engine(self, tasks: Iterable[Task]) -> Engine:
        """An engine under these conditions.

        Args:
            tasks: the row of the dataset for each program to come; their imports are preloaded.
        """
        where = self.prepared.environment, self.prepared.conditions
        file = cache_file() if self.cache else None
        expected = [f"{task['code_prompt']}\n{task['test']}" for task in tasks]
        if self.cluster is None:
            return Engine(*where, workers=self.workers, cache=file, expected=expected)
        return ClusterEngine(self.cluster, *where, workers=self.workers, cache=file, expected=expected)

    def evaluate(self, tasks: Sequence[Task], samples: Sequence[Sequence[Sample]]) -> Evaluated:
        """Execute the ground truth and all samples of all tasks, with progress bars.

        Args:
            tasks: rows of the dataset.
            samples: a list per task; lists may differ in length and be empty.

        Raises:
            ExecutionFailed: the machinery that runs programs broke.
            SandboxUnavailable: the machine no longer has the sandbox.
        """
        began = time.monotonic()
        with self.engine(task for task, several in zip(tasks, samples, strict=True) for _ in several) as engine:
            truth = submit_ground_truth(tasks, engine) if self.checks_ground_truth else None
            pending = self.submit(engine, tasks, samples)
            return self.collect(engine, truth, pending, began)

    def ground_truth(self, tasks: Sequence[Task], *, fresh: bool = False) -> GroundTruth:
        """Execute the canonical solutions of tasks; see `submit_ground_truth`."""
        with self.engine(tasks) as engine:
            return submit_ground_truth(tasks, engine, fresh=fresh).result()

    def submit_sample(self, engine: Engine, task: Task, sample: Sample) -> PendingSample:
        """Make a sample's solution and submit its program."""
        solution = sample.solution()
        executed = calibrate(solution, task["code_prompt"]) if self.calibrated else solution
        program = Program(task["task_id"], executed, task["test"])
        return PendingSample(solution, sample.response, engine.submit(program))

    def submit(
        self, engine: Engine, tasks: Sequence[Task], samples: Sequence[Sequence[Sample]]
    ) -> list[list[PendingSample]]:
        """Submit all samples of all tasks, those of long tasks first; the result has their shape."""
        places = [(number, place) for number, several in enumerate(samples) for place in range(len(several))]
        places.sort(key=lambda at: SCHEDULE.seconds.get(tasks[at[0]]["task_id"], 0.0), reverse=True)
        pending: dict[tuple[int, int], PendingSample] = {}
        with progress(len(places), "Sanitizing", "sample", leave=False) as bar:
            for number, place in places:
                pending[number, place] = self.submit_sample(engine, tasks[number], samples[number][place])
                bar.update()
        return [[pending[number, place] for place in range(len(several))] for number, several in enumerate(samples)]

    def collect(
        self,
        engine: Engine,
        truth: PendingGroundTruth | None,
        pending: Sequence[Sequence[PendingSample]],
        began: float,
    ) -> Evaluated:
        """Wait for the verdicts, with progress bars.

        Args:
            engine: to which all was submitted.
            truth: the ground truth of these tasks; None if it is not checked.
            pending: the samples.
            began: when the last response was there, as `time.monotonic`.

        Raises:
            ExecutionFailed, SandboxUnavailable: see `evaluate`.
        """
        checked = None if truth is None else self._checked(truth)
        futures = [sample.verdict for several in pending for sample in several]
        passed = 0
        counting = threading.Lock()  # futures call back from the engine's thread, or at once from this one
        description = f"Executing {self.task}".strip()
        with progress(len(futures), description, "sample") as bar:

            def show(future: Future[Verdict]) -> None:
                nonlocal passed
                if future.cancelled() or future.exception() is not None:
                    return
                with counting:
                    passed += future.result().passed
                    bar.set_postfix_str(f"passed {passed}, running {engine.running}", refresh=False)
                    bar.update()

            for future in futures:
                future.add_done_callback(show)
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()  # raises what kept the engine from a verdict
        records = [
            [SampleRecord(sample.solution, sample.response, sample.verdict.result()) for sample in several]
            for several in pending
        ]
        nodes = engine.used if isinstance(engine, ClusterEngine) else None
        return Evaluated(records, checked, time.monotonic() - began, nodes)

    def _checked(self, pending: PendingGroundTruth) -> GroundTruth:
        truth = pending.result()
        self.log(f"ground truth: {truth.pass_rate:.4f} of {len(truth.verdicts)} tasks pass")
        if truth.pass_rate < MIN_PASS_RATE:
            self.log(
                "the ground truth of some tasks fails on this machine, so no model can solve them here: "
                f"{failures(truth, self.prepared.environment)}. For more: bigcodebench-tasks env check --ground-truth",
                logging.WARNING,
            )
        return truth
