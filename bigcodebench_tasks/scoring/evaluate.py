"""The one recipe from answers to judged samples: prepare, check the ground truth, warn, execute, record.

The harness's task, ``bigcodebench-tasks evaluate``, ``env check`` and the metric all follow it here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bigcodebench_tasks.execution import cache_file
from bigcodebench_tasks.execution.cluster import NodeUse, check_nodes, cluster_address
from bigcodebench_tasks.execution.prepare import Prepared, prepare
from bigcodebench_tasks.execution.speed import FAST
from bigcodebench_tasks.scoring.ground_truth import MIN_PASS_RATE, GroundTruth, failures, ground_truth
from bigcodebench_tasks.scoring.records import SampleRecord
from bigcodebench_tasks.scoring.session import Sample, Session, Task

__all__ = ["Evaluated", "Evaluator", "Sample"]


def _to_nobody(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation found.

    Attributes:
        records: per task the records of its samples, in the shape of the samples.
        truth: the ground truth of these tasks; None where it was not checked.
        seconds: wall-clock seconds from the last answer to the last verdict, without the ground truth unless both were
            executed at once.
        nodes: of the cluster, with the programs that each executed in this session; None without one.
    """

    records: list[list[SampleRecord]]
    truth: GroundTruth | None
    seconds: float
    nodes: Sequence[NodeUse] | None = None


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
        cluster: address of the Ray cluster whose nodes run the programs; None for this machine.
    """

    prepared: Prepared
    calibrated: bool = True
    workers: int | None = None
    cache: bool = True
    checks_ground_truth: bool = True
    tell: Callable[[str], None] = _to_nobody
    warn: Callable[[str], None] = _to_nobody
    cluster: str | None = None

    @classmethod
    def prepare(
        cls,
        *,
        sandbox: str | None = None,
        network: str = "loopback",
        speed: str = "official",
        calibrated: bool = True,
        workers: int | None = None,
        cache: bool = True,
        checks_ground_truth: bool = True,
        tell: Callable[[str], None] = _to_nobody,
        warn: Callable[[str], None] = _to_nobody,
        cluster: str | None = None,
    ) -> Evaluator:
        """Find or build what execution needs and try it, before anything is generated; tells which it is.

        Args:
            sandbox: its kind; the strongest that works on this machine by default.
            network: "loopback" or "host".
            speed: "official" or "fast"; see `execution.speed`.
            calibrated, workers, cache, checks_ground_truth, tell, warn: see the class.
            cluster: address of a Ray cluster, "auto" or host and port; else ``BIGCODEBENCH_CLUSTER``; else none.

        Raises:
            ClusterUnavailable: there is no such cluster, or no node of it can run programs as this machine does.
            ExecutionEnvironmentError, SandboxUnavailable, OptionError, ExecutionFailed: as `execution.prepare` does.
        """
        address = cluster_address(cluster)
        if cache:
            cache_file()  # where there is no folder for it, that is said now
        prepared = prepare(sandbox, network, speed)
        environment = prepared.environment
        tell(
            f"programs get the libraries of the {environment.lock} lock (Python {environment.version}); "
            f"sandbox {prepared.sandbox_line}"
        )
        if speed == FAST:
            tell("speed fast: the time limit of a task is the larger of 60 s and ten times its reference time")
        if address is not None:
            check_nodes(address, environment, prepared.conditions, workers=workers, tell=tell, warn=warn)
        return cls(prepared, calibrated, workers, cache, checks_ground_truth, tell, warn, address)

    def evaluate(
        self,
        tasks: Sequence[Task],
        samples: Sequence[Sequence[Sample]],
        *,
        description: str = "Executing",
        session: Session | None = None,
        began: float | None = None,
    ) -> Evaluated:
        """Execute all samples of all tasks, all in one pool, with a progress bar on a terminal.

        Args:
            tasks: rows of the dataset.
            samples: a list per task; lists may differ in length and be empty.
            description: label of the progress bar.
            session: of this evaluator, shared with others; what was submitted there already is not executed again.
            began: when the last answer was there, as `time.monotonic`; now by default.

        Raises:
            ExecutionFailed: our own machinery broke; no verdict is made up.
            SandboxUnavailable: the machine can no longer isolate programs as it could.
        """
        with contextlib.ExitStack() as stack:
            if session is None:
                of_each = (task for task, answers in zip(tasks, samples, strict=True) for _ in answers)
                session = stack.enter_context(self.session(of_each))
            truth = self._checked(tasks, session) if self.checks_ground_truth else None
            began = time.monotonic() if began is None else began
            submitted = session.submit_samples(tasks, samples, calibrated=self.calibrated)
            records = session.collect(submitted, description)
            nodes = session.nodes
        return Evaluated(records, truth, time.monotonic() - began, nodes)

    def ground_truth(self, tasks: Sequence[Task], *, fresh: bool = False) -> GroundTruth:
        """Whether the canonical solutions of tasks pass here; see `ground_truth.ground_truth`."""
        with self.session(tasks) as session:
            return ground_truth(tasks, session, fresh=fresh)

    def session(self, tasks: Iterable[Task]) -> Session:
        """An engine under this evaluator's conditions.

        Args:
            tasks: row of the dataset of each program to come: what they import is imported once for all.
        """
        expected = [f"{task['code_prompt']}\n{task['test']}" for task in tasks]
        return Session(self.prepared, workers=self.workers, cache=self.cache, expected=expected, cluster=self.cluster)

    def _checked(self, tasks: Sequence[Task], session: Session) -> GroundTruth:
        truth = ground_truth(tasks, session)
        self.tell(f"ground truth: {truth.pass_rate:.4f} of {len(tasks)} tasks pass")
        if truth.pass_rate < MIN_PASS_RATE:
            self.warn(
                "the ground truth of some tasks fails on this machine, so no model can solve them here: "
                f"{failures(truth, self.prepared.environment)}. `bigcodebench-tasks env check --ground-truth` says more"
            )
        return truth
