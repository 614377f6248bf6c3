"""Everything that execution needs, checked once, before a model generates anything."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.verify import ensure, repair
from bigcodebench_tasks.errors import EnvironmentMismatch, OptionError
from bigcodebench_tasks.execution.choose_sandbox import probe
from bigcodebench_tasks.execution.conditions import Conditions, Sandbox, resolve_limits
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.speed import OFFICIAL, SPEEDS
from bigcodebench_tasks.execution.verdict import Program

# Libraries that most tasks import; that a program can import them says that the environment works at all.
_IMPORT_CANARY = Program(
    "canary",
    "import numpy, pandas, matplotlib",
    "import unittest\nclass TestCases(unittest.TestCase):\n    def test_nothing(self): pass\n",
)


@dataclass(frozen=True)
class Prepared:
    """What `prepare` found.

    Attributes:
        environment: where programs run, complete and of the right versions.
        conditions: all that verdicts depend on.
    """

    environment: Environment
    conditions: Conditions


def prepare(sandbox: str | None = None, network: str = "loopback", speed: str = OFFICIAL) -> Prepared:
    """Find the execution environment, or build it with progress, and try the sandbox with small programs.

    Done once per process and choice, however many tasks ask.

    Args:
        sandbox: its kind; the strongest that works on this machine by default.
        network: "loopback" or "host".
        speed: "official" or "fast"; see `execution.speed`.

    Raises:
        ExecutionEnvironmentError: the environment cannot be had or is not what its lock promises.
        SandboxUnavailable: the machine cannot isolate programs as asked.
        OptionError: there is no such sandbox, network or speed, or a variable that changes the limits is wrong.
        ExecutionFailed: our own machinery broke.
    """
    limits = resolve_limits()  # first: a wrong variable is said before an environment is built
    if speed not in SPEEDS:
        raise OptionError(f"speed={speed!r}: expected one of {', '.join(SPEEDS)}")
    environment, chosen = _tried(sandbox, network)
    return Prepared(environment, Conditions.of(environment, chosen, limits, speed))


@functools.cache
def _tried(kind: str | None, network: str) -> tuple[Environment, Sandbox]:
    environment = ensure()
    sandbox = probe(environment, sandbox=kind, network=network)
    try_libraries(environment, sandbox)
    return environment, sandbox


def try_libraries(environment: Environment, sandbox: Sandbox) -> None:
    """Import a few libraries where programs will: confined, in case the environment cannot be seen from there.

    Raises:
        EnvironmentMismatch: they cannot be imported.
        ExecutionFailed: our own machinery broke.
    """
    with Engine(environment, Conditions.of(environment, sandbox), workers=1) as engine:
        verdict = engine.submit(_IMPORT_CANARY).result()
    if not verdict.passed:
        problem = next(iter(verdict.details.values()), verdict.reason).strip().splitlines()[-1]
        raise EnvironmentMismatch(
            f"programs that {environment.python} runs under the sandbox {sandbox.kind!r} cannot "
            f"{_IMPORT_CANARY.solution!r} ({problem}). Repair it: {repair(environment)}"
        )
