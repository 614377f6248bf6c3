"""Whose fault it is when our own machinery fails again and again with a program: the program's, or the machine's.

A program that takes the server down takes its neighbours along, so nobody can be blamed at first and all run again. One
with which that happened twice is run alone. If it happens then, too, a harmless program is run: where that works, the
program has a verdict of its own kind and everything goes on; where it does not, no program can be run here.
"""

from __future__ import annotations

import logging
from collections import deque

from bigcodebench_tasks.execution.job_queue import Job
from bigcodebench_tasks.execution.verdict import CANARY, Verdict

log = logging.getLogger("lm_eval.bigcodebench")

# A program that lost its server, or could not be started, this often is the next to be judged by `CrashBlame`.
ATTEMPTS = 3


class CrashBlame:
    """Jobs that are to run with nothing beside them. Whoever uses it sees to it that only one thread does at a time."""

    def __init__(self) -> None:
        self._alone: deque[Job] = deque()
        self._accused: list[tuple[Job, str]] = []
        self._canary = Job(CANARY, -1, alone=True)

    def add(self, job: Job) -> None:
        """Let a job run alone, after those that are here."""
        job.alone = True
        self._alone.append(job)

    def failed(self, job: Job, why: str) -> bool:
        """Our machinery failed with a job. Whether it may run beside others again; else it has its place here."""
        job.failures += 1
        if job.failures < ATTEMPTS - 1:
            return True
        if self.is_canary(job):
            return False
        if job.failures < ATTEMPTS:
            self.add(job)
        else:
            self._accused.append((job, why))
        return False

    def first(self) -> Job | None:
        """The job that is to run next, alone, if there is one."""
        if self._accused:
            return self._canary
        while self._alone and not self._alone[0].wanted:
            self._alone.popleft()
        return self._alone[0] if self._alone else None

    def pop(self, job: Job) -> None:
        """Take a job out that `first` gave, because it starts."""
        if not self.is_canary(job):
            self._alone.popleft()

    def is_canary(self, job: Job) -> bool:
        """Whether a job is the one by which the machine is tried. Nobody waits for it."""
        return job is self._canary

    @property
    def hopeless(self) -> bool:
        """Whether not even the harmless program could be run, as often as any other is tried."""
        return self._canary.failures >= ATTEMPTS

    def confirm(self) -> list[tuple[Job, Verdict]]:
        """The harmless program ran: the verdicts on those that are to blame, then."""
        self._canary.failures = 0
        blamed = []
        for job, why in self._accused:
            log.error(
                "A program of %s broke what runs programs %d times, the last time with nothing beside it, and has the "
                "verdict 'broke the sandbox'. Look at it before you trust this machine: %r",
                job.program.task_id,
                ATTEMPTS,
                why,
            )
            text = f"the server was lost with it, or could not run it, {ATTEMPTS} times, at last alone: {why!r}"
            blamed.append((job, Verdict("timeout", "broke the sandbox", {"ALL": text})))
        self._accused.clear()
        return blamed

    def drain(self) -> list[Job]:
        """Take all out."""
        jobs = [*self._alone, *(job for job, _ in self._accused)]
        self._alone.clear()
        self._accused.clear()
        self._canary.failures = 0
        return jobs
