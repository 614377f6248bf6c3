"""Runs programs on this machine through a fork server, and recovers when that breaks.

::

    callers' threads            the pool's thread                         fork server, a process
    ────────────────            ─────────────────                         ──────────────────────
    Engine.submit ── add ──▶    scheduler: which job is next
                     wake ──▶   _drive: start a server, keep it busy
                                        StartProgram, Stop         ──▶    forks a sample
                                        Waiting, Done, Broken      ◀──    polls it, kills it
    Future  ◀── judged, failed ── judge     SampleSocket: program, report    ◀──▶   sample

One thread owns the server, so the server needs no lock. What callers' threads use too (the scheduler, the imports,
whether the pool closes) is under `Pool._lock`. It is never held while the pool calls the listener or talks to the
server, because a future's callback may submit programs.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.errors import BigCodeBenchError, ExecutionFailed, SandboxUnavailable
from bigcodebench_tasks.execution.judge import judge, suite_of
from bigcodebench_tasks.execution.preloading import ImportCounter
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.scheduler import ATTEMPTS, Job, Scheduler
from bigcodebench_tasks.execution.server_process import SandboxRefused, ServerLost, ServerProcess
from bigcodebench_tasks.execution.verdict import Verdict
from bigcodebench_tasks.execution.worker import protocol

# The first server imports what the first programs import: it starts when none was added for so long, seconds, or after
# the second time at the latest.
_QUIET_S, _QUIET_AT_MOST_S = 0.02, 0.5

# A program that failed in the background counts if it waited less than this for a core, seconds, in all its time.
_STARVED_S = 0.1


@dataclass(frozen=True)
class Listener:
    """What the pool reports of a job, from its own thread: `started`, at last either `judged` or `failed`."""

    started: Callable[[Job], None]
    judged: Callable[[Job, Verdict], None]
    failed: Callable[[Job, BaseException], None]


class Pool:
    """Runs jobs through a fork server, in a thread of its own. Its methods may be called from any thread."""

    def __init__(
        self,
        start: Callable[[list[str]], ServerProcess],
        workers: int,
        schedule: Schedule,
        listener: Listener,
        time_limit_s: Callable[[str], float],
        *,
        preload: bool = True,
        expected: Collection[str] = (),
    ) -> None:
        """
        Args:
            start: starts a server that imports these modules.
            workers: programs that may use a core at the same time.
            schedule: known durations, and which tasks depend on timing.
            listener: is told about every job.
            time_limit_s: wall-clock seconds that a program of a task has, by task_id.
            preload: let the server import what several programs import.
            expected: Python source whose imports the programs will probably share; by default the programs added so far
                are counted.
        """
        self._start, self._schedule, self._listener, self._time_limit_s = start, schedule, listener, time_limit_s
        self._preload = preload
        self._imports = ImportCounter()
        for source in expected:
            self._imports.add(source)
        self._counts_imports = self._waits_for_quiet = preload and not expected
        self._lock = threading.Lock()
        self._scheduler = Scheduler(workers, schedule)
        self._retire_server = False
        self._closing = self._abandoned = False
        self._broken: BaseException | None = None
        self._lost_in_a_row = 0
        self._added = 0.0
        self._wake_r, self._wake_w = os.pipe()
        for end in (self._wake_r, self._wake_w):
            os.set_blocking(end, False)
        # A daemon, so that the interpreter can exit with an open pool; the server ends with its socket.
        self._thread = threading.Thread(target=self._run, name="bigcodebench-pool", daemon=True)
        self._thread.start()

    @property
    def running(self) -> int:
        """Programs that run now."""
        return self._scheduler.running

    def add(self, job: Job) -> None:
        """Queue a job. Raises RuntimeError once the pool was closed, ExecutionFailed if its thread has failed."""
        with self._lock:
            if self._broken is not None:
                raise ExecutionFailed(f"the pool that runs programs has ended: {self._broken!r}") from self._broken
            if self._closing:
                raise RuntimeError("no program can be submitted any more: the engine was shut down")
            if self._counts_imports:
                self._imports.add(f"{job.program.solution}\n{job.program.test}")
            self._scheduler.queue.push(job)
            self._added = time.monotonic()
        self._wake()

    def set_background(self, background: bool) -> None:
        """Leave most of the machine to other processes, such as a model that generates, or take it back.

        In the background a core is left free, and programs use only what other processes leave of the others. A verdict
        is never that of a busy machine: see `may_pass_undisturbed`.
        """
        with self._lock:
            self._scheduler.set_background(background)
        self._wake()

    def record_duration(self, task_id: str, seconds: float) -> None:
        """A program of the task passed and took this long."""
        with self._lock:
            self._scheduler.queue.record_duration(task_id, seconds)

    def close(self, *, abandon: bool) -> None:
        """End the pool; no process of it is left when this returns.

        Args:
            abandon: end what runs and start nothing more, the jobs fail; else all jobs get their verdict first.
        """
        if not abandon:
            self.set_background(False)  # else jobs that are held back would never start
        with self._lock:
            self._closing = True
            self._abandoned |= abandon
        self._wake()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _wake(self) -> None:
        # Under the lock, because the thread closes the pipe when it ends: its number may be another file's then.
        with self._lock, contextlib.suppress(BlockingIOError):  # a full pipe wakes the thread as well
            if self._wake_w >= 0:
                os.write(self._wake_w, b"+")

    # -- the pool's thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._drive()
        except BaseException as error:  # a bug: no future may wait forever for a verdict that never comes
            with self._lock:
                self._broken = error
            self._fail_all(ExecutionFailed(f"the pool that runs programs has ended: {error!r}; please report this"))
        finally:
            self._fail_all(ExecutionFailed("the engine was shut down before this program had its verdict"))
            self._scheduler.close()
            with self._lock:
                os.close(self._wake_w)
                os.close(self._wake_r)
                self._wake_w = -1

    def _drive(self) -> None:
        """Keep a server while there is something to run, until the pool closes."""
        while self._wait_for_work():
            with self._lock:
                preload = self._imports.names() if self._preload else []
            try:
                with self._start(preload) as server:
                    self._use(server)
            except ServerLost as lost:
                self._lost(str(lost))
            except SandboxRefused as error:
                self._fail_all(SandboxUnavailable(f"the sandbox cannot be set up: {error}"))
            except BigCodeBenchError as error:
                self._fail_all(error)
            except OSError as error:
                self._fail_all(ExecutionFailed(f"the fork server cannot be started: {error}"))

    def _wait_for_work(self) -> bool:
        """Wait for a job. False when the pool has closed and no job is left."""
        began = 0.0
        while True:
            with self._lock:
                if self._abandoned or (self._closing and not self._scheduler.has_work):
                    return False
                work, added = self._scheduler.has_work, self._added
            if work:
                began = began or time.monotonic()
                now = time.monotonic()
                quiet = now - added >= _QUIET_S or now - began >= _QUIET_AT_MOST_S
                if quiet or self._closing or not self._waits_for_quiet:
                    self._waits_for_quiet = False
                    return True
            self._sleep(_QUIET_S if work else None)

    def _sleep(self, limit_s: float | None) -> None:
        """Wait until `_wake` is called, at most for `limit_s`."""
        poll = select.poll()  # unlike select(), it takes descriptors over 1023
        poll.register(self._wake_r, select.POLLIN)
        poll.poll(None if limit_s is None else limit_s * 1000)
        self._clear_wake()

    def _clear_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_r, 4096):
                pass

    def _use(self, server: ServerProcess) -> None:
        """Run jobs on a server. Raises ServerLost, SandboxRefused, ExecutionFailed."""
        try:
            while not server.wait_until_ready(self._wake_r):
                self._clear_wake()
                if self._abandoned:
                    return
            self.degraded = server.degraded
            self._feed(server)
        except OSError as error:  # samples can use up what all processes of the user share
            raise ServerLost(f"the fork server cannot be used: {error}") from error

    def _feed(self, server: ServerProcess) -> None:
        """Run jobs until the pool closes, or until another server would serve the queue better. Raises ServerLost."""
        self._retire_server = False
        while True:
            with self._lock:
                idle, done = not self._scheduler.running, not self._scheduler.has_work
                if self._abandoned or (idle and done and self._closing) or (idle and self._retire_server):
                    return
                if idle and not done and self._preload and not server.preloaded.issuperset(self._imports.names()):
                    return
            self._fill(server)
            messages = server.wait(wake=self._wake_r)
            self._clear_wake()
            for message in messages:
                self._take(message)

    def _fill(self, server: ServerProcess) -> None:
        """Start programs while there is room."""
        while True:
            with self._lock:
                # It counts as running before it is sent: if the server is lost right here, it is queued again.
                job = self._scheduler.start_next()
            if job is None:
                return
            if not self._scheduler.blame.is_canary(job):
                self._listener.started(job)
            program = job.program
            run = protocol.StartProgram(
                job.number,
                one_core=program.task_id in self._schedule.race,
                background=job.background,
                timeout_s=self._time_limit_s(program.task_id),
            )
            server.run(run, program)

    def _take(self, message: protocol.Message | Outcome) -> None:
        if isinstance(message, protocol.Waiting):
            with self._lock:
                self._scheduler.set_waiting(message.ids)
        elif isinstance(message, protocol.Broken):
            job = self._end(message.id)
            if job:
                self._retry(job, message.why)
                self._retire_server |= job.failures > 1  # the fault may be that of this server
        elif isinstance(message, Outcome):
            job = self._end(message.id)
            if job:
                self._lost_in_a_row = 0
                self._judge(job, message)

    def _judge(self, job: Job, outcome: Outcome) -> None:
        if self._scheduler.blame.is_canary(job):
            if outcome.report is None:
                self._retry(job, f"it ended as {outcome}")
                return
            with self._lock:
                blamed = self._scheduler.blame.confirm()
            for job, verdict in blamed:
                self._listener.judged(job, verdict)
            return
        if outcome.killed == protocol.CROWDED:
            with self._lock:
                self._scheduler.blame.add(job)
            return
        verdict = judge(outcome, suite_of(job.program.test))
        if verdict.passed:
            self.record_duration(job.program.task_id, verdict.seconds)
        elif job.background and may_pass_undisturbed(job, outcome, self._schedule):
            with self._lock:
                self._scheduler.retry_in_foreground(job)
            return
        self._listener.judged(job, verdict)

    def _end(self, number: int) -> Job | None:
        """The job runs no more."""
        with self._lock:
            return self._scheduler.end(number)

    def _lost(self, why: str) -> None:
        """A server ended while it was needed. The jobs that ran may be to blame; if none ran, no program is."""
        if not self._scheduler.running:
            self._lost_in_a_row += 1
            if self._lost_in_a_row >= ATTEMPTS:
                self._lost_in_a_row = 0
                self._fail_all(ExecutionFailed(f"{ATTEMPTS} attempts to run programs in a row failed: {why}"))
            return
        for number in self._scheduler.running_numbers:
            job = self._end(number)
            if job:
                self._retry(job, why)

    def _retry(self, job: Job, why: str) -> None:
        """A job could not be run: queue it again, beside others or alone."""
        with self._lock:
            machine_is_broken = self._scheduler.retry(job, why)
        if machine_is_broken:
            self._fail_all(
                ExecutionFailed(
                    f"not even a minimal program could be run in {ATTEMPTS} attempts: {why}. "
                    "Verdicts so far are kept; free memory, disk space or processes and run again"
                )
            )

    def _fail_all(self, error: BaseException) -> None:
        """No job that is queued or runs gets a verdict."""
        with self._lock:
            jobs = self._scheduler.drain()
        for job in jobs:
            if not self._scheduler.blame.is_canary(job):
                self._listener.failed(job, error)


def may_pass_undisturbed(job: Job, outcome: Outcome, schedule: Schedule) -> bool:
    """Whether a program that failed in the background may pass with the machine to itself, and so runs again.

    - Its task depends on timing.
    - It had to wait for a core.
    - It ended without a report, and not by a limit of its own: the kernel kills programs when memory is short.
    """
    timing = job.program.task_id in (*schedule.measure_time, *schedule.race)
    vanished = outcome.report is None and not outcome.killed
    return timing or vanished or outcome.starved_s >= _STARVED_S
