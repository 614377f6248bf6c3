"""The process that speaks to Ray: it puts an actor on each node, hands programs on, and says what comes back.

::

    engine's process              this process                          each node
    ────────────────              ────────────                          ─────────
    ClusterPool   ── Run ──────▶  _run        ── actor.run ────────▶    NodeRunner: that machine's Engine
      (the queue) ◀── Verdicts ── _took       ◀── actor.take ───────
                  ◀── Joined ──── _prepared   ◀── actor.prepare ────    the check
                  ◀── Lost ────── _lose       ◀── an exception

It is a process of its own because Ray knows one connection per process, and lm-eval's vLLM loader opens that one and
shuts it down when it has generated, whoever else uses it. Ray's messages about nodes that die go to this process's log.

When the engine's process is gone, the pipe ends and so does this one; when this one is, Ray ends its actors, which are
not detached, and each actor's fork server ends with it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bigcodebench_tasks.execution.cluster import messages
from bigcodebench_tasks.execution.cluster.node import NodeRunner

# How often nodes that have joined or left are looked for, seconds. The loss of one that is in use is told by Ray.
LOOK_S = 2.0

# A node on which what we run was lost so often, with no verdict in between, is left out.
LOSSES = 3

# How long to wait for actors to close, and for a node where all are gone.
CLOSE_S, NOBODY_S = 10.0, 600.0


@dataclass
class _Held:
    """A node that has an actor of ours.

    Attributes:
        name: for people.
        actor: Ray's handle.
        shared: see `messages.Node`.
        joined: whether it was checked, and takes programs.
    """

    name: str
    actor: Any
    shared: bool
    joined: bool = False


class Driver:
    """One connection to a cluster. All but `_listen` and `_prepare` runs in the main thread."""

    def __init__(self, link: Connection, start: messages.Start) -> None:
        self._link = link
        self._parent = os.getppid()
        self._start = start
        self._nodes: dict[str, _Held] = {}
        self._left_out: dict[str, str] = {}
        self._losses: dict[str, int] = {}
        self._background = False
        self._looked = False
        self._nobody_since: float | None = None
        self._events: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Until the pipe ends, or the cluster does."""
        self._remote = ray.remote(NodeRunner)
        self._own = ray.get_runtime_context().get_node_id()
        threading.Thread(target=self._listen, daemon=True).start()
        self._look()
        looked = time.monotonic()
        # Where the engine's process was forked its end of the pipe may outlive it, but it is our parent no more.
        while os.getppid() == self._parent:
            if time.monotonic() - looked >= LOOK_S:
                self._look()
                looked = time.monotonic()
            with contextlib.suppress(queue.Empty):
                event = self._events.get(timeout=LOOK_S)
                if event is None:
                    return
                event()

    def close(self) -> None:
        """End what runs on the nodes, as far as they answer."""
        closing = [held.actor.close.remote() for held in self._nodes.values()]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_S)
        ray.shutdown()

    def tell(self, event: messages.Event) -> None:
        with contextlib.suppress(OSError):  # who listened is gone, and `_listen` says it
            self._link.send(event)

    def _listen(self) -> None:
        """In a thread of its own: what the engine wants."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                command = self._link.recv()
                if isinstance(command, messages.Run):
                    self._events.put(partial(self._run, command))
                elif isinstance(command, messages.Background):
                    self._events.put(partial(self._set_background, command.on))
        self._events.put(None)

    # -- nodes ---------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Put an actor on each node that has none, and give up those that are gone."""
        alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        for node_id in self._nodes.keys() - alive.keys():
            self._lose(node_id, "the node is gone")
        for node_id in alive.keys() - self._nodes.keys() - self._left_out.keys():
            self._put_actor(alive[node_id])
        self._say_looked(alive.keys())

    def _put_actor(self, node: dict[str, Any]) -> None:
        node_id = node["NodeID"]
        actor = self._remote.options(
            num_cpus=0,  # vLLM's placement groups may hold every CPU: an actor that wants one would wait for ever
            max_restarts=0,
            max_concurrency=4,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False),
        ).remote()
        shared = node_id == self._own or bool(node["Resources"].get("GPU"))
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        held = self._nodes[node_id] = _Held(name, actor, shared)
        threading.Thread(target=self._prepare, args=(node_id, held), daemon=True).start()

    def _prepare(self, node_id: str, held: _Held) -> None:
        """In a thread of its own: check a node, which may have to build its environment first."""
        try:
            prepare = held.actor.prepare.options(num_returns="streaming")
            for item in prepare.remote(self._start.wanted, self._start.settings):
                said = ray.get(item)
                if isinstance(said, str):
                    self.tell(messages.Said(f"{held.name}: {said}"))
                else:
                    self._events.put(partial(self._prepared, node_id, held, said))
        except Exception as error:
            self._events.put(partial(self._not_prepared, node_id, held, error))

    def _prepared(self, node_id: str, held: _Held, state: dict[str, Any]) -> None:
        if self._nodes.get(node_id) is not held:
            return
        if state["why"]:
            self._leave_out(node_id, state["why"])
            return
        held.joined = True
        if self._background and held.shared:
            held.actor.set_background.remote(True)
        node = messages.Node(node_id, held.name, state["workers"], held.shared, state["missing"])
        self.tell(messages.Joined(node))
        self._take(node_id, held)
        self._say_looked()

    def _not_prepared(self, node_id: str, held: _Held, error: Exception) -> None:
        if self._nodes.get(node_id) is not held:
            return
        if isinstance(error, RayTaskError) or "ModuleNotFoundError" in str(error) or "AttributeError" in str(error):
            last = str(error).strip().splitlines()[-1]
            self._leave_out(node_id, f"this package does not run there as it does here: {last}")
        else:
            self._lose(node_id, _why(error))

    def _leave_out(self, node_id: str, why: str) -> None:
        held = self._nodes.pop(node_id)
        ray.kill(held.actor)
        self._left_out[node_id] = f"{held.name}: {why}"
        self.tell(messages.LeftOut(held.name, why))
        self._say_looked()

    def _say_looked(self, alive: Any = ()) -> None:
        """Say once that every node was looked at; later, whether there is none left."""
        waiting = [held for held in self._nodes.values() if not held.joined]
        if waiting or any(node_id not in self._nodes and node_id not in self._left_out for node_id in alive):
            return
        if any(held.joined for held in self._nodes.values()):
            self._nobody_since = None
            if not self._looked:
                self._looked = True
                self.tell(messages.Looked())
            return
        self._nobody_since = self._nobody_since or time.monotonic()
        if not self._looked or time.monotonic() - self._nobody_since >= NOBODY_S:
            reasons = "; ".join(self._left_out.values()) or "all are gone"
            raise NoNode(f"no node of the cluster can run programs as this machine does: {reasons}")

    def _lose(self, node_id: str, why: str) -> None:
        """What we run on a node is gone: say it, and try again if the node is still there."""
        held = self._nodes.pop(node_id)
        with contextlib.suppress(RayError, ValueError):
            ray.kill(held.actor)  # one that cannot be reached now may come back, and shall not run on for nobody
        if held.joined:
            self.tell(messages.Lost(node_id, f"{held.name}: {why}"))
        losses = self._losses[node_id] = self._losses.get(node_id, 0) + 1
        if losses >= LOSSES:
            self._left_out[node_id] = f"{held.name}: what runs programs there was lost {losses} times: {why}"
            self.tell(messages.LeftOut(held.name, f"lost {losses} times without a verdict: {why}"))

    # -- programs ------------------------------------------------------------------------------------

    def _run(self, command: messages.Run) -> None:
        held = self._nodes.get(command.node)
        if held is not None and held.joined:  # else its loss was told, and the engine queues them again
            held.actor.run.remote(command.programs)

    def _take(self, node_id: str, held: _Held) -> None:
        future: Future[tuple[int, bytes]] = held.actor.take.remote().future()
        future.add_done_callback(lambda done: self._events.put(partial(self._took, node_id, held, done)))

    def _took(self, node_id: str, held: _Held, done: Future[tuple[int, bytes]]) -> None:
        if self._nodes.get(node_id) is not held:
            return
        error = done.exception()
        if error is not None:
            self._lose(node_id, _why(error))
            return
        running, verdicts = done.result()
        self._losses.pop(node_id, None)
        self.tell(messages.Verdicts(node_id, running, verdicts))
        self._take(node_id, held)

    def _set_background(self, background: bool) -> None:
        self._background = background
        for held in self._nodes.values():
            if held.joined and held.shared:
                held.actor.set_background.remote(background)


