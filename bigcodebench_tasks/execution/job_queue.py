"""Programs on their way to a verdict, and the order in which they start."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.verdict import Program

LONG_S = 5.0
"""A program whose task is known to take this long is started before the others, so that none is left at the end."""


@dataclass(eq=False)
class Job:
    """A program on its way to a verdict.

    Attributes:
        program: what is run.
        number: its place in the order in which programs came, and its id in messages to the server.
        failures: how often it could not be run, through our fault.
        wanted: False once nobody waits for it: then it is not started any more.
        background: it was started with what nothing else on the machine wanted of the cores.
        alone: nothing may run beside it.
    """

    program: Program
    number: int
    failures: int = 0
    wanted: bool = True
    background: bool = False
    alone: bool = False


@dataclass
class Queue:
    """Jobs that wait for their turn: the longest first.

    Durations become known while jobs are queued. A job whose task turns out to be longer is entered again, and its
    old entry is dropped when it comes up.
    """

    schedule: Schedule
    seconds: dict[str, float] = field(default_factory=dict)
    _long: list[tuple[float, int, Job]] = field(default_factory=list)
    _short: list[tuple[float, int, Job]] = field(default_factory=list)
    _queued: dict[int, Job] = field(default_factory=dict)
    _of_task: dict[str, set[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._queued)

    def push(self, job: Job) -> None:
        self._queued[job.number] = job
        self._of_task.setdefault(job.program.task_id, set()).add(job.number)
        self._enter(job)

    def first(self) -> Job | None:
        """The job that is to start next, if anybody wants one."""
        return next((job for heap in (self._long, self._short) for job in self._first_of(heap)), None)

    def first_short(self) -> Job | None:
        """The next of those that are not long."""
        return next(self._first_of(self._short), None)

    def pop(self, job: Job) -> None:
        """Take a job out."""
        self._remove(job)

    def drain(self) -> list[Job]:
        """Take all out, those that nobody wants too."""
        jobs = list(self._queued.values())
        for heap in (self._long, self._short):
            heap.clear()
        self._queued.clear()
        self._of_task.clear()
        return jobs

    def learn(self, task_id: str, seconds: float) -> None:
        """A program of the task took this long."""
        if seconds > self.known(task_id):
            self.seconds[task_id] = seconds
            for number in self._of_task.get(task_id, ()):
                self._enter(self._queued[number])

    def known(self, task_id: str) -> float:
        """Seconds that the task is known to take; 0 where nothing is known."""
        return max(self.seconds.get(task_id, 0.0), self.schedule.seconds.get(task_id, 0.0))

    def is_long(self, job: Job) -> bool:
        """Whether a job is known to take long."""
        return self._due(job) >= LONG_S

    def _due(self, job: Job) -> float:
        task_id, together = job.program.task_id, self.schedule.measure_time
        # Programs that share a core start together: all of them when the longest is due.
        return max(map(self.known, together)) if task_id in together else self.known(task_id)

    def _heap_of(self, job: Job) -> list[tuple[float, int, Job]]:
        return self._long if self.is_long(job) else self._short

    def _enter(self, job: Job) -> None:
        heapq.heappush(self._heap_of(job), (-self._due(job), job.number, job))

    def _first_of(self, heap: list[tuple[float, int, Job]]) -> Iterator[Job]:
        while heap:
            _, number, job = heap[0]
            if number in self._queued and job.wanted and self._heap_of(job) is heap:
                yield job
                return
            heapq.heappop(heap)
            if not job.wanted:
                self._remove(job)

    def _remove(self, job: Job) -> None:
        if self._queued.pop(job.number, None):
            self._of_task[job.program.task_id].discard(job.number)
