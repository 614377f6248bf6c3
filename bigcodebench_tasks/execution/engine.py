"""Programs in, verdicts out. It works like `concurrent.futures.Executor`::

with Engine.open(sandbox="auto", workers=2) as engine:
    future = engine.submit(program)
    verdict = future.result()
"""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE, Schedule
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.conditions import Conditions, Limits
from bigcodebench_tasks.execution.pool import Listener, Pool
from bigcodebench_tasks.execution.scheduler import Job
from bigcodebench_tasks.execution.server_process import ServerProcess
from bigcodebench_tasks.execution.speed import time_limit_s
from bigcodebench_tasks.execution.verdict import Program, Verdict

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on


class JobRunner(Protocol):
    """What runs the jobs of an engine: the pool of this machine, or that of a cluster. It reports to a `Listener`."""

    @property
    def running(self) -> int: ...

    def add(self, job: Job) -> None: ...

    def record_duration(self, task_id: str, seconds: float) -> None: ...

    def set_background(self, background: bool) -> None: ...

    def close(self, *, abandon: bool) -> None: ...


class Engine:
    """Executes programs, each in a sandbox and a process of its own, and judges them.

    Programs may be submitted at any time, from any thread, while others run. Programs of long tasks start first. Equal
    programs that are in flight at the same time are executed once. The first submission starts the fork server, so an
    engine that finds all verdicts in the cache starts none.

    A context manager. On exit it waits for all verdicts; after an exception it ends what runs. No process is left.
    """

    def __init__(
        self,
        environment: Environment,
        conditions: Conditions,
        *,
        workers: int | None = None,
        cache: Path | None = None,
        schedule: Schedule = SCHEDULE,
        preload: bool = True,
        expected: Collection[str] = (),
        pool: Callable[[Listener], JobRunner] | None = None,
    ) -> None:
        """
        Args:
            environment: its interpreter and libraries run the programs.
            conditions: limits, sandbox and network, of that environment (`Conditions.of`).
            workers: programs that may use a core at the same time; see `machine.workers`.
            cache: file with verdicts of earlier runs, read and extended (`cache.cache_file`); none by default.
            schedule: known durations, and which tasks depend on timing; those of BigCodeBench by default.
            preload: import once what many programs import. This changes no verdict, only the time.
            expected: Python source whose imports the programs will probably share; by default the programs submitted so
                far are counted.
            pool: makes what runs the programs, in place of processes on this machine. It then decides about `workers`,
                `schedule`, `preload` and `expected`.

        Raises:
            OptionError: `workers` is less than 1.
        """
        self.environment = environment
        self.conditions = conditions
        self._cache = None if cache is None else VerdictCache(cache, conditions)
        in_flight = _InFlight(self._cache)
        listener = Listener(in_flight.started, in_flight.judged, in_flight.failed)
        self._in_flight = in_flight
        if pool is None:
            workers = machine.workers(workers)
            limits = _with_tree_memory(conditions.limits, workers)

            def start(modules: list[str]) -> ServerProcess:
                return ServerProcess(environment, conditions.sandbox, limits=limits, preload=modules)

            limit_s = functools.partial(time_limit_s, conditions.speed, limits.timeout_s)
            self._pool: JobRunner = Pool(
                start, workers, schedule, listener, limit_s, preload=preload, expected=expected
            )
        else:
            self._pool = pool(listener)
        # For an engine that is not shut down: when it is garbage, and when the interpreter exits. So neither the pool
        # nor `_InFlight` may hold the engine.
        self._finalizer = weakref.finalize(self, _close, self._pool, self._cache, abandon=True)

    @classmethod
    def open(
        cls,
        sandbox: str = "auto",
        network: str = "loopback",
        limits: Limits | None = None,
        workers: int | None = None,
    ) -> Engine:
        """An engine in the execution environment, which is built if it is missing.

        Args:
            sandbox: its kind, "namespaces", "landlock" or "none"; "auto" for the strongest that works here.
            network: "loopback" or "host".
            limits: of each program; by default the official ones, changed by ``BIGCODEBENCH_TIMEOUT_PER_TASK``.
            workers: programs that may use a core at the same time; the cores by default.

        Raises:
            ExecutionEnvironmentError, SandboxUnavailable, OptionError, ExecutionFailed: as `prepare`.
        """
        from bigcodebench_tasks.execution.prepare import prepare  # it runs a canary in an engine

        prepared = prepare(None if sandbox == "auto" else sandbox, network)
        conditions = prepared.conditions if limits is None else replace(prepared.conditions, limits=limits)
        return cls(prepared.environment, conditions, workers=workers)

    @property
    def running(self) -> int:
        """Programs that run now."""
        return self._pool.running

    @property
    def degraded(self) -> str | None:
        """See `Sandbox`; known once a program has run on this machine."""
        return self._pool.degraded if isinstance(self._pool, Pool) else None

    def submit(self, program: Program, *, fresh: bool = False) -> Future[Verdict]:
        """Execute a program, or take its verdict from the cache.

        Args:
            program: what to run.
            fresh: execute it although its verdict is in the cache.

        Returns:
            A future that resolves to the verdict. If it has an exception, this is never the program's fault:
            ExecutionFailed (the fork server could not be used repeatedly) or SandboxUnavailable.

        Raises:
            RuntimeError: the engine was shut down.
            ExecutionFailed: the engine has ended because of a bug.
        """
        known = None if fresh else self.lookup(program)
        if known is not None:
            future: Future[Verdict] = Future()
            future.set_result(known)
            return future
        future, job = self._in_flight.register(program)
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
        """The cached verdict of an equal program under equal conditions. Nothing is executed."""
        verdict = None if self._cache is None else self._cache.get(program)
        if verdict is not None and verdict.passed:
            self._pool.record_duration(program.task_id, verdict.seconds)
        return verdict

    def set_background(self, background: bool) -> None:
        """Leave most of the machine to a model that generates, or take it back; see `Pool.set_background`.

        Futures of programs that failed because the machine was busy stay pending until it is taken back.
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
        _close(self._pool, self._cache, abandon=not wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(wait=kind is None)


class _InFlight:
    """The jobs that have no verdict yet, by program: equal programs share a job. Its methods are thread-safe.

    Futures are resolved without the lock, because their callbacks may submit programs.
    """

    def __init__(self, cache: VerdictCache | None) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._jobs: dict[Program, Job] = {}

    def register(self, program: Program) -> tuple[Future[Verdict], Job | None]:
        """A future for the program, and the job to queue for it unless an equal one is in flight."""
        future: Future[Verdict] = Future()
        with self._lock:
            job = self._jobs.get(program)
            new = job is None
            if job is None:
                job = self._jobs[program] = Job(program, next(self._numbers))
            job.futures.append(future)
            if job.begun:
                future.set_running_or_notify_cancel()
        future.add_done_callback(functools.partial(self._drop_cancelled, job))
        return future, job if new else None

    def _drop_cancelled(self, job: Job, future: Future[Verdict]) -> None:
        """A future is done. If it was cancelled, its job forgets it, and is cancelled with its last future."""
        with self._lock:
            if future.cancelled() and future in job.futures:
                future.set_running_or_notify_cancel()
                job.futures.remove(future)
                if not job.futures and not job.begun:
                    job.cancelled = True
                    self._forget(job)

    def cancel(self) -> None:
        """Cancel what has not begun."""
        with self._lock:
            futures = [future for job in self._jobs.values() for future in job.futures]
        for future in futures:
            future.cancel()

    def started(self, job: Job) -> None:
        with self._lock:
            job.begun = True
            # A job that is queued again after a lost server has running futures. A future that was cancelled just now
            # is notified here; its callback then finds it gone.
            job.futures[:] = [each for each in job.futures if each.running() or each.set_running_or_notify_cancel()]

    def judged(self, job: Job, verdict: Verdict) -> None:
        if self._cache is not None:
            self._cache.put(job.program, verdict)
        for future in self._complete(job):
            future.set_result(verdict)

    def failed(self, job: Job, error: BaseException) -> None:
        for future in self._complete(job):
            if future.running() or future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _complete(self, job: Job) -> list[Future[Verdict]]:
        """The futures of a job, which is in flight no more."""
        with self._lock:
            self._forget(job)
            futures, job.futures = job.futures, []
            return futures

    def _forget(self, job: Job) -> None:
        if self._jobs.get(job.program) is job:
            del self._jobs[job.program]


def _close(pool: JobRunner, cache: VerdictCache | None, *, abandon: bool) -> None:
    pool.close(abandon=abandon)
    if cache is not None:
        cache.close()


def _with_tree_memory(limits: Limits, workers: int) -> Limits:
    """The limits with a number for the memory of all processes of a program together."""
    if limits.tree_memory_mib is not None:
        return limits
    machine_mib = machine.memory_mib()
    share = limits.memory_mib if machine_mib is None else max(1024, int(machine_mib * 0.8) // workers)
    return replace(limits, tree_memory_mib=min(limits.memory_mib, share))
