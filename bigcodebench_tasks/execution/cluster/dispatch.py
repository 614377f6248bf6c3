"""Which program runs on which node. No thread, no process and no clock, so that each rule can be read and tried.

A node is sent a little more than runs there: what it waits for costs it a round trip, and what it holds is lost with it
and stays behind if it is slow. How many programs run on a node it says itself: its engine knows which of them sleep.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.cluster.messages import Node
from bigcodebench_tasks.execution.scheduler import Job, Queue

AHEAD = 2
"""Programs for each core that a node has at hand beside those that run."""

ATTEMPTS = 3
"""A program with which what ran it was lost this often ends the run; before the last attempt nothing runs beside it."""


@dataclass
class _Place:
    """A node, and what it was sent."""

    node: Node
    running: int = 0
    jobs: dict[int, Job] = field(default_factory=dict)

    @property
    def room(self) -> int:
        return self.running + AHEAD * self.node.workers - len(self.jobs)


@dataclass
class NodeUse:
    """What a run had of a node.

    Attributes:
        node: its name.
        cores: programs that might use a core there at the same time.
        programs: how many were executed there.
    """

    node: str
    cores: int
    programs: int = 0


class Dispatch:
    """Jobs by known duration, the longest first, over the nodes that there are, each as full as the others."""

    def __init__(self, schedule: Schedule) -> None:
        self.queue = Queue(schedule)
        self.used: dict[str, NodeUse] = {}
        self._places: dict[str, _Place] = {}
        self._alone: deque[Job] = deque()
        self._reserved: str | None = None
        self._lost_on: dict[int, set[str]] = {}

    @property
    def has_work(self) -> bool:
        """Whether somebody waits for a job that is queued, or a node has one."""
        queued = self.queue.first() is not None or any(not job.cancelled for job in self._alone)
        return queued or any(place.jobs for place in self._places.values())

    @property
    def running(self) -> int:
        """Programs that run, as the nodes said last."""
        return sum(min(place.running, len(place.jobs)) for place in self._places.values())

    @property
    def nodes(self) -> list[str]:
        """Ids of those that are there."""
        return list(self._places)

    def join(self, node: Node) -> None:
        """A node is ready. One that comes back is counted on."""
        self._places[node.id] = _Place(node)
        self.used.setdefault(node.id, NodeUse(node.name, node.workers))

    def lose(self, node_id: str) -> Job | None:
        """A node is gone, or what we run there: its jobs are queued again.

        Returns:
            A job that was lost for the last time, if there is one.
        """
        place = self._places.pop(node_id, None)
        if self._reserved == node_id:
            self._reserved = None
        hopeless = None
        for job in place.jobs.values() if place else ():
            job.failures += 1
            self._lost_on.setdefault(job.number, set()).add(node_id)
            if job.failures >= ATTEMPTS:
                hopeless = hopeless or job
            if job.failures == ATTEMPTS - 1:  # whose fault it is cannot be told while others run beside it
                job.alone = True
                self._alone.append(job)
            else:
                self.queue.push(job)
        return hopeless

    def end(self, node_id: str, number: int) -> Job | None:
        """A program has its verdict. None: nobody waits for it from that node any more."""
        place = self._places.get(node_id)
        job = place.jobs.pop(number, None) if place else None
        if job is not None:
            self.used[node_id].programs += 1
            self._lost_on.pop(number, None)
            if job.alone:
                self._reserved = None
        return job

    def say_running(self, node_id: str, running: int) -> None:
        """How many programs run on a node now."""
        if node_id in self._places:
            self._places[node_id].running = running

    def assign(self) -> dict[str, list[Job]]:
        """What each node is to be sent now."""
        batches: dict[str, list[Job]] = {}
        self._assign_alone(batches)
        while (job := self.queue.first()) is not None:
            place = self._freest(job)
            if place is None:
                break
            self.queue.pop(job)
            self._send(job, place, batches)
        return batches

    def drain(self) -> list[Job]:
        """Take all out."""
        jobs = [*self.queue.drain(), *self._alone]
        self._alone.clear()
        for place in self._places.values():
            jobs += place.jobs.values()
            place.jobs.clear()
        return jobs

    def _assign_alone(self, batches: dict[str, list[Job]]) -> None:
        """A node is emptied for the next of those that run alone."""
        while self._alone and self._alone[0].cancelled:
            self._alone.popleft()
        if not self._alone or not self._places:
            if not any(job.alone for place in self._places.values() for job in place.jobs.values()):
                self._reserved = None
            return
        if self._reserved is None:
            lost_on = self._lost_on.get(self._alone[0].number, set())
            self._reserved = min(self._places, key=lambda name: (name in lost_on, len(self._places[name].jobs), name))
        place = self._places[self._reserved]
        if not place.jobs:
            self._send(self._alone.popleft(), place, batches)

    def _freest(self, job: Job) -> _Place | None:
        """The node with the most room for each of its cores; rather none with which the job was lost before."""
        lost_on = self._lost_on.get(job.number, ())
        places = [
            (node_id in lost_on, -place.room / place.node.workers, node_id)
            for node_id, place in self._places.items()
            if place.room > 0 and node_id != self._reserved
        ]
        return self._places[min(places)[2]] if places else None

    def _send(self, job: Job, place: _Place, batches: dict[str, list[Job]]) -> None:
        place.jobs[job.number] = job
        batches.setdefault(place.node.id, []).append(job)
