"""What runs on each node of a cluster: the check, and that machine's `Engine`. An actor of Ray holds it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from bigcodebench_tasks import __version__
from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.verify import ensure
from bigcodebench_tasks.errors import BigCodeBenchError, SandboxUnavailable
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.conditions import Conditions, Limits
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.prepare import LIBRARIES, probe
from bigcodebench_tasks.execution.verdict import CANARY, Program, Verdict


def node_request(
    environment: Environment, conditions: Conditions, workers: int | None, expected: Sequence[str] = ()
) -> dict[str, Any]:
    """What a node must have to give the verdicts of this machine, and how its engine runs, in plain JSON types.

    Args:
        environment, conditions: of this machine.
        workers: programs that may use a core of a node at the same time; None takes the node's cores.
        expected: see `Engine`.
    """
    return {
        "package": __version__,
        "dataset": DATASET_VERSION,
        "python": str(environment.python) if environment.lock == "custom" else "",
        "conditions": conditions.to_dict(),
        "workers": None if workers is None else machine.workers(workers),
        "ranks": os.environ.get("WORLD_SIZE", "1"),  # processes that share the cluster, each with an engine per node
        "expected": list(expected),
    }


class NodeRunner:
    """One node's share of a run. Its methods are coroutines, so that Ray runs many calls at the same time."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._workers = 0
        self._engine: Engine
        log = logging.getLogger("bigcodebench_tasks")
        log.setLevel(logging.INFO)
        log.addHandler(logging.StreamHandler())  # Ray sends it to the process that checks the nodes

    async def check(self) -> tuple[str, int]:
        """Check the node and start its engine. Builds the execution environment if it is missing.

        Returns:
            Why the node cannot be used, with the fix, or ""; and how many of its programs may use a core at a time.
        """
        return await asyncio.to_thread(self._check)

    async def run(self, program: Program) -> Verdict:
        """Execute a program. Raises ExecutionFailed or SandboxUnavailable: no program can be run here any more."""
        return await asyncio.wrap_future(self._engine.submit(program))

    def _check(self) -> tuple[str, int]:
        try:
            return self._start_engine(), self._workers
        except SandboxUnavailable as error:
            return f"{error}. Or choose a sandbox that all nodes have, such as --sandbox landlock", 0
        except BigCodeBenchError as error:
            return str(error), 0

    def _start_engine(self) -> str:
        """How this node differs, with the fix; "" if it does not. Raises BigCodeBenchError: it cannot run programs."""
        request, expected = self._request, self._request["conditions"]
        if differs := _differences({"package": __version__, "dataset": DATASET_VERSION}, request):
            return f"{differs}. Install the same version there: pip install bigcodebench-tasks=={request['package']}"
        if expected["lock"] == "custom":
            os.environ.setdefault(environments.PYTHON_VARIABLE, request["python"])
        else:
            variable = environments.LOCK_VARIABLE
            lock = os.environ.setdefault(variable, expected["lock"])
            if lock != expected["lock"]:
                return (
                    f"the lock is {lock} there ({variable}) and {expected['lock']} here. "
                    f"Start that node without the variable: env -u {variable} ray start ..."
                )
        environment = ensure()
        canary = CANARY if environment.lock == "custom" else LIBRARIES
        sandbox = probe(environment, expected["sandbox"]["kind"], expected["sandbox"]["network"], canary)
        conditions = Conditions.of(environment, sandbox, Limits(**expected["limits"]), expected["speed"])
        if differs := _differences(conditions.to_dict(), expected):
            return f"{differs}. `bigcodebench-tasks env check` on both machines shows what to install or change"
        self._workers = machine.workers(request["workers"], {**os.environ, "LOCAL_WORLD_SIZE": request["ranks"]})
        self._engine = Engine(environment, conditions, workers=self._workers, expected=request["expected"])
        return ""


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """How a node differs from the machine that asks, in words; "" if it does not."""
    differ = [name for name, value in there.items() if here.get(name) != value]
    return "; ".join(f"{name} is {_short(there[name])} there and {_short(here.get(name))} here" for name in differ)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
