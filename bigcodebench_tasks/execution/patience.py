"""Which running programs have had enough for now, while others wait that may be done in no time.

Of what models write two thirds fail, and some of it loops until the time limit. One loop for each core, and hundreds of
short programs would wait for minutes. Such a program is ended and runs again, whole, when nothing else waits: so its
verdict is that of one uninterrupted run with all its time, and what is lost is what it had computed so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bigcodebench_tasks.execution.job_queue import Job

# Seconds that any program may have before it is set aside, times a factor for each time that it was before: what runs
# for the limit of 240 s is set aside twice at most, and costs a third more than it had to.
PATIENCE_S = 15.0
_MORE = 4.0

# A program may have so many times what its task is known to take.
_TIMES_KNOWN = 3.0


@dataclass
class _Run:
    """A job that runs, since when, and for how long it wanted a core."""

    job: Job
    began: float
    busy_s: float = 0.0


class Patience:
    """How long each running program has held what others wait for."""

    def __init__(self, known: Callable[[str], float]) -> None:
        """
        Args:
            known: seconds that a task is known to take, by task_id.
        """
        self._known = known
        self._runs: dict[int, _Run] = {}
        self._looked = time.monotonic()

    def started(self, job: Job) -> None:
        self._runs[job.number] = _Run(job, time.monotonic())

    def ended(self, number: int) -> None:
        self._runs.pop(number, None)

    def look(self, waiting: Collection[int]) -> None:
        """Count the time since the last look for those that do not wait."""
        now = time.monotonic()
        for number, run in self._runs.items():
            if number not in waiting:
                run.busy_s += now - max(self._looked, run.began)
        self._looked = now

    def overdue(self, *, with_a_core: bool) -> list[Job]:
        """Jobs that have run for longer than is to be borne while others wait.

        Args:
            with_a_core: those that used a core for so long; else those that merely were there.
        """
        now = time.monotonic()
        return [
            run.job
            for run in self._runs.values()
            if (run.busy_s if with_a_core else now - run.began) > self._allowed_s(run.job)
        ]

    def _allowed_s(self, job: Job) -> float:
        known = _TIMES_KNOWN * self._known(job.program.task_id)
        return float(max(PATIENCE_S, known) * _MORE**job.set_aside)
