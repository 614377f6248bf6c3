"""What every engine does, wherever its programs run: futures out, the cache asked first, equal programs run once."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from bigcodebench_tasks.execution.in_flight import InFlight
from bigcodebench_tasks.execution.job_queue import Job
from bigcodebench_tasks.execution.verdict import Program, Verdict

if TYPE_CHECKING:
    from typing_extensions import Self  # typing's own from Python 3.11 on


class JobRunner(Protocol):
    """What runs the jobs of an engine: the pool of this machine, or that of a cluster."""

    @property
    def running(self) -> int: ...

    def add(self, job: Job) -> None: ...

    def learn(self, durations: Mapping[str, float]) -> None: ...

    def set_background(self, background: bool) -> None: ...

    def close(self, *, abandon: bool) -> None: ...


class BaseEngine:
    """Programs may be submitted at any time, from any thread. A context manager; see `Engine` and `ClusterEngine`."""

    def __init__(self, pool: JobRunner, in_flight: InFlight) -> None:
        """
        Args:
            pool: runs the programs.
            in_flight: who waits for them.
        """
        self._pool = pool
        self._in_flight = in_flight
        self._numbers = itertools.count()
        # Should nobody shut it down: when the engine is garbage, and at the interpreter's end.
        self._finalizer = weakref.finalize(self, _close, pool, in_flight, abandon=True)

    @property
    def running(self) -> int:
        """Programs that run now."""
        return self._pool.running

    def submit(self, program: Program, *, fresh: bool = False) -> Future[Verdict]:
        """Execute a program, or find its verdict.

        Args:
            program: what to run.
            fresh: execute it although its verdict is in the cache.

        Returns:
            Its verdict, some time. Its exception is what kept us from one, and never the program's fault:
            ExecutionFailed (our own machinery broke repeatedly) or SandboxUnavailable.

        Raises:
            RuntimeError: the engine was shut down.
            ExecutionFailed: the engine has ended by a fault of its own.
        """
        known = None if fresh else self.lookup(program)
        if known is not None:
            future: Future[Verdict] = Future()
            future.set_result(known)
            return future
        future, job = self._in_flight.join(program, functools.partial(next, self._numbers))
        if job is not None:
            try:
                self._pool.add(job)
            except BaseException as error:
                self._in_flight.failed(job, error)
                raise
        return future

    def map(self, programs: Iterable[Program]) -> Iterator[Verdict]:
        """The verdicts of programs, in their order; all are submitted at once. Raises as `submit`'s futures do."""
        futures = [self.submit(program) for program in programs]

        def verdicts() -> Iterator[Verdict]:
            try:
                for future in futures:
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()

        return verdicts()

    def lookup(self, program: Program) -> Verdict | None:
        """The verdict of an equal program under equal conditions, if the cache has one. Nothing is executed.

        What passed before says how long its task takes, so it is also used to start long programs first.
        """
        verdict = self._in_flight.known(program)
        if verdict is not None and verdict.passed:
            self._pool.learn({program.task_id: verdict.seconds})
        return verdict

    def set_background(self, background: bool) -> None:
        """Leave the machine to somebody else (a model that generates), or take it back; see `Pool.set_background`.

        Futures of programs that have to wait for a quiet machine stay pending until it is taken back.
        """
        self._pool.set_background(background)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more programs. No process is left when this returns.

        Args:
            wait: for the verdicts of what was submitted; else what runs is ended, and its futures raise
                ExecutionFailed.
            cancel_futures: cancel what has not begun.
        """
        if cancel_futures or not wait:
            self._in_flight.cancel()
        self._finalizer.detach()
        _close(self._pool, self._in_flight, abandon=not wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(wait=kind is None)


def _close(pool: JobRunner, in_flight: InFlight, *, abandon: bool) -> None:
    pool.close(abandon=abandon)
    in_flight.close()
