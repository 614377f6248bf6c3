"""An engine whose programs run on every machine of a Ray cluster; to its user it is `Engine`."""

from __future__ import annotations

import functools
import logging
import os
import pickle
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bigcodebench_tasks import options
from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE, Schedule
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import ClusterUnavailable, OptionError
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.cluster import messages
from bigcodebench_tasks.execution.cluster.dispatch import NodeUse
from bigcodebench_tasks.execution.cluster.node import Settings, wanted
from bigcodebench_tasks.execution.cluster.pool import ClusterPool
from bigcodebench_tasks.execution.cluster.process import DriverProcess
from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.preloading import shared_imports

log = logging.getLogger("lm_eval.bigcodebench")


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster whose nodes were looked at.

    Attributes:
        address: "auto", or host and port.
        nodes: names of those that can run programs, with the programs that may use a core there at the same time.
        missing: what at least one of them does not have; see `Conditions`.
    """

    address: str
    nodes: tuple[tuple[str, int], ...] = ()
    missing: tuple[str, ...] = ()


def cluster_address(option: str | None = None, variables: Mapping[str, str] | None = None) -> str | None:
    """The address of the cluster that the user wants; None for none.

    Args:
        option: the caller's choice; else ``BIGCODEBENCH_CLUSTER``.
        variables: where to look the variable up; ``os.environ`` by default.

    Raises:
        OptionError: it is an address of Ray Client.
    """
    address = option or options.cluster_from_environment(variables)
    if address is not None and "://" in address:
        raise OptionError(
            f"cluster {address!r}: expected auto, or the host and port of the head node, such as 10.0.0.1:6379. "
            "This machine has to be a node of the cluster: ray start --address=10.0.0.1:6379"
        )
    return address


def look_at(
    address: str,
    environment: Environment,
    conditions: Conditions,
    *,
    workers: int | None = None,
    tell: Callable[[str], None] = log.info,
    warn: Callable[[str], None] = log.warning,
) -> Cluster:
    """Check every node of a cluster, so that what keeps it from running programs is said before anything is generated.

    A node that lacks the execution environment builds it now.

    Args:
        address: of the cluster: "auto", or host and port.
        environment, conditions: those of this machine; a node has to have the same.
        workers: programs that may use a core of a node at the same time; the node's cores by default.
        tell, warn: take a line for the user: what a node builds, which nodes there are; which are left out, and why.

    Raises:
        ClusterUnavailable: there is no cluster, none of its nodes can run programs, or Ray is not installed.
    """
    process = _process(address, environment, conditions, workers)
    nodes: list[messages.Node] = []
    try:
        while not isinstance(event := process.receive(), messages.Looked):
            if isinstance(event, messages.Ended):
                raise ClusterUnavailable(
                    f"{event.why}. `ray status --address ADDRESS` shows a cluster, docs/cluster.md how to start one; "
                    "without the option cluster programs run on this machine"
                )
            if isinstance(event, messages.Joined):
                nodes.append(event.node)
            elif isinstance(event, messages.Said):
                tell(event.text)
            elif isinstance(event, messages.LeftOut):
                warn(f"node {event.name} is left out: {event.why}")
    finally:
        process.close()
    nodes.sort(key=lambda node: node.name)
    tell(
        f"programs run on {len(nodes)} nodes of the Ray cluster, {sum(node.workers for node in nodes)} at a time: "
        + ", ".join(f"{node.name} {node.workers}" for node in nodes)
    )
    missing = sorted({name for node in nodes for name in node.missing})
    return Cluster(address, tuple((node.name, node.workers) for node in nodes), tuple(missing))


def _process(
    address: str,
    environment: Environment,
    conditions: Conditions,
    workers: int | None,
    schedule: Schedule = SCHEDULE,
    expected: Sequence[str] = (),
) -> DriverProcess:
    ranks = os.environ.get("WORLD_SIZE", "1")
    settings = Settings(
        None if workers is None else machine.workers(workers),
        int(ranks) if ranks.isdecimal() and int(ranks) else 1,
        schedule,
        expected,
    )
    return DriverProcess(messages.Start(address, wanted(environment, conditions), pickle.dumps(settings)))


class ClusterEngine(Engine):
    """Executes programs as `Engine` does, on all nodes of a Ray cluster that are as this machine is.

    The queue and the cache are here: those programs that are known to take long start first, wherever there is room.
    Nodes that join are used; what a node that is lost had is run elsewhere. The first submission connects.
    """

    _pool: ClusterPool

    def __init__(
        self,
        cluster: Cluster,
        environment: Environment,
        conditions: Conditions,
        *,
        workers: int | None = None,
        cache: Path | None = None,
        schedule: Schedule = SCHEDULE,
        expected: Collection[str] = (),
    ) -> None:
        """
        Args:
            cluster: see `look_at`; one with an address alone is not known to be there.
            workers: programs that may use a core of a node at the same time; the node's cores by default.
            environment, conditions, cache, schedule, expected: see `Engine`.

        Raises:
            OptionError: the number of workers is none.
        """
        imports = shared_imports(expected)

        def start() -> DriverProcess:
            return _process(cluster.address, environment, conditions, workers, schedule, imports)

        cached_under = replace(conditions, missing=cluster.missing)
        super().__init__(environment, cached_under, cache=cache, pool=functools.partial(ClusterPool, start, schedule))

    @property
    def used(self) -> list[NodeUse]:
        """The nodes, and how many programs each has executed."""
        return self._pool.used
