"""What runs an engine's jobs on a cluster: the queue, the nodes as they come and go, and what is lost with them."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.execution.cluster import messages
from bigcodebench_tasks.execution.cluster.dispatch import ATTEMPTS, Dispatch, NodeUse
from bigcodebench_tasks.execution.cluster.process import DriverProcess
from bigcodebench_tasks.execution.pool import Listener
from bigcodebench_tasks.execution.scheduler import Job
from bigcodebench_tasks.execution.verdict import Verdict

log = logging.getLogger("lm_eval.bigcodebench")


class ClusterPool:
    """Runs jobs over a `DriverProcess`. Its methods may be called from any thread.

    One thread hears what the process says. What it and callers share is under a lock, which is not held while futures
    are resolved: whoever waits may submit from a callback.
    """

    def __init__(
        self,
        start: Callable[[], DriverProcess],
        schedule: Schedule,
        listener: Listener,
    ) -> None:
        """
        Args:
            start: starts the process; called with the first job.
            schedule: how tasks want to be run.
            listener: told of every job.
        """
        self._start, self._listener = start, listener
        self._lock = threading.Condition()
        self._dispatch = Dispatch(schedule)
        self._process: DriverProcess | None = None
        self._thread: threading.Thread | None = None
        self._background = False
        self._closing = False
        self._lost_in_a_row = 0
        self._failed: BaseException | None = None

    @property
    def running(self) -> int:
        """Programs that run now, on all nodes."""
        return self._dispatch.running

    @property
    def used(self) -> list[NodeUse]:
        """The nodes that had programs, or could have had, in the order in which they joined."""
        with self._lock:
            return [NodeUse(each.node, each.cores, each.programs) for each in self._dispatch.used.values()]

    def add(self, job: Job) -> None:
        """Queue a job. Raises RuntimeError once the pool was closed, ExecutionFailed if it has failed."""
        with self._lock:
            if self._failed is not None:
                raise ExecutionFailed(f"the cluster runs no programs any more: {self._failed}") from self._failed
            if self._closing:
                raise RuntimeError("no program can be submitted any more: the engine was shut down")
            self._dispatch.queue.push(job)
            if self._thread is None:
                self._connect()
                self._thread = threading.Thread(target=self._hear, name="bigcodebench-cluster", daemon=True)
                self._thread.start()
        self._feed()

    def record_duration(self, task_id: str, seconds: float) -> None:
        """A program of the task passed and took this long."""
        with self._lock:
            self._dispatch.queue.record_duration(task_id, seconds)

    def set_background(self, background: bool) -> None:
        """Leave the cores of shared nodes to somebody else, or take them back; other nodes go on as before."""
        with self._lock:
            self._background = background
            if self._process is not None:
                self._process.send(messages.Background(background))

    def close(self, *, abandon: bool) -> None:
        """End the pool; nothing of it is left on any node when this returns.

        Args:
            abandon: end what runs and start nothing more, the jobs fail; else all jobs get their verdict first.
        """
        if not abandon:
            self.set_background(False)
        with self._lock:
            self._closing = True
            if not abandon:
                self._lock.wait_for(lambda: self._failed is not None or not self._has_work())
            process = self._process
        self._fail(ExecutionFailed("the engine was shut down before this program had its verdict"))
        if process is not None:
            process.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _has_work(self) -> bool:
        return bool(self._dispatch.has_work)

    def _connect(self) -> None:
        self._process = self._start()
        if self._background:
            self._process.send(messages.Background(True))

    def _feed(self) -> None:
        """Send the nodes what they have room for."""
        with self._lock:
            if self._process is None or self._failed is not None:
                return
            batches = self._dispatch.assign()
            for node, jobs in batches.items():
                programs = pickle.dumps(
                    [(job.number, job.program) for job in jobs],
                    pickle.HIGHEST_PROTOCOL,
                )
                for job in jobs:
                    self._listener.started(job)
                self._process.send(messages.Run(node, programs))

    # -- the pool's thread ---------------------------------------------------------------------------

    def _hear(self) -> None:
        try:
            while self._failed is None:
                assert self._process is not None
                self._take(self._process.receive())
                self._feed()
        except BaseException as error:  # a fault of ours: nobody may wait for ever for a verdict that never comes
            self._fail(ExecutionFailed(f"what runs programs on the cluster has ended: {error!r}; please report this"))

    def _take(self, event: messages.Event) -> None:
        if isinstance(event, messages.Verdicts):
            self._judged(event)
        elif isinstance(event, messages.Joined):
            with self._lock:
                self._dispatch.join(event.node)
            log.info("node %s runs programs, %d at a time", event.node.name, event.node.workers)
        elif isinstance(event, messages.Lost):
            log.warning("a node of the cluster was lost, its programs run elsewhere: %s", event.why)
            self._lost(event.node, event.why)
        elif isinstance(event, messages.LeftOut):
            log.warning("node %s is left out: %s", event.name, event.why)
        elif isinstance(event, messages.Said):
            log.info("%s", event.text)
        elif isinstance(event, messages.Ended):
            self._driver_ended(event)

    def _judged(self, event: messages.Verdicts) -> None:
        verdicts: list[tuple[int, Verdict]] = pickle.loads(event.verdicts)
        ended = []
        with self._lock:
            self._dispatch.say_running(event.node, event.running)
            for number, verdict in verdicts:
                job = self._dispatch.end(event.node, number)
                if job is not None:
                    self._lost_in_a_row = 0
                    ended.append((job, verdict))
                    if verdict.passed:
                        self._dispatch.queue.record_duration(job.program.task_id, verdict.seconds)
        for job, verdict in ended:
            self._listener.judged(job, verdict)
        with self._lock:
            self._lock.notify_all()

    def _lost(self, node_id: str, why: str) -> None:
        with self._lock:
            hopeless = self._dispatch.lose(node_id)
        if hopeless is not None:
            self._fail(
                ExecutionFailed(
                    f"what ran a program of {hopeless.program.task_id} was lost {ATTEMPTS} times, the last time with "
                    f"nothing beside it: {why}. Verdicts so far are kept; look at that program and at the nodes before "
                    "you run again"
                )
            )

    def _driver_ended(self, event: messages.Ended) -> None:
        """The process that speaks to Ray is gone: with it all that it ran, which another one begins anew."""
        with self._lock:
            if self._closing and not self._has_work():
                return
            nodes = self._dispatch.nodes
            self._lost_in_a_row += 1
            process = self._process
        if process is not None:
            process.close()
        for node_id in nodes:
            self._lost(node_id, event.why)
        if event.final or self._lost_in_a_row >= ATTEMPTS:
            self._fail(ExecutionFailed(f"the cluster runs no programs any more: {event.why}. Verdicts so far are kept"))
            return
        with self._lock:
            if self._failed is None:
                log.warning("connecting to the cluster again: %s", event.why)
                self._connect()

    def _fail(self, error: BaseException) -> None:
        """Nothing that is queued or runs gets a verdict, and nothing is begun any more."""
        with self._lock:
            self._failed = self._failed or error
            jobs = self._dispatch.drain()
            process = self._process
            self._lock.notify_all()
        for job in jobs:
            self._listener.failed(job, error)
        if process is not None:
            process.hang_up()
