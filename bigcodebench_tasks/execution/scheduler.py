"""Which program starts next on this machine, and whether there is room for it. Plain data, no thread and no process.

- `Queue` holds the jobs that wait, the longest first.
- `CrashBlame` holds the jobs that run alone, because it is not known what broke the server.
- `Scheduler` decides between them, and knows what runs.

None of them has a lock: their user makes sure that one thread calls them at a time.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections import deque
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.verdict import CANARY, Program, Reason, Verdict
from bigcodebench_tasks.execution.worker.memory import MachineMemory

log = logging.getLogger("bigcodebench_tasks")

# A program whose task is known to take this long, seconds, counts as long: it starts before the others.
LONG_S = 5.0

# Programs that measure time sleep nearly all the time: one core that is kept free for them serves this many.
SHARE_RESERVED_CORE = 3

# Programs that wait need no core but memory and processes: how many may run for each worker.
RUNNING_PER_WORKER = 8

# Long programs take at most this share of these places while others wait: most of them sleep, and the cores would idle.
_SHARE_OF_LONG = 0.75

# A program that lost its server this often, or could not be started, is judged by `CrashBlame`.
ATTEMPTS = 3


@dataclass(eq=False)
class Job:
    """A program on its way to a verdict.

    Attributes:
        program: what is run.
        number: its place in the order of submission, and its id in messages to the server.
        futures: resolve to its verdict. They, `begun` and `cancelled` belong to the engine.
        begun: it was started at least once.
        cancelled: every future was cancelled before it began, so it is not started.
        failures: how often it could not be run, which was not its own doing as far as is known.
        background: it was started in the background.
        alone: nothing may run beside it.
    """

    program: Program
    number: int
    futures: list[Future[Verdict]] = field(default_factory=list)
    begun: bool = False
    cancelled: bool = False
    failures: int = 0
    background: bool = False
    alone: bool = False


class Queue:
    """Jobs that wait, those of the longest tasks first, then in the order of submission.

    Durations become known while jobs wait. If a task turns out to take longer, its jobs are entered again; their old
    entries are dropped when they come up.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._share_a_core = schedule.measure_time
        self._seconds = dict(schedule.seconds)
        self._long: list[tuple[float, int, Job]] = []
        self._short: list[tuple[float, int, Job]] = []
        self._jobs: dict[int, Job] = {}
        self._by_task: dict[str, set[int]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def push(self, job: Job) -> None:
        """Enter a job."""
        self._jobs[job.number] = job
        self._by_task.setdefault(job.program.task_id, set()).add(job.number)
        self._enter(job)

    def first(self) -> Job | None:
        """The next job; None if all that wait are cancelled."""
        return self._first_of(self._long) or self._first_of(self._short)

    def first_short(self) -> Job | None:
        """The next job that is not long."""
        return self._first_of(self._short)

    def pop(self, job: Job) -> None:
        """Take a job out."""
        if self._jobs.pop(job.number, None):
            self._by_task[job.program.task_id].discard(job.number)

    def drain(self) -> list[Job]:
        """Take all jobs out, cancelled ones too."""
        jobs = list(self._jobs.values())
        for entries in (self._long, self._short, self._jobs, self._by_task):
            entries.clear()
        return jobs

    def record_duration(self, task_id: str, seconds: float) -> None:
        """A program of the task took this long."""
        if seconds > self._seconds.get(task_id, 0.0):
            self._seconds[task_id] = seconds
            for number in self._by_task.get(task_id, ()):
                self._enter(self._jobs[number])

    def is_long(self, job: Job) -> bool:
        """Whether a job is known to take long."""
        return self._duration(job) >= LONG_S

    def _duration(self, job: Job) -> float:
        """Seconds that the job is known to take; 0 if nothing is known."""
        task_id, together = job.program.task_id, self._share_a_core
        # Programs that share the reserved core start together, all of them when the longest is due.
        return max(self._seconds.get(each, 0.0) for each in (together if task_id in together else (task_id,)))

    def _enter(self, job: Job) -> None:
        heapq.heappush(self._heap_of(job), (-self._duration(job), job.number, job))

    def _heap_of(self, job: Job) -> list[tuple[float, int, Job]]:
        return self._long if self.is_long(job) else self._short

    def _first_of(self, heap: list[tuple[float, int, Job]]) -> Job | None:
        while heap:
            job = heap[0][2]
            if job.number in self._jobs and not job.cancelled and self._heap_of(job) is heap:
                return job
            heapq.heappop(heap)
            if job.cancelled:
                self.pop(job)
        return None


class CrashBlame:
    """Finds out what is to blame when programs cannot be run again and again: a program, or the machine.

    A server that crashes takes every running sample with it, so the culprit is not known, and all of them run again. A
    job with which that happened twice runs alone. If it happens then, too, a canary runs: if that works, the job gets
    the verdict "broke the sandbox"; if not, this machine runs no program at all.
    """

    def __init__(self) -> None:
        self._alone: deque[Job] = deque()
        self._accused: list[tuple[Job, str]] = []
        self._canary = Job(CANARY, -1, alone=True)

    def add(self, job: Job) -> None:
        """Let a job run alone, after those that are here."""
        job.alone = True
        self._alone.append(job)

    def failed(self, job: Job, why: str) -> bool:
        """A job could not be run. Returns whether it may run beside others again; if not, it is kept here."""
        job.failures += 1
        if job.failures < ATTEMPTS - 1:
            return True
        if not self.is_canary(job):
            if job.failures < ATTEMPTS:
                self.add(job)
            else:
                self._accused.append((job, why))
        return False

    def first(self) -> Job | None:
        """The next job to run alone."""
        if self._accused:
            return self._canary
        while self._alone and self._alone[0].cancelled:
            self._alone.popleft()
        return self._alone[0] if self._alone else None

    def pop(self, job: Job) -> None:
        """Take out what `first` returned, because it starts."""
        if not self.is_canary(job):
            self._alone.popleft()

    def is_canary(self, job: Job) -> bool:
        """Whether a job is the canary. No future waits for it."""
        return job is self._canary

    @property
    def machine_is_broken(self) -> bool:
        """Whether not even the canary could be run, in as many attempts as any job has."""
        return self._canary.failures >= ATTEMPTS

    def confirm(self) -> list[tuple[Job, Verdict]]:
        """The canary ran: the verdicts on the jobs that are to blame."""
        self._canary.failures = 0
        blamed = []
        for job, why in self._accused:
            log.error(
                "A program of %s broke the server %d times, the last time with nothing beside it, and gets the verdict "
                "'broke the sandbox'. Inspect it before you trust this machine: %r",
                job.program.task_id,
                ATTEMPTS,
                why,
            )
            text = f"the server crashed or could not run it in {ATTEMPTS} attempts, the last one alone: {why!r}"
            blamed.append((job, Verdict("timeout", Reason.BROKE_THE_SANDBOX, {"ALL": text})))
        self._accused.clear()
        return blamed

    def drain(self) -> list[Job]:
        """Take all jobs out."""
        jobs = [*self._alone, *(job for job, _ in self._accused)]
        self._alone.clear()
        self._accused.clear()
        self._canary.failures = 0
        return jobs


class Scheduler:
    """All jobs of a pool, from the queue to their end.

    Attributes:
        queue: jobs that may run beside others.
        blame: jobs that run alone.
    """

    def __init__(self, workers: int, schedule: Schedule) -> None:
        """
        Args:
            workers: programs that may use a core at the same time.
            schedule: known durations, and which tasks depend on timing.
        """
        self._workers, self._schedule = workers, schedule
        self.queue = Queue(schedule)
        self.blame = CrashBlame()
        self._memory = MachineMemory()
        self._running: dict[int, Job] = {}
        self._waiting: set[int] = set()
        self._background = False
        self._held: list[Job] = []

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._running)

    @property
    def running_numbers(self) -> list[int]:
        """Of the jobs that run, in the order of submission."""
        return sorted(self._running)

    @property
    def has_work(self) -> bool:
        """Whether a job waits that may start."""
        return self.blame.first() is not None or self.queue.first() is not None

    def set_background(self, background: bool) -> None:
        """See `Pool.set_background`."""
        self._background = background
        if not background:
            for job in self._held:
                self.queue.push(job)
            self._held.clear()

    def start_next(self) -> Job | None:
        """The job that starts now, if there is room for one. It counts as running from here on."""
        job = self.blame.first()
        if job is not None:
            if self._running:
                return None
            self.blame.pop(job)
        else:
            job = self._first_in_queue()
            if job is None or not self._has_room_for(job):
                return None
            self.queue.pop(job)
        self._running[job.number] = job
        job.background = self._background
        return job

    def set_waiting(self, numbers: Collection[int]) -> None:
        """These of the running jobs need no core, and all others do."""
        self._waiting = set(numbers) & self._running.keys()

    def end(self, number: int) -> Job | None:
        """The job runs no more. None if it did not run."""
        self._waiting.discard(number)
        return self._running.pop(number, None)

    def retry_in_foreground(self, job: Job) -> None:
        """Run it again once the background is over."""
        (self._held.append if self._background else self.queue.push)(job)

    def retry(self, job: Job, why: str) -> bool:
        """It could not be run: run it again, beside others or alone. Returns whether this machine runs no program."""
        if self.blame.failed(job, why):
            self.queue.push(job)
        return self.blame.machine_is_broken

    def drain(self) -> list[Job]:
        """Take all jobs out."""
        jobs = [*self._running.values(), *self.queue.drain(), *self.blame.drain(), *self._held]
        self._running.clear()
        self._held.clear()
        self._waiting.clear()
        return jobs

    def close(self) -> None:
        """Close the files from which it reads the machine's memory."""
        self._memory.close()

    def _first_in_queue(self) -> Job | None:
        """The longest, unless so many long ones run that the others would have no place."""
        job = self.queue.first()
        if job is not None and self.queue.is_long(job):
            long = sum(map(self.queue.is_long, self._running.values()))
            if long >= _SHARE_OF_LONG * self._workers * RUNNING_PER_WORKER:
                return self.queue.first_short() or job
        return job

    def _has_room_for(self, job: Job) -> bool:
        """Whether a core is free for the program, and neither places nor memory are short."""
        if len(self._running) >= self._workers * RUNNING_PER_WORKER:
            return False
        if any(other.alone for other in self._running.values()):
            return False
        if self._running and self._memory.scarce:  # each is below its limit, but not all together
            return False
        running = [*self._running.values(), job]
        measuring = {each.number for each in running if each.program.task_id in self._schedule.measure_time}
        busy = {each.number for each in running} - self._waiting - measuring
        workers = max(1, self._workers - 1) if self._background else self._workers
        return len(busy) + math.ceil(len(measuring) / SHARE_RESERVED_CORE) <= workers
