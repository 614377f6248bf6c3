"""Find or build the execution environment and choose a sandbox, before a model generates anything.

An option that is not given is taken from its environment variable here, or has its default.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bigcodebench_tasks import options
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.verify import ensure, repair
from bigcodebench_tasks.errors import EnvironmentMismatch, ExecutionFailed, OptionError, SandboxUnavailable
from bigcodebench_tasks.execution.conditions import Conditions, Limits, Sandbox
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.verdict import CANARY, EMPTY_SUITE, Program

LIBRARIES = Program(
    "canary",
    "import matplotlib, numpy, pandas\nnumpy.zeros(1), pandas.Series([1.0]), matplotlib.rcParams\n",
    EMPTY_SUITE,
)
"""A program that uses something of the libraries that most tasks import. An empty folder can be imported as well."""


@dataclass(frozen=True)
class Prepared:
    """What `prepare` found.

    Attributes:
        environment: the execution environment, complete and of the right versions.
        conditions: everything that verdicts depend on.
        refused: kinds of sandbox that are stronger than the one of `conditions`, each with the reason why it does not
            work on this machine.
    """

    environment: Environment
    conditions: Conditions
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def sandbox_line(self) -> str:
        """The sandbox in one line, with the reason why it is not a stronger one."""
        reasons = [f"{kind} does not work here: {why}" for kind, why in self.refused.items()]
        return "; ".join([self.conditions.sandbox.description, *reasons])


def prepare(
    sandbox: str | None = None,
    network: str = "loopback",
    speed: str = "official",
    *,
    environment: Environment | None = None,
) -> Prepared:
    """Find the execution environment, or build it with progress, and run a small program in the sandbox.

    Args:
        sandbox: "namespaces", "landlock" or "none"; else ``BIGCODEBENCH_SANDBOX``; else the strongest of the first two
            that works on this machine.
        network: "loopback" or "host".
        speed: "official" or "fast"; see `execution.speed`.
        environment: use this one.

    Raises:
        OptionError: an argument or a variable has a wrong value.
        ExecutionEnvironmentError: the environment cannot be built, or is not what its lock promises.
        SandboxUnavailable: the sandbox does not work on this machine.
    """
    timeout_s = options.timeout_from_environment()
    limits = Limits() if timeout_s is None else Limits(timeout_s=timeout_s)
    _check("speed", speed)
    kind = _resolve_sandbox(sandbox, network)
    environment = environment or ensure()
    chosen, refused = _choose(environment, kind, network, LIBRARIES)
    return Prepared(environment, Conditions.of(environment, chosen, limits, speed), refused)


def probe(
    environment: Environment, sandbox: str | None = None, network: str = "loopback", canary: Program = CANARY
) -> Sandbox:
    """The sandbox that `prepare` would choose in an environment, which may have none of the tasks' libraries.

    Args:
        canary: the program that has to run there.

    Raises:
        OptionError, EnvironmentMismatch, SandboxUnavailable: as `prepare`.
    """
    return _choose(environment, _resolve_sandbox(sandbox, network), network, canary)[0]


def _resolve_sandbox(sandbox: str | None, network: str) -> str | None:
    """The kind that the user chose; None for the strongest that works."""
    kind = sandbox or options.sandbox_from_environment()
    if kind:
        _check("sandbox", kind)
    _check("network", network)
    return kind


def _check(option: str, value: str) -> None:
    if value not in options.CHOICES[option]:
        raise OptionError(f"{option}={value!r}: expected one of {', '.join(options.CHOICES[option])}")


def _choose(
    environment: Environment, kind: str | None, network: str, canary: Program
) -> tuple[Sandbox, dict[str, str]]:
    """The first kind in which the canary runs, and the reasons of those in which it does not."""
    if sys.platform != "linux":
        raise SandboxUnavailable("programs are executed on Linux only. Start in a Linux machine or container")
    reasons: dict[str, str] = {}
    for each in [kind] if kind else ["namespaces", "landlock"]:
        found = _try(environment, Sandbox(each, network), canary)
        if isinstance(found, Sandbox):
            return found, reasons
        reasons[each] = found
    if all(isinstance(why, _NotTheSandbox) for why in reasons.values()):
        raise SandboxUnavailable(
            f"{environment.python} cannot run programs in any sandbox: {next(iter(reasons.values()))}. Programs get "
            "none of your environment variables, also not LD_LIBRARY_PATH: an interpreter that needs it has to find "
            "its libraries by itself (patchelf --set-rpath), or name another one with BIGCODEBENCH_PYTHON"
        )
    raise SandboxUnavailable(
        f"this machine cannot isolate model-written programs ({'; '.join(f'{k}: {v}' for k, v in reasons.items())}). "
        f"Allow unprivileged user namespaces, or use a machine that is worthless to an attacker and set "
        f"{options.SANDBOX.name}=none to run programs with limits only"
    )


class _NotTheSandbox(str):
    """Why no program ran although the sandbox was not refused."""


@functools.lru_cache(maxsize=32)
def _try(environment: Environment, sandbox: Sandbox, canary: Program) -> Sandbox | str:
    """The sandbox as it is on this machine, or why the canary does not run in it.

    Raises:
        EnvironmentMismatch: the canary runs and fails: the environment is not complete, or cannot be read there.
    """
    try:
        with Engine(environment, Conditions.of(environment, sandbox), workers=1, preload=False) as engine:
            verdict = engine.submit(canary).result()
            degraded = engine.degraded
    except SandboxUnavailable as error:
        return str(error)
    except ExecutionFailed as error:
        return _NotTheSandbox(error)
    why = next(iter(verdict.details.values()), verdict.reason).strip()
    if verdict.status == "timeout":
        return why
    if not verdict.passed:
        raise EnvironmentMismatch(
            f"programs that {environment.python} runs in the sandbox {sandbox.kind!r} cannot use numpy, pandas and "
            f"matplotlib ({why.splitlines()[-1]}). Repair it: {repair(environment)}"
        )
    return replace(sandbox, degraded=degraded)
