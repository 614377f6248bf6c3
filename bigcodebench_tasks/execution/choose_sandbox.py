"""Which sandbox programs get on this machine: asked for, tried once, and said in one line."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import replace

from bigcodebench_tasks import options
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import ExecutionFailed, OptionError, SandboxUnavailable
from bigcodebench_tasks.execution.conditions import Limits, Sandbox
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.server_process import SandboxRefused, ServerLost, ServerProcess
from bigcodebench_tasks.execution.verdict import CANARY
from bigcodebench_tasks.execution.worker.protocol import Broken, StartProgram

KINDS = options.CHOICES["sandbox"]
NETWORKS = options.CHOICES["network"]


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
        sandbox: a kind; else ``BIGCODEBENCH_SANDBOX``; else the strongest that this machine gives.
        network: "loopback" or "host".
        variables: where to look the variable up; ``os.environ`` by default.

    Raises:
        OptionError: there is no such kind or network.
        SandboxUnavailable: this kind does not work here, or none does and "none" was not chosen.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable("programs are executed on Linux only. StartProgram in a Linux machine or container")
    chosen = sandbox or options.sandbox_from_environment(variables)
    if chosen and chosen not in KINDS:
        raise OptionError(f"sandbox={chosen!r}: expected one of {', '.join(KINDS)}")
    if network not in NETWORKS:
        raise OptionError(f"network={network!r}: expected one of {', '.join(NETWORKS)}")
    tried: dict[str, str] = {}
    for kind in [chosen] if chosen else ["namespaces", "landlock"]:
        outcome = _try(environment, kind, network)
        if isinstance(outcome, Sandbox):
            return outcome
        tried[kind] = outcome
    if all(isinstance(why, _DoesNotStart) for why in tried.values()):
        raise SandboxUnavailable(
            f"{environment.python} does not run as programs are run, whatever confines them: "
            f"{next(iter(tried.values()))}. Programs get no variable of yours, LD_LIBRARY_PATH least of all: an "
            "interpreter that needs one has to find its libraries itself (patchelf --set-rpath), or name another with "
            "BIGCODEBENCH_PYTHON"
        )
    reasons = [f"{kind}: {why}" for kind, why in tried.items()]
    raise SandboxUnavailable(
        f"this machine cannot isolate model-written programs ({'; '.join(reasons)}). "
        f"Allow unprivileged user namespaces, or use a machine that is worthless to an attacker and set "
        f"{options.SANDBOX.name}=none to run programs with limits only"
    )


class _DoesNotStart(str):
    """Why the server ended before it confined itself: the sandbox is not to blame."""


@functools.lru_cache(maxsize=32)
def _try(environment: Environment, kind: str, network: str) -> Sandbox | str:
    """The sandbox of this kind, if a program ran in it, or why none did."""
    sandbox = Sandbox(kind, network)
    if kind == "none":
        return sandbox
    try:
        with ServerProcess(environment, sandbox, limits=_PROBE_LIMITS) as server:
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
                        return replace(sandbox, degraded=server.degraded)
    except SandboxRefused as error:
        return str(error)
    except (ServerLost, ExecutionFailed) as error:
        return str(error)


_PROBE_LIMITS = Limits(tree_memory_mib=1024)
