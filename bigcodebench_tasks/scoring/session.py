"""Programs of one run, on one engine: whoever asks for a program a second time gets what is done or under way.

A run of lm_eval can hold several tasks of ours, and its answers come one by one. So what is to be executed is
submitted when it is known, by whoever knows it, and asked for again when a score is due.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass
from types import TracebackType

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.execution import Engine, Program, Verdict, cache_file
from bigcodebench_tasks.execution.cluster import ClusterEngine, NodeUse
from bigcodebench_tasks.execution.prepare import Prepared
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.scoring.ground_truth import program_of
from bigcodebench_tasks.scoring.records import SampleRecord

Task = Mapping[str, str]
"""A row of the dataset."""


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
class Submitted:
    """A sample on its way to its record."""

    solution: str
    raw: str | None
    verdict: Future[Verdict]


class Session:
    """An engine, and the verdicts that were asked of it. A context manager, as the engine is.

    Its methods may be called from several threads.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        workers: int | None = None,
        cache: bool = True,
        expected: Collection[str] = (),
        cluster: str | None = None,
    ) -> None:
        """
        Args:
            prepared: where the programs run, and what the nodes of a cluster are compared with.
            workers: programs that may use a core at the same time; see `machine.workers`.
            cache: take verdicts of earlier runs from the cache folder, and keep new ones there.
            expected: Python source for each program to come whose imports it will probably share.
            cluster: address of the Ray cluster whose nodes run the programs; this machine by default.
        """
        machine = prepared.environment, prepared.conditions
        file = cache_file() if cache else None
        self._engine: Engine | ClusterEngine
        if cluster is None:
            self._engine = Engine(*machine, workers=workers, cache=file, expected=expected)
        else:
            self._engine = ClusterEngine(cluster, *machine, workers=workers, cache=file, expected=expected)
        self._lock = threading.Lock()
        self._executed: dict[Program, Future[Verdict]] = {}

    @property
    def running(self) -> int:
        """Programs that run now."""
        return self._engine.running

    @property
    def nodes(self) -> list[NodeUse] | None:
        """The nodes of the cluster, and how many programs of this session each has executed; None without one."""
        return self._engine.used if isinstance(self._engine, ClusterEngine) else None

    def lookup(self, program: Program) -> Verdict | None:
        """See `Engine.lookup`."""
        return self._engine.lookup(program)

    def submit(self, program: Program, *, fresh: bool = False) -> Future[Verdict]:
        """The verdict on a program, some time; executed at most once in a session.

        Args:
            program: what to run.
            fresh: do not take a verdict from the cache, unless this session put it there.

        Raises:
            RuntimeError, ExecutionFailed: as `Engine.submit`.
        """
        with self._lock:
            future = self._executed.get(program)
            if future is None:
                future = self._engine.submit(program, fresh=fresh)
                if fresh or not future.done():  # else it came from the cache
                    self._executed[program] = future
        return future

    def submit_ground_truth(self, tasks: Sequence[Task]) -> None:
        """Begin to execute the canonical solutions of which it is not known that they pass."""
        programs = [program_of(task) for task in sorted(tasks, key=_usual_seconds, reverse=True)]
        known = {program.task_id: self.lookup(program) for program in programs}
        unknown = [program for program in programs if not ((verdict := known[program.task_id]) and verdict.passed)]
        for program in unknown:
            self.submit(program, fresh=True)

    def submit_sample(self, task: Task, sample: Sample, *, calibrated: bool) -> Submitted:
        """Make a sample's solution and submit its program, calibrated or not."""
        solution = sample.solution()
        executed = calibrate(solution, task["code_prompt"]) if calibrated else solution
        program = Program(task["task_id"], executed, task["test"])
        return Submitted(solution, sample.raw, self.submit(program))

    def submit_samples(
        self, tasks: Sequence[Task], samples: Sequence[Sequence[Sample]], *, calibrated: bool
    ) -> list[list[Submitted]]:
        """The same for all samples of all tasks, in their shape."""
        places = [(number, place) for number, answers in enumerate(samples) for place in range(len(answers))]
        # The longest first, because a program is submitted as soon as its solution is made.
        places.sort(key=lambda at: _usual_seconds(tasks[at[0]]), reverse=True)
        submitted: dict[tuple[int, int], Submitted] = {}
        with progress(len(places), "Sanitizing", "sample", leave=False) as bar:
            for number, place in places:
                sample = samples[number][place]
                submitted[number, place] = self.submit_sample(tasks[number], sample, calibrated=calibrated)
                bar.update()
        return [[submitted[number, place] for place in range(len(answers))] for number, answers in enumerate(samples)]

    def collect(self, submitted: Sequence[Sequence[Submitted]], description: str) -> list[list[SampleRecord]]:
        """Wait for the verdicts, with a progress bar on a terminal; the records, in the shape of what was submitted.

        Raises:
            ExecutionFailed: our own machinery broke; no verdict is made up.
            SandboxUnavailable: the machine can no longer isolate programs as it could.
        """
        futures = [sample.verdict for several in submitted for sample in several]
        passed = 0
        counting = threading.Lock()  # futures call back from the thread of the engine, or at once from this one
        with progress(len(futures), description, "sample") as bar:

            def show(future: Future[Verdict]) -> None:
                nonlocal passed
                if future.cancelled() or future.exception() is not None:
                    return
                with counting:
                    passed += future.result().passed
                    bar.set_postfix_str(f"passed {passed}, running {self.running}", refresh=False)
                    bar.update()

            for future in futures:
                future.add_done_callback(show)
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()  # raises what kept us from a verdict
        return [
            [SampleRecord.of(sample.solution, sample.raw, sample.verdict.result()) for sample in several]
            for several in submitted
        ]

    def set_background(self, background: bool) -> None:
        """See `Engine.set_background`."""
        self._engine.set_background(background)

    def close(self, *, wait: bool = True) -> None:
        """End the engine; without waiting, what still runs is ended too. No process is left."""
        self._engine.shutdown(wait)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(wait=kind is None)


def _usual_seconds(task: Task) -> float:
    return SCHEDULE.seconds.get(task["task_id"], 0.0)
