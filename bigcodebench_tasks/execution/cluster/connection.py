"""This process's connection to a Ray cluster, the actors on its nodes, and the check of the nodes.

A process has one connection to Ray. lm-eval's vLLM loader uses it while the model generates and closes it afterwards.
So it is opened for the check before generation, closed, and opened again for scoring. A connection that other code
opened is shared, and left open.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

from bigcodebench_tasks import __version__, options
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import ClusterUnavailable, OptionError
from bigcodebench_tasks.execution.cluster.node import NodeRunner, node_request
from bigcodebench_tasks.execution.conditions import Conditions

# Ray ends this process if it cannot reach the head node's GCS for 60 s, so the cluster is given up before.
_HEAD_AWAY_S = 20.0

# More calls than a node has at the same time; Ray's default for coroutines is 1,000.
_CALLS = 100_000

_INSTALL = f"pip install 'bigcodebench-tasks[ray]=={__version__}'"
_STATUS = "`ray status` shows a cluster; without the option cluster programs run on this machine"

log = logging.getLogger("bigcodebench_tasks")

_lock = threading.Lock()
_users = 0
_opened = False


def cluster_address(option: str | None = None, variables: Mapping[str, str] | None = None) -> str | None:
    """The address of the user's cluster: the option, else ``BIGCODEBENCH_CLUSTER``; None for none.

    Raises:
        OptionError: it is an address of Ray Client.
    """
    address = option or options.cluster_from_environment(variables)
    if address is not None and "://" in address:
        raise OptionError(
            f"cluster {address!r}: expected auto, or the host and port of the head node, such as 10.0.0.1:6379. "
            "This machine must be a node of the cluster: ray start --address=10.0.0.1:6379"
        )
    return address


def check_nodes(
    address: str,
    environment: Environment,
    conditions: Conditions,
    *,
    workers: int | None = None,
    tell: Callable[[str], None] = log.info,
    warn: Callable[[str], None] = log.warning,
) -> None:
    """Check every node of a cluster before anything is generated. A node without execution environment builds it.

    Args:
        address: "auto", or host and port.
        environment, conditions: those of this machine; a node must have the same.
        workers: programs that may use a core of a node at the same time; the node's cores by default.
        tell, warn: take a line for the user: the nodes that are used; those that are left out, why, and the fix.

    Raises:
        ClusterUnavailable: there is no cluster, none of its nodes can run programs, or Ray is not installed.
    """
    usable: list[tuple[str, int]] = []
    reasons = []
    with connection(address, show_output=True), contextlib.ExitStack() as stack:
        actors = [NodeActor(node, node_request(environment, conditions, workers)) for node in alive_nodes().values()]
        for actor in actors:
            stack.callback(actor.kill)
        checks = {actor.call("check"): actor.name for actor in actors}
        for done in as_completed(checks):
            error = done.exception()
            why, cores = (reason(error), 0) if error else done.result()
            if why:
                warn(f"node {checks[done]} is left out: {why}")
                reasons.append(f"{checks[done]}: {why}")
            else:
                usable.append((checks[done], cores))
    if not usable:
        why = "; ".join(reasons)
        raise ClusterUnavailable(f"no node of the cluster can run programs as this machine does: {why}. {_STATUS}")
    tell(
        f"programs run on {len(usable)} nodes of the Ray cluster, {sum(cores for _, cores in usable)} at a time: "
        + ", ".join(f"{name} {cores}" for name, cores in sorted(usable))
    )


@contextlib.contextmanager
def connection(address: str, *, show_output: bool = False) -> Iterator[None]:
    """Connect this process to a cluster, or share the connection that it has.

    Args:
        address: "auto", or host and port.
        show_output: print what actors write to stderr, such as the progress of a build.

    Raises:
        ClusterUnavailable: there is no cluster, this process is connected to another one, or Ray is not installed.
    """
    global _users, _opened
    with _lock:
        try:
            import ray
        except ImportError:
            raise ClusterUnavailable(f"the option cluster needs Ray, here and on each node: {_INSTALL}") from None
        if not ray.is_initialized():
            _connect(address, show_output)
            _opened = True
        elif not _same(address, connected := ray.get_runtime_context().gcs_address):
            raise ClusterUnavailable(
                f"this process is connected to the Ray cluster at {connected} already, not to {address}. "
                f"Let the model's loader use that one, too: export RAY_ADDRESS={address}"
            )
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _opened and not _users:
                _opened = False
                ray.shutdown()


def _same(address: str, connected: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError):
        return address == "auto" or f"{socket.gethostbyname(host)}:{port}" == connected
    return False


def _connect(address: str, show_output: bool) -> None:
    import ray

    ray_log = logging.getLogger("ray")
    level = ray_log.level
    try:
        if address != "auto":  # Ray itself tries for a long time
            _wait_for(address, 0.0)
        ray_log.setLevel(logging.ERROR)
        # In the main thread Ray would replace the process's handler of SIGTERM.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(ray.init, address, log_to_driver=show_output, configure_logging=False).result()
    except Exception as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ClusterUnavailable(f"there is no Ray cluster at {address}: {why}. {_STATUS}") from error
    finally:
        ray_log.setLevel(level)


def _wait_for(address: str, seconds: float) -> None:
    """Wait until something listens at an address. Raises OSError."""
    host, _, port = address.rpartition(":")
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        except OSError:
            if time.monotonic() >= end:
                raise
        time.sleep(1)


def alive_nodes() -> dict[str, dict[str, Any]]:
    """The nodes of the cluster, by id. Raises ClusterUnavailable: its head or this machine's node has ended."""
    import ray

    context = ray.get_runtime_context()
    try:
        _wait_for(context.gcs_address, _HEAD_AWAY_S)
    except OSError as error:
        raise ClusterUnavailable(f"the head node {context.gcs_address} has ended: {error}") from error
    nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
    if context.get_node_id() not in nodes:
        raise ClusterUnavailable(f"this machine's node has ended: ray start --address={context.gcs_address}")
    return nodes


class NodeActor:
    """A `NodeRunner` on one node, whose host name and address are its `name`."""

    def __init__(self, node: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        # It asks for no CPU of Ray's: vLLM may hold all of them. Ray does not restart it: calls fail at once while an
        # actor restarts, and would count against the programs.
        create = ray.remote(NodeRunner).options(
            num_cpus=0,
            max_restarts=0,
            max_concurrency=_CALLS,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        )
        self._actor: Any = create.remote(request)

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the `NodeRunner`."""
        future: Future[Any] = getattr(self._actor, method).remote(*arguments).future()
        return future

    def kill(self) -> None:
        """End the actor. Its fork server ends with it, and the programs with that."""
        import ray

        with contextlib.suppress(Exception):  # the actor is gone, or the connection
            ray.kill(self._actor)


def reason(error: BaseException) -> str:
    """Why a call of an actor failed, in one line, with the fix where it is known."""
    from ray.exceptions import OutOfMemoryError, RayTaskError

    text = str(error)
    if isinstance(error, OutOfMemoryError):
        return (
            "Ray's memory monitor ended what runs programs, because the node was short of memory. Free memory there, "
            "allow fewer programs at once (workers), or start the node with a higher RAY_memory_usage_threshold"
        )
    if isinstance(error, RayTaskError):
        return str(error.cause)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    if "ModuleNotFoundError" in text or "AttributeError" in text:
        return f"this package cannot be loaded there: {lines[-1][:400]}. On that node: {_INSTALL}"
    telling = [line for line in lines if "Worker exit" in line or "unavailable" in line or "node" in line.lower()]
    return (telling or lines)[-1][:400]
