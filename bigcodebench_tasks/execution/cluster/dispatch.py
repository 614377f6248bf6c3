"""Which program runs on which node. Plain data, no Ray and no thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.scheduler import RUNNING_PER_WORKER, CrashBlame, Job, Queue
from bigcodebench_tasks.execution.verdict import Verdict

# Programs that a node has for each of its workers: as many as its engine runs if all of them sleep, and two more, so
# that no core waits for the network. What a node has is lost with it, and waits if it is slow.
IN_FLIGHT_PER_WORKER = RUNNING_PER_WORKER + 2


@dataclass
class NodeUse:
    """What a run used of a node.

    Attributes:
        node: its name.
        cores: programs that could use a core there at the same time.
        programs: how many were executed there.
    """

    node: str
    cores: int
    programs: int = 0


@dataclass
class _Node:
    workers: int
    jobs: dict[int, Job] = field(default_factory=dict)

    @property
    def load(self) -> float:
        return len(self.jobs) / self.workers


class Dispatch:
    """Jobs by known duration, the longest first, spread evenly over the nodes. One thread calls it at a time.

    One of its programs may have killed a node that is lost. `CrashBlame` decides, as on one machine: a program that was
    lost twice runs with nothing beside it, and if it is lost then, a canary runs.

    Attributes:
        queue: jobs that may run beside others.
        blame: jobs that run alone.
        used: by node id, what was used of each node that joined.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.queue = Queue(schedule)
        self.blame = CrashBlame()
        self.used: dict[str, NodeUse] = {}
        self._nodes: dict[str, _Node] = {}
        self._lost_on: dict[int, set[str]] = {}

    @property
    def in_flight(self) -> int:
        """Programs that nodes have."""
        return sum(len(node.jobs) for node in self._nodes.values())

    @property
    def has_work(self) -> bool:
        """Whether a job is queued that was not cancelled, or is in flight."""
        return bool(self.blame.first() or self.queue.first() or self.in_flight)

    def join(self, node_id: str, name: str, workers: int) -> None:
        """A node is ready. A node that comes back keeps its count of programs."""
        self._nodes[node_id] = _Node(workers)
        self.used.setdefault(node_id, NodeUse(name, workers))

    def lose(self, node_id: str, why: str) -> None:
        """A node is gone: its jobs are queued again."""
        node = self._nodes.pop(node_id, None)
        for job in node.jobs.values() if node else ():
            self._lost_on.setdefault(job.number, set()).add(node_id)
            if self.blame.failed(job, why) and not self.blame.is_canary(job):
                self.queue.push(job)

    def end(self, node_id: str, number: int, verdict: Verdict) -> list[tuple[Job, Verdict]]:
        """A node returned a verdict on a job.

        Returns:
            The jobs that have their verdict now: this one; or, for the canary, the jobs that are to blame.
        """
        job = self._nodes[node_id].jobs.pop(number)
        self._lost_on.pop(number, None)
        if self.blame.is_canary(job):
            return self.blame.confirm()
        self.used[node_id].programs += 1
        if verdict.passed:
            self.queue.record_duration(job.program.task_id, verdict.seconds)
        return [(job, verdict)]

    def assign(self) -> list[tuple[str, Job]]:
        """The jobs that start now, each with the id of its node."""
        assigned = []
        while (job := self._next()) and (node_id := self._freest(job)):
            (self.blame if job.alone else self.queue).pop(job)
            self._nodes[node_id].jobs[job.number] = job
            assigned.append((node_id, job))
        return assigned

    def drain(self) -> list[Job]:
        """Take all jobs out."""
        jobs = [*self.queue.drain(), *self.blame.drain()]
        for node in self._nodes.values():
            jobs += [job for job in node.jobs.values() if not self.blame.is_canary(job)]
            node.jobs.clear()
        return jobs

    def _next(self) -> Job | None:
        if alone := self.blame.first():
            return None if self.in_flight else alone
        if self.in_flight == 1 and any(job.alone for node in self._nodes.values() for job in node.jobs.values()):
            return None
        return self.queue.first()

    def _freest(self, job: Job) -> str | None:
        """The node with the least load that has room; one on which the job was lost only if there is no other."""
        lost_on = self._lost_on.get(job.number, ())
        free = {node_id: node for node_id, node in self._nodes.items() if node.load < IN_FLIGHT_PER_WORKER}
        return min(free, key=lambda node_id: (node_id in lost_on, free[node_id].load, node_id), default=None)
