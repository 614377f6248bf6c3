"""Programs on their way and the futures that wait for them: equal programs are executed once, known ones not at all."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.job_queue import Job
from bigcodebench_tasks.execution.verdict import Program, Verdict


class InFlight:
    """Which futures wait for which program, and what the cache knows. Its methods may be called from any thread.

    It does not know the engine, so that an engine can become garbage. Futures are resolved without the lock: whoever
    waits may submit from a callback.
    """

    def __init__(self, cache: VerdictCache | None) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._jobs: dict[Program, Job] = {}
        self._futures: dict[int, list[Future[Verdict]]] = {}
        self._begun: set[int] = set()

    def known(self, program: Program) -> Verdict | None:
        return None if self._cache is None else self._cache.get(program)

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
        for future in self._complete(job):
            future.set_result(verdict)

    def failed(self, job: Job, error: BaseException) -> None:
        for future in self._complete(job):
            if future.running() or future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _complete(self, job: Job) -> Sequence[Future[Verdict]]:
        """The futures that wait for the job, which is in flight no more."""
        with self._lock:
            if self._jobs.get(job.program) is job:
                del self._jobs[job.program]
            self._begun.discard(job.number)
            return self._futures.pop(job.number, [])

    def close(self) -> None:
        if self._cache is not None:
            self._cache.close()
