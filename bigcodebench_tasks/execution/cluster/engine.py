"""An engine whose programs run on every node of a Ray cluster; it is used like `Engine`.

::

    callers' threads            the pool's thread                     each node
    ────────────────            ─────────────────                     ─────────
    submit ── add ──────▶       _poll_nodes  ── check ──────────▶     NodeRunner: that machine's Engine
                                _send        ── run(program) ───▶
    Future ◀── judged ───       _judged      ◀── verdict
                                _lose        ◀── Ray's error
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import BigCodeBenchError, ExecutionFailed
from bigcodebench_tasks.execution.cluster.connection import NodeActor, alive_nodes, connection, reason
from bigcodebench_tasks.execution.cluster.dispatch import Dispatch, NodeUse
from bigcodebench_tasks.execution.cluster.node import node_request
from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.pool import Listener
from bigcodebench_tasks.execution.preloading import shared_imports
from bigcodebench_tasks.execution.scheduler import ATTEMPTS, Job
from bigcodebench_tasks.execution.verdict import Verdict

# How often the list of nodes is read, and how long to wait if no node can be used, seconds.
POLL_S, NO_NODE_S = 2.0, 600.0

# A node that is lost this often with no verdict in between is left out. By then a program and the canary that follows
# it have had all their attempts there.
LOSSES = 2 * ATTEMPTS

_SHUT_DOWN = "the engine was shut down before this program had its verdict"

log = logging.getLogger("bigcodebench_tasks")


class ClusterEngine(Engine):
    """Executes programs like `Engine`, on all nodes of a Ray cluster that are like this machine.

    The queue and the cache are here. The first submission connects. Nodes that join later are used, and the programs of
    a lost node run elsewhere.
    """

    _pool: ClusterPool

    def __init__(
        self,
        address: str,
        environment: Environment,
        conditions: Conditions,
        *,
        workers: int | None = None,
        cache: Path | None = None,
        expected: Collection[str] = (),
    ) -> None:
        """
        Args:
            address: of the cluster: "auto", or host and port.
            workers: programs that may use a core of a node at the same time; the node's cores by default.
            environment, conditions, cache, expected: see `Engine`.

        Raises:
            OptionError: `workers` is less than 1.
        """
        request = node_request(environment, conditions, workers, shared_imports(expected))
        super().__init__(environment, conditions, cache=cache, pool=partial(ClusterPool, address, request))

    @property
    def used(self) -> list[NodeUse]:
        """The nodes that could run programs, and how many each has executed, in the order in which they joined."""
        return self._pool.used


class ClusterPool:
    """Runs jobs on the nodes of a cluster. Its methods are thread-safe.

    One thread connects, sends programs and takes what nodes return. `_dispatch` and the flags are under a lock, which
    is not held while futures are resolved: their callbacks may submit programs.
    """

    def __init__(self, address: str, request: Mapping[str, Any], listener: Listener) -> None:
        """`address`: of the cluster; `request`: see `node_request`; `listener`: told of every job."""
        self._address, self._request, self._listener = address, request, listener
        self._lock = threading.Condition()
        self._dispatch = Dispatch(SCHEDULE)
        self._thread: threading.Thread | None = None
        self._closing = self._stopping = False
        self._failed: ExecutionFailed | None = None
        self._events: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        # Only the pool's thread uses these.
        self._actors: dict[str, NodeActor] = {}
        self._losses: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """Programs that nodes have: they run, or are the next to run."""
        with self._lock:
            return self._dispatch.in_flight

    @property
    def used(self) -> list[NodeUse]:
        """See `ClusterEngine.used`."""
        with self._lock:
            return list(self._dispatch.used.values())

    def add(self, job: Job) -> None:
        """Queue a job. Raises RuntimeError once the pool was closed, ExecutionFailed if it has failed."""
        with self._lock:
            if self._closing:
                raise RuntimeError("no program can be submitted any more: the engine was shut down")
            if self._failed is not None:
                raise self._failed
            self._dispatch.queue.push(job)
            self._wake()

    def record_duration(self, task_id: str, seconds: float) -> None:
        """A program of the task passed and took this long."""
        with self._lock:
            self._dispatch.queue.record_duration(task_id, seconds)

    def set_background(self, background: bool) -> None:
        """Does nothing: no program is submitted to a cluster while the model generates (`harness.task`)."""

    def close(self, *, abandon: bool) -> None:
        """End the pool and its actors.

        Args:
            abandon: end what runs and start nothing more, the jobs fail; else all jobs get their verdict first.
        """
        with self._lock:
            self._closing = True
            if not abandon:
                self._lock.wait_for(lambda: self._failed is not None or not self._dispatch.has_work)
            self._stopping = True
            self._wake()
        if self._thread is None:
            self._fail(ExecutionFailed(_SHUT_DOWN))
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _wake(self) -> None:
        """Start the thread if there is work, or wake it."""
        if self._thread is None and self._dispatch.has_work:
            # A daemon: the interpreter can exit although the pool was never closed.
            self._thread = threading.Thread(target=self._run, name="bigcodebench-cluster", daemon=True)
            self._thread.start()
        self._events.put(lambda: None)

    # -- the pool's thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        error = ExecutionFailed(_SHUT_DOWN)
        try:
            with connection(self._address):
                try:
                    self._serve()
                finally:
                    for actor in self._actors.values():
                        actor.kill()
        except BigCodeBenchError as failure:
            error = ExecutionFailed(
                f"the cluster runs no programs any more: {failure}. `ray status` shows its nodes. Verdicts so far are "
                "in the cache: run the same command again when nodes are up"
            )
        except BaseException as failure:  # a bug; without this callers would wait for ever
            error = ExecutionFailed(f"what runs programs on the cluster has ended: {failure!r}; please report this")
        self._fail(error)

    def _serve(self) -> None:
        """Run jobs until the pool closes. Raises ClusterUnavailable or ExecutionFailed."""
        polled, had_node = 0.0, time.monotonic()
        while not self._stopping:
            now = time.monotonic()
            if now - polled >= POLL_S:
                self._poll_nodes()
                polled, had_node = now, now if self._actors else had_node
            if now - had_node >= NO_NODE_S:
                raise ExecutionFailed(f"no node could run programs for {NO_NODE_S / 60:.0f} minutes")
            self._send()
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=POLL_S)()
            with self._lock:
                if self._dispatch.blame.machine_is_broken:
                    raise ExecutionFailed(f"not even a canary could be run in {ATTEMPTS} attempts")
                self._lock.notify_all()

    def _poll_nodes(self) -> None:
        """Put an actor on each node that has none."""
        for node_id, node in alive_nodes().items():
            if node_id not in self._actors and self._losses[node_id] < LOSSES:
                self._actors[node_id] = NodeActor(node, self._request)
                self._call(self._checked, node_id, "check")

    def _send(self) -> None:
        """Send the nodes the programs that they have room for."""
        with self._lock:
            assigned = self._dispatch.assign()
        for node_id, job in assigned:
            self._listener.started(job)
            self._call(partial(self._judged, job.number), node_id, "run", job.program)

    def _call(self, then: Callable[[str, Any], None], node_id: str, method: str, *arguments: Any) -> None:
        """Call a method on a node, and `then` in this thread with what it returns; an error loses the node."""
        actor = self._actors[node_id]

        def ended(done: Future[Any]) -> None:
            if self._actors.get(node_id) is not actor:
                return  # the node was lost before, and its jobs are queued again
            if error := done.exception():
                self._lose(node_id, reason(error))
            else:
                then(node_id, done.result())

        actor.call(method, *arguments).add_done_callback(lambda done: self._events.put(partial(ended, done)))

    def _checked(self, node_id: str, result: tuple[str, int]) -> None:
        why, workers = result
        if why:
            self._lose(node_id, why, times=LOSSES)
            return
        name = self._actors[node_id].name
        log.info("node %s runs programs, %d at a time", name, workers)
        with self._lock:
            self._dispatch.join(node_id, name, workers)

    def _judged(self, number: int, node_id: str, verdict: Verdict) -> None:
        self._losses.pop(node_id, None)
        with self._lock:
            judged = self._dispatch.end(node_id, number, verdict)
        for job, each in judged:
            self._listener.judged(job, each)

    def _lose(self, node_id: str, why: str, *, times: int = 1) -> None:
        """A node or its actor is gone, or cannot run programs. Its jobs run elsewhere; a later poll may retry it."""
        actor = self._actors.pop(node_id)
        actor.kill()  # a node that cannot be reached now may come back, and must not go on
        with self._lock:
            self._dispatch.lose(node_id, why)
        self._losses[node_id] += times
        left_out = self._losses[node_id] >= LOSSES
        what = "is left out" if left_out else "was lost, its programs run elsewhere"
        log.warning("node %s %s: %s", actor.name, what, why)

    def _fail(self, error: ExecutionFailed) -> None:
        """The jobs that are left get no verdict, and none is queued any more."""
        with self._lock:
            self._failed = error
            jobs = self._dispatch.drain()
            self._lock.notify_all()
        for job in jobs:
            self._listener.failed(job, error)
