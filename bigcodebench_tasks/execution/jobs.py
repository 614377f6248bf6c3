"""Programs on their way to a verdict, and the order in which they start."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.verdict import Program


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
    """Jobs by known duration, the longest first; among equals the one that came first.

    Durations become known while jobs are queued. A job whose task turns out to be longer is entered again, and its
    old entry is dropped when it comes up.
    """

    schedule: Schedule
    seconds: dict[str, float] = field(default_factory=dict)
    _heap: list[tuple[float, int, Job]] = field(default_factory=list)
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
        while self._heap:
            _, number, job = self._heap[0]
            if number in self._queued and job.wanted:
                return job
            heapq.heappop(self._heap)
            self._remove(job)
        return None

    def pop(self, job: Job) -> None:
        """Take a job out."""
        self._remove(job)

    def drain(self) -> list[Job]:
        """Take all out, those that nobody wants too."""
        jobs = list(self._queued.values())
        self._heap.clear()
        self._queued.clear()
        self._of_task.clear()
        return jobs

    def learn(self, task_id: str, seconds: float) -> None:
        """A program of the task took this long."""
        if seconds > self._known(task_id):
            self.seconds[task_id] = seconds
            for number in self._of_task.get(task_id, ()):
                self._enter(self._queued[number])

    def _known(self, task_id: str) -> float:
        return max(self.seconds.get(task_id, 0.0), self.schedule.seconds.get(task_id, 0.0))

    def _enter(self, job: Job) -> None:
        task_id, together = job.program.task_id, self.schedule.measure_time
        # Programs that share a core start together: all of them when the longest is due.
        seconds = max(map(self._known, together)) if task_id in together else self._known(task_id)
        heapq.heappush(self._heap, (-seconds, job.number, job))

    def _remove(self, job: Job) -> None:
        if self._queued.pop(job.number, None):
            self._of_task[job.program.task_id].discard(job.number)
