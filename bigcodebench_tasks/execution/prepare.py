"""Everything that execution needs, checked once, before a model generates anything."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from bigcodebench_tasks.execution.environment import Environment
from bigcodebench_tasks.execution.sandbox import Isolation, probe
from bigcodebench_tasks.execution.verify import ensure


@dataclass(frozen=True)
class Prepared:
    """What `prepare` found.

    Attributes:
        environment: where programs run, complete and of the right versions.
        isolation: what confines them on this machine.
    """

    environment: Environment
    isolation: Isolation


@functools.cache
def prepare(sandbox: str | None = None, network: str = "loopback") -> Prepared:
    """Find the execution environment, or build it with progress, and try the isolation with a small program.

    Done once per process and choice, however many tasks ask.

    Args:
        sandbox: isolation level; the strongest that the machine gives by default.
        network: "loopback" or "host".

    Raises:
        EnvironmentError_: the environment cannot be had or is not what its lock promises.
        SandboxUnavailable: the machine cannot isolate programs as asked.
        OptionError: there is no such level or network.
    """
    environment = ensure()
    return Prepared(environment, probe(environment, sandbox=sandbox, network=network))