class NoNode(Exception):
    """No node of the cluster can run programs."""


def _why(error: BaseException) -> str:
    """Why an actor was lost, in a line."""
    if isinstance(error, OutOfMemoryError):
        return (
            "Ray's memory monitor ended what runs programs, because the node was short of memory. Free some there, "
            "allow fewer programs at once (workers), or raise RAY_memory_usage_threshold where the node is started"
        )
    if isinstance(error, RayTaskError):
        return str(error.cause)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Worker exit" in line or "unavailable" in line or "node" in line.lower()]
    return (told or lines or [type(error).__name__])[-1][:400]


def _reachable(address: str) -> str:
    """Why nothing can listen at an address, in words; "" if something does, or where only Ray can tell."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return ""
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        return str(error)
    return ""


def main(descriptor: int) -> None:
    """Speak to Ray for the engine at the other end of a pipe."""
    link = Connection(descriptor)
    start = link.recv()
    try:
        if why := _reachable(start.address):
            raise ConnectionError(why)
        ray.init(address=start.address, log_to_driver=False, configure_logging=False)
    except Exception as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        link.send(messages.Ended(f"there is no Ray cluster at {start.address}: {why}", final=True))
        return
    driver = Driver(link, start)
    try:
        driver.run()
    except NoNode as error:
        driver.tell(messages.Ended(str(error), final=True))
    finally:
        driver.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # no thread of Ray's or of ours keeps the process
