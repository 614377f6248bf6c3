"""Which sandbox programs get on this machine: asked for, tried once, and said in one line."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from bigcodebench_tasks import options
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import ExecutionFailed, OptionError, SandboxUnavailable
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.server_process import SandboxRefused, ServerLost, ServerProcess
from bigcodebench_tasks.execution.verdict import CANARY
from bigcodebench_tasks.execution.worker.protocol import Broken, Limits, StartProgram

SandboxKind = Literal["namespaces", "landlock", "none"]
SANDBOX_VARIABLE = options.SANDBOX.name
NETWORKS = options.CHOICES["network"]

_DESCRIPTIONS = {
    "namespaces": "own user, pid, mount, ipc, uts and {net}; read-only system, private scratch",
    "landlock": "Landlock for files{net} and signals, seccomp for the rest; processes and devices are shared",
    "none": "limits on time, memory and files only: programs can read and change what this user can",
}


@dataclass(frozen=True)
class Sandbox:
    """What keeps programs away from the machine.

    Attributes:
        level: "namespaces", "landlock" or "none".
        description: one line for people.
        network: "loopback" or "host".
        degraded: what programs do not get on this machine although the level has it; "" mostly.
        no_group: why samples have no control groups of their own, in which the kernel counts; "" where they have.
    """

    level: SandboxKind
    description: str
    network: str
    degraded: str = ""
    no_group: str = ""


def probe(
    environment: Environment,
    *,
    sandbox: str | None = None,
    network: str = "loopback",
    variables: Mapping[str, str] | None = None,
) -> Sandbox:
    """The sandbox that programs will get, tried for real with one small program.

    Args:
        environment: whose interpreter is confined.
        sandbox: a level; else ``BIGCODEBENCH_SANDBOX``; else the strongest that this machine gives.
        network: "loopback" or "host".
        variables: where to look the variable up; ``os.environ`` by default.

    Raises:
        OptionError: there is no such level or network.
        SandboxUnavailable: the level cannot be had here, or none can and "none" was not chosen.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable("programs are executed on Linux only. StartProgram in a Linux machine or container")
    variables = os.environ if variables is None else variables
    source = "sandbox" if sandbox else SANDBOX_VARIABLE
    chosen = sandbox or variables.get(SANDBOX_VARIABLE) or ""
    if chosen and chosen not in _DESCRIPTIONS:
        raise OptionError(f"{source}={chosen!r}: expected one of {', '.join(_DESCRIPTIONS)}")
    if network not in NETWORKS:
        raise OptionError(f"network={network!r}: expected one of {', '.join(NETWORKS)}")
    tried: dict[str, str] = {}
    for level in [chosen] if chosen else ["namespaces", "landlock"]:
        outcome = _try(environment, level, network)
        if isinstance(outcome, Sandbox):
            return outcome
        tried[level] = outcome
    if all(isinstance(why, _DoesNotStart) for why in tried.values()):
        raise SandboxUnavailable(
            f"{environment.python} does not run as programs are run, whatever confines them: "
            f"{next(iter(tried.values()))}. Programs get no variable of yours, LD_LIBRARY_PATH least of all: an "
            "interpreter that needs one has to find its libraries itself (patchelf --set-rpath), or name another with "
            "BIGCODEBENCH_PYTHON"
        )
    reasons = [f"{level}: {why}" for level, why in tried.items()]
    raise SandboxUnavailable(
        f"this machine cannot isolate model-written programs ({'; '.join(reasons)}). "
        f"Allow unprivileged user namespaces, or use a machine that is worthless to an attacker and set "
        f"{SANDBOX_VARIABLE}=none to run programs with limits only"
    )


def _sandbox(level: str, network: str, degraded: str, no_group: str) -> Sandbox:
    if level == "namespaces":
        net = "network namespace (loopback only)" if network == "loopback" else "the host's network"
    else:
        net = ", TCP" if network == "loopback" else ""
    counted = "" if no_group else "memory, swap and processes of each sample counted by the kernel (cgroup v2)"
    parts = [f"{level}: {_DESCRIPTIONS[level].format(net=net)}", counted, degraded]
    return Sandbox(cast(SandboxKind, level), "; ".join(filter(None, parts)), network, degraded, no_group)


class _DoesNotStart(str):
    """Why the server ended before it confined itself: the sandbox is not to blame."""


@functools.lru_cache(maxsize=32)
def _try(environment: Environment, level: str, network: str) -> Sandbox | str:
    """A level, if a program ran under it, or why it is not to be had."""
    if level == "none":
        return _sandbox(level, network, "", "not tried beforehand at this level")
    try:
        with ServerProcess(environment, level=level, network=network, limits=_PROBE_LIMITS) as server:
            try:
                server.wait_until_ready()
            except ServerLost as error:
                return _DoesNotStart(error)
            server.run(StartProgram(id=0, one_core=False, timeout_s=_PROBE_LIMITS.timeout_s), CANARY)
            while True:
                for message in server.wait():
                    if isinstance(message, Broken):
                        return message.why
                    if isinstance(message, Outcome):
                        if message.report is None:
                            return f"a program could not run: {message}"
                        return _sandbox(level, network, server.degraded, server.no_group)
    except SandboxRefused as error:
        return str(error)
    except (ServerLost, ExecutionFailed) as error:
        return str(error)


_PROBE_LIMITS = Limits(tree_memory_mib=1024)
