"""Which program runs next on this machine, and whether there is room for it. No thread and no process of its own."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.crash_blame import CrashBlame
from bigcodebench_tasks.execution.job_queue import Job, Queue
from bigcodebench_tasks.execution.verdict import Verdict
from bigcodebench_tasks.execution.worker.memory import MachineMemory

# Programs that measure time sleep nearly all the while: one core that is kept free for them serves this many.
OWN_CORE_TOGETHER = 3

# Waiting programs cost no core but memory and processes: how many may run for each worker.
RUNNING_PER_WORKER = 8

# Programs that are known to take long have at most this share of the places while others wait: most of them sleep, and
# the cores shall not be idle meanwhile.
_SHARE_OF_LONG = 0.75


class Scheduler:
    """Jobs from their queue to their end. Whoever uses it sees to it that only one thread does at a time."""

    def __init__(self, workers: int, schedule: Schedule) -> None:
        """
        Args:
            workers: programs that may use a core at the same time.
            schedule: how tasks want to be run.
        """
        self._workers, self._schedule = workers, schedule
        self._queue = Queue(schedule)
        self._suspects = CrashBlame()
        self._memory = MachineMemory()
        self._running: dict[int, Job] = {}
        self._waiting: set[int] = set()
        self._background = False
        self._held: list[Job] = []

    @property
    def running(self) -> int:
        """Programs that run now."""
        return len(self._running)

    @property
    def numbers(self) -> list[int]:
        """Of the jobs that run, in the order in which they came."""
        return sorted(self._running)

    @property
    def has_work(self) -> bool:
        """Whether somebody waits for a job that could start."""
        return self._suspects.first() is not None or self._queue.first() is not None

    def add(self, job: Job) -> None:
        """Queue a job."""
        if self._background and self._depends_on_timing(job):
            self._held.append(job)
        else:
            self._queue.push(job)

    def set_background(self, background: bool) -> None:
        """See `Pool.set_background`."""
        self._background = background
        if not background:
            for job in self._held:
                self._queue.push(job)
            self._held.clear()

    def learn(self, durations: Mapping[str, float]) -> None:
        """Programs of these tasks, by task_id, are known to take these seconds."""
        for task_id, seconds in durations.items():
            self._queue.learn(task_id, seconds)

    # -- what runs -----------------------------------------------------------------------------------

    def start_next(self) -> Job | None:
        """The job that starts now, if one may; it counts as running from here on."""
        job = self._take_next()
        if job is not None:
            self._running[job.number] = job
            job.background = self._background
        return job

    def say_waiting(self, numbers: Collection[int]) -> None:
        """These of the running jobs want no core, and all others do."""
        self._waiting = set(numbers) & self._running.keys()

    def end(self, number: int) -> Job | None:
        """The job runs no more; None for one that did not."""
        self._waiting.discard(number)
        return self._running.pop(number, None)

    # -- again ---------------------------------------------------------------------------------------

    def again_in_quiet(self, job: Job) -> None:
        """Run it again once nothing else wants the machine."""
        (self._held.append if self._background else self._queue.push)(job)

    def again_alone(self, job: Job) -> None:
        """Run it again with nothing beside it."""
        self._suspects.add(job)

    def again(self, job: Job, why: str) -> bool:
        """Our machinery failed with it: run it again, beside others or alone. Whether that is hopeless by now."""
        if self._suspects.failed(job, why):
            self._queue.push(job)
        return self._suspects.hopeless

    def is_canary(self, job: Job) -> bool:
        """See `CrashBlame`."""
        return self._suspects.is_canary(job)

    def confirm(self) -> list[tuple[Job, Verdict]]:
        """See `CrashBlame`."""
        return self._suspects.confirm()

    def drain(self) -> list[Job]:
        """Take all out."""
        jobs = [*self._running.values(), *self._queue.drain(), *self._suspects.drain(), *self._held]
        self._running.clear()
        self._held.clear()
        self._waiting.clear()
        return jobs

    def close(self) -> None:
        """Close what it reads of the machine."""
        self._memory.close()

    # -- the rules -----------------------------------------------------------------------------------

    def _take_next(self) -> Job | None:
        job = self._suspects.first()
        if job is not None:
            if self._running:
                return None
            self._suspects.pop(job)
            return job
        job = self._next_of_the_queue()
        if job is None or not self._has_room_for(job):
            return None
        self._queue.pop(job)
        return job

    def _next_of_the_queue(self) -> Job | None:
        """The longest, unless so many long ones run that the others would have no place."""
        job = self._queue.first()
        if job is not None and self._queue.is_long(job):
            long = sum(map(self._queue.is_long, self._running.values()))
            if long >= _SHARE_OF_LONG * self._workers * RUNNING_PER_WORKER:
                return self._queue.first_short() or job
        return job

    def _has_room_for(self, job: Job) -> bool:
        """Whether a core is free for the program, and the machine has not too many of them at once."""
        if len(self._running) >= self._workers * RUNNING_PER_WORKER:
            return False
        if any(other.alone for other in self._running.values()):
            return False
        if self._running and self._memory.scarce:  # each below its limit, but not all of them together
            return False
        running = [*self._running.values(), job]
        measuring = [each.number for each in running if each.program.task_id in self._schedule.measure_time]
        busy = {each.number for each in running} - self._waiting - set(measuring)
        workers = max(1, self._workers - 1) if self._background else self._workers
        return len(busy) + math.ceil(len(measuring) / OWN_CORE_TOGETHER) <= workers

    def _depends_on_timing(self, job: Job) -> bool:
        return job.program.task_id in self._schedule.measure_time or job.program.task_id in self._schedule.race
