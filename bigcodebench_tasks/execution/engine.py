"""Programs in, verdicts out: the handle on everything that executes programs on this machine.

It is used in the manner of `concurrent.futures.Executor`::

    with Engine(environment, conditions) as engine:
        future = engine.submit(program)
        verdict = future.result()
"""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE, Schedule
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.choose_level import probe
from bigcodebench_tasks.execution.conditions import Conditions, Limits
from bigcodebench_tasks.execution.pool import Allowance, Job, Listener, Pool
from bigcodebench_tasks.execution.server_process import ServerProcess
from bigcodebench_tasks.execution.speed import FAST, time_limit_s
from bigcodebench_tasks.execution.surroundings import surroundings
from bigcodebench_tasks.execution.verdict import Program, Verdict


class Engine:
    """Executes programs, each in a process of its own, confined, and judges them.

    Programs may be submitted at any time, from any thread, while others run; those that are known to take long
    start first. Equal programs that are in flight at the same time are executed once. The first submission starts
    the fork server, so an engine whose programs are all known already starts none.

    A context manager. On exit it waits for all verdicts, or, if an exception is on its way, ends what runs. No
    process is left then.
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
    ) -> None:
        """
        Args:
            environment: whose interpreter and libraries run the programs.
            conditions: of that environment (`Conditions.of`): limits, isolation, network.
            workers: programs that may use a core at the same time; see `machine.workers`.
            cache: file with verdicts of earlier runs, to read and to extend (`cache.cache_file`); none by default.
            schedule: how tasks want to be run, by task_id; what BigCodeBench's need by default.
            preload: import what many of the programs import once for all; changes no verdict, only the time.
            expected: where programs come one by one, Python source for each of them whose imports it will probably
                share; by default what was submitted so far tells what the next ones import.

        Raises:
            OptionError: the number of workers is none.
        """
        self.environment = environment
        self.conditions = conditions
        workers = machine.workers(workers)
        limits = _with_memory(conditions.limits, workers)

        def start(modules: list[str]) -> ServerProcess:
            return ServerProcess(
                environment, level=conditions.level, network=conditions.network, limits=limits, preload=modules
            )

        # What the canonical solution of a task took here, by task_id.
        self._canonical_s: dict[str, float] = {}
        self._flights = _Flights(None if cache is None else VerdictCache(cache, conditions, surroundings(environment)))
        listener = Listener(self._flights.started, self._flights.judged, self._flights.failed)
        # Not bound to the engine, so that an engine can become garbage.
        allowance = functools.partial(_allowance, conditions.speed, limits.timeout_s, self._canonical_s)
        self._pool = Pool(start, workers, schedule, listener, allowance, preload=preload, expected=expected)
        self._numbers = itertools.count()
        # Should nobody shut it down: when the engine is garbage, and at the interpreter's end.
        self._finalizer = weakref.finalize(self, _close, self._pool, self._flights, abandon=True)

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
        known = None if fresh else self.recall(program)
        if known is not None:
            future: Future[Verdict] = Future()
            future.set_result(known)
            return future
        future, job = self._flights.join(program, functools.partial(next, self._numbers))
        if job is not None:
            try:
                self._pool.add(job)
            except BaseException as error:
                self._flights.failed(job, error)
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

    def recall(self, program: Program) -> Verdict | None:
        """The verdict of an equal program under equal conditions, if the cache has one. Nothing is executed.

        What passed before says how long its task takes, so it is also used to start long programs first.
        """
        verdict = self._flights.known(program)
        if verdict is not None and verdict.passed:
            self._pool.learn({program.task_id: verdict.seconds})
        return verdict

    def measured(self, task_id: str, seconds: float) -> None:
        """The canonical solution of a task passed here in so many seconds: the measure of the speed "fast"."""
        self._canonical_s[task_id] = seconds

    def doubt(self, executed: Collection[str], failing: Collection[str]) -> None:
        """Believe no failure of these tasks that an earlier run kept; see `VerdictCache.doubt`."""
        self._flights.doubt(executed, failing)

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
            self._flights.cancel()
        self._finalizer.detach()
        _close(self._pool, self._flights, abandon=not wait)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(wait=kind is None)


class _Flights:
    """Which futures wait for which program. It does not know the engine, so that an engine can become garbage.

    Futures are resolved without the lock: whoever waits may submit from a callback.
    """

    def __init__(self, cache: VerdictCache | None) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._jobs: dict[Program, Job] = {}
        self._futures: dict[int, list[Future[Verdict]]] = {}
        self._begun: set[int] = set()

    def known(self, program: Program) -> Verdict | None:
        return None if self._cache is None else self._cache.get(program)

    def doubt(self, executed: Collection[str], failing: Collection[str]) -> None:
        if self._cache is not None:
            self._cache.doubt(executed, failing)

    def join(self, program: Program, number: Callable[[], int]) -> tuple[Future[Verdict], Job | None]:
        """A future for the program, and the job to queue for it unless an equal one is in flight."""
        future: Future[Verdict] = Future()
        with self._lock:
            job = self._jobs.get(program)
            new = job is None or not job.wanted
            if job is None or not job.wanted:  # that of a program which runs on for nobody is left alone
                job = self._jobs[program] = Job(program, number())
                self._futures[job.number] = []
            self._futures[job.number].append(future)
            if job.number in self._begun:
                future.set_running_or_notify_cancel()
        future.add_done_callback(functools.partial(self._released, job))
        return future, job if new else None

    def _released(self, job: Job, future: Future[Verdict]) -> None:
        """A future is done. If it was cancelled, it waits no more, and a job that nobody waits for is not started."""
        with self._lock:
            waiting = self._futures.get(job.number, [])
            if future in waiting:
                waiting.remove(future)
                if future.cancelled():
                    future.set_running_or_notify_cancel()
                if not waiting:
                    job.wanted = False
                    if job.number not in self._begun:  # else the pool tells its end
                        del self._jobs[job.program], self._futures[job.number]

    def cancel(self) -> None:
        """Cancel what has not begun."""
        with self._lock:
            futures = [future for number, waiting in self._futures.items() for future in waiting]
        for future in futures:
            future.cancel()

    def started(self, job: Job) -> None:
        with self._lock:
            self._begun.add(job.number)
            waiting = self._futures.get(job.number, [])
            # Queued again after a lost server, its futures are running already. One that was cancelled just now is
            # told so here, and its callback finds it gone.
            waiting[:] = [future for future in waiting if future.running() or future.set_running_or_notify_cancel()]

    def judged(self, job: Job, verdict: Verdict) -> None:
        if self._cache is not None:
            self._cache.put(job.program, verdict)
        for future in self._land(job):
            future.set_result(verdict)

    def failed(self, job: Job, error: BaseException) -> None:
        for future in self._land(job):
            if future.running() or future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _land(self, job: Job) -> Sequence[Future[Verdict]]:
        """The futures that wait for the job, which is in flight no more."""
        with self._lock:
            if self._jobs.get(job.program) is job:
                del self._jobs[job.program]
            self._begun.discard(job.number)
            return self._futures.pop(job.number, [])

    def close(self) -> None:
        if self._cache is not None:
            self._cache.close()


def _allowance(speed: str, official_s: float, canonical_s: Mapping[str, float], task_id: str) -> Allowance:
    return Allowance(time_limit_s(speed, official_s, canonical_s.get(task_id)), speed == FAST)


def _close(pool: Pool, flights: _Flights, *, abandon: bool) -> None:
    pool.close(abandon=abandon)
    flights.close()


def _with_memory(limits: Limits, workers: int) -> Limits:
    """The limits with the memory of all processes of a program together as a number."""
    if limits.tree_memory_mib is not None:
        return limits
    machine_mib = machine.memory_mib()
    share = limits.memory_mib if machine_mib is None else max(1024, int(machine_mib * 0.8) // workers)
    return replace(limits, tree_memory_mib=min(limits.memory_mib, share))


def execute(
    programs: Sequence[Program],
    environment: Environment,
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    sandbox: str | None = None,
    network: str = "loopback",
    preload: bool = True,
    schedule: Schedule = SCHEDULE,
    on_verdict: Callable[[int, Verdict], None] | None = None,
    cache: Path | None = None,
) -> list[Verdict]:
    """Run every program and judge it: an engine for one batch.

    Args:
        programs: what to run.
        limits: limits of each program; `resolve_limits()` by default.
        sandbox, network: see `probe`.
        on_verdict: called with index and verdict as each verdict comes, in the order of completion.
        environment, workers, preload, schedule, cache: see `Engine`.

    Returns:
        One verdict for each program, in input order.

    Raises:
        SandboxUnavailable: the machine cannot isolate programs as asked.
        ExecutionFailed: our machinery broke repeatedly; no program is to blame.
    """
    if not programs:
        return []
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox, network=network), limits)
    with Engine(environment, conditions, workers=workers, cache=cache, schedule=schedule, preload=preload) as engine:
        futures = [engine.submit(program) for program in programs]
        places = {future: index for index, future in enumerate(futures)}
        for future in as_completed(places):
            verdict = future.result()
            if on_verdict:
                on_verdict(places[future], verdict)
        return [future.result() for future in futures]
