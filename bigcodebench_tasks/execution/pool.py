"""Runs programs on this machine over a fork server, and what to do when that breaks. Which one is next: `scheduler`.

::

    callers' threads            the pool's thread                       fork server, a process
    ────────────────            ─────────────────                       ──────────────────────
    Engine.submit ── add ──▶    queue, longest first
                     wake ──▶   _drive: start a server, fill it, take what it says
                                        StartProgram, Stop                 ──▶   forks a sample
                                        Waiting, Done, Broken     ◀──   looks, kills
    Future  ◀── judged, failed ── judge     SampleSocket: program, report    ◀──▶   sample

One thread owns the server, so nothing about it needs a lock. What callers' threads touch (the queue, the
numbers of running programs, whether the pool closes) is under `Pool._lock`, which is never held while the pool
calls back or talks to the server: a callback may add programs.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.errors import BigCodeBenchError, ExecutionFailed, SandboxUnavailable
from bigcodebench_tasks.execution.crash_blame import ATTEMPTS
from bigcodebench_tasks.execution.job_queue import Job
from bigcodebench_tasks.execution.judge import judge, suite_of
from bigcodebench_tasks.execution.preloading import ImportCounter
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.scheduler import Scheduler
from bigcodebench_tasks.execution.server_process import SandboxRefused, ServerLost, ServerProcess
from bigcodebench_tasks.execution.verdict import Verdict
from bigcodebench_tasks.execution.worker import protocol

__all__ = ["ATTEMPTS", "STRETCHED_S", "Job", "Listener", "Pool"]

# A server imports what the programs at hand import, so the first one waits until no program was added for this long,
# but not for ever.
_QUIET_S, _QUIET_AT_MOST_S = 0.02, 0.5

# A program that looks at a clock can fail because it had to wait this long for its core, all in all.
STRETCHED_S = 0.1

# What a program says that looks at a clock, or at what another process or thread has done meanwhile.
_LOOKS_AT_A_CLOCK = re.compile(
    r"\b(time|timeit|datetime|timeout|sleep|alarm|clock|sched|threading|multiprocessing|subprocess|concurrent|asyncio"
    r"|signal|socket|requests|urllib|http|psutil|Thread|Process|Popen)\b"
)


@dataclass(frozen=True)
class Listener:
    """What the pool says of a job, from its own thread; the last two are the end of it, and one of them comes."""

    started: Callable[[Job], None]
    judged: Callable[[Job, Verdict], None]
    failed: Callable[[Job, BaseException], None]


class Pool:
    """Runs jobs over a fork server, in a thread of its own. Its methods may be called from any thread."""

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
            start: starts a server that imports these modules once for all programs.
            workers: programs that may use a core at the same time.
            schedule: how tasks want to be run.
            listener: told of every job.
            time_limit_s: wall-clock seconds that a program of a task has, by task_id.
            preload: import what several programs import once for all.
            expected: Python source whose imports the programs will probably share.
        """
        self._start, self._workers, self._schedule, self._listener = start, workers, schedule, listener
        self._time_limit_s = time_limit_s
        self._preload = preload
        self._wanted = ImportCounter()
        for source in expected:
            self._wanted.add(source)
        # Where nobody said what to expect, what came so far tells.
        self._counts = preload and not expected
        self._waits_for_quiet = self._counts
        self._lock = threading.Lock()
        self._scheduler = Scheduler(workers, schedule)
        self._retire = False
        self._closing = self._abandoned = False
        self._broken: BaseException | None = None
        self._lost_in_a_row = 0
        self._added = 0.0
        self._wake_r, self._wake_w = os.pipe()
        for end in (self._wake_r, self._wake_w):
            os.set_blocking(end, False)
        # A daemon: should nobody close the pool, the interpreter can leave all the same, and with the socket's end the
        # server leaves too.
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
            if self._counts:
                self._wanted.add(f"{job.program.solution}\n{job.program.test}")
            self._scheduler.add(job)
            self._added = time.monotonic()
        self._wake()

    def set_background(self, background: bool) -> None:
        """Leave the machine to somebody else for a while, or take it back.

        In the background a core is left free, programs run only while nothing else wants their core, and those whose
        verdict depends on timing wait. So does what did not pass there and could have, had it had its core: it is
        executed again afterwards, because a verdict shall be that of a quiet machine.
        """
        with self._lock:
            self._scheduler.set_background(background)
        self._wake()

    def learn(self, durations: Mapping[str, float]) -> None:
        """Programs of these tasks, by task_id, are known to take these seconds."""
        with self._lock:
            self._scheduler.learn(durations)

    def close(self, *, abandon: bool) -> None:
        """End the pool; no process of it is left when this returns.

        Args:
            abandon: end what runs and start nothing more, the jobs fail; else all jobs get their verdict first.
        """
        if not abandon:
            self.set_background(False)  # or what is held back would have to wait for ever
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
        except BaseException as error:  # a fault of ours: nobody may wait for ever for a verdict that never comes
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
                preload = self._wanted.names() if self._preload else []
            try:
                with self._start(preload) as server:
                    if self._wait_until_ready(server):
                        self._feed(server)
            except ServerLost as lost:
                self._lost(str(lost))
            except SandboxRefused as error:
                self._fail_all(SandboxUnavailable(f"this machine cannot isolate programs as asked: {error}"))
            except BigCodeBenchError as error:
                self._fail_all(error)
            except OSError as error:
                self._fail_all(ExecutionFailed(f"the fork server cannot be started: {error}"))

    def _wait_for_work(self) -> bool:
        """Wait for a job; False when the pool has closed and there is none, or none is wanted any more."""
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
        """Until somebody calls `_wake`, or for so long."""
        poll = select.poll()  # unlike select(), it takes descriptors over 1023
        poll.register(self._wake_r, select.POLLIN)
        poll.poll(None if limit_s is None else limit_s * 1000)
        self._forget_wakes()

    def _forget_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_r, 4096):
                pass

    def _wait_until_ready(self, server: ServerProcess) -> bool:
        """False if the pool was abandoned meanwhile."""
        while not server.wait_until_ready(self._wake_r):
            self._forget_wakes()
            if self._abandoned:
                return False
        return True

    def _feed(self, server: ServerProcess) -> None:
        """Run jobs until the pool is abandoned or closed and done, or another server would serve what is queued better.

        Raises ServerLost.
        """
        self._retire = False
        while True:
            with self._lock:
                idle, done = not self._scheduler.running, not self._scheduler.has_work
                if self._abandoned or (idle and done and self._closing) or (idle and self._retire):
                    return
                if idle and not done and self._preload and not server.preloaded.issuperset(self._wanted.names()):
                    return
            self._fill(server)
            messages = server.wait(wake=self._wake_r)
            self._forget_wakes()
            for message in messages:
                self._take(message)

    def _fill(self, server: ServerProcess) -> None:
        """Start programs while fewer than `workers` of the running ones want a core."""
        while True:
            with self._lock:
                # It counts as running before it is sent: should the server be lost right here, it is queued again.
                job = self._scheduler.start_next()
            if job is None:
                return
            if not self._scheduler.is_canary(job):
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
                self._scheduler.say_waiting(message.ids)
        elif isinstance(message, protocol.Broken):
            job = self._end(message.id)
            if job:
                self._again(job, message.why)
                # Whatever is wrong may be wrong with this server.
                self._retire |= job.failures > 1
        elif isinstance(message, Outcome):
            job = self._end(message.id)
            if job:
                self._lost_in_a_row = 0
                self._judge(job, message)

    def _judge(self, job: Job, outcome: Outcome) -> None:
        if self._scheduler.is_canary(job):
            if outcome.report is None:
                self._again(job, f"it ended as {outcome}")
                return
            with self._lock:
                blamed = self._scheduler.confirm()
            for job, verdict in blamed:
                self._listener.judged(job, verdict)
            return
        if outcome.killed == protocol.CROWDED:
            with self._lock:
                self._scheduler.again_alone(job)
            return
        verdict = judge(outcome, suite_of(job.program.test))
        if verdict.passed:
            self.learn({job.program.task_id: verdict.seconds})
        if not verdict.passed and job.background and _had_not_its_core(job, outcome):
            with self._lock:
                self._scheduler.again_in_quiet(job)
        else:
            self._listener.judged(job, verdict)

    def _end(self, number: int) -> Job | None:
        """The job runs no more."""
        with self._lock:
            return self._scheduler.end(number)

    def _lost(self, why: str) -> None:
        """A server ended while it was needed: what ran may be to blame; if nothing did, no program is."""
        if not self._scheduler.running:
            self._lost_in_a_row += 1
            if self._lost_in_a_row >= ATTEMPTS:
                self._lost_in_a_row = 0
                self._fail_all(ExecutionFailed(f"{ATTEMPTS} attempts to run programs in a row failed: {why}"))
            return
        for number in self._scheduler.numbers:
            job = self._end(number)
            if job:
                self._again(job, why)

    def _again(self, job: Job, why: str) -> None:
        """Queue a job again after a failure of ours, beside others or alone; see `suspects`."""
        with self._lock:
            hopeless = self._scheduler.again(job, why)
        if hopeless:
            self._fail_all(
                ExecutionFailed(
                    f"not even a harmless program could be run in {ATTEMPTS} attempts: {why}. "
                    "Verdicts so far are kept; free memory, disk space or processes and run again"
                )
            )

    def _fail_all(self, error: BaseException) -> None:
        """Nothing that is queued or runs gets a verdict."""
        with self._lock:
            jobs = self._scheduler.drain()
        for job in jobs:
            if not self._scheduler.is_canary(job):
                self._listener.failed(job, error)


def _had_not_its_core(job: Job, outcome: Outcome) -> bool:
    """Whether a program that did not pass in the background could have passed on a quiet machine."""
    if outcome.killed or outcome.report is None:  # the time limit, or whatever ends programs when memory is short
        return True
    source = f"{job.program.solution}\n{job.program.test}"
    return outcome.starved_s >= STRETCHED_S and _LOOKS_AT_A_CLOCK.search(source) is not None
