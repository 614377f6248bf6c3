"""What runs on each node, held by an actor of Ray: that machine's ordinary engine, and the check that comes before."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from bigcodebench_tasks import __version__
from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.verify import ensure
from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.conditions import MAY_DIFFER, Conditions, Limits
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.prepare import LIBRARIES, probe
from bigcodebench_tasks.execution.verdict import CANARY, Program, Verdict

# Verdicts of so many seconds are sent together: what it costs Ray and the machine that asks is a price of each message.
# A node has more programs at hand than run, so no core waits for that; where it has none left it sends at once.
TOGETHER_S = 0.25

# How often is looked whether all that a node was sent has begun.
_LOOK_S = 0.05


@dataclass(frozen=True)
class Settings:
    """How a node runs programs.

    Attributes:
        workers: programs that may use a core at the same time; None takes the node's cores.
        ranks: processes that share the cluster, each with an engine of its own on every node.
        schedule, expected: see `Engine`.
    """

    workers: int | None
    ranks: int
    schedule: Schedule
    expected: Sequence[str]


def wanted(environment: Environment, conditions: Conditions) -> dict[str, Any]:
    """What a node has to be, so that its verdicts are those of the machine that asks, in plain types."""
    return {
        "package": __version__,
        "dataset": DATASET_VERSION,
        "python": str(environment.python) if environment.lock == "custom" else "",
        "conditions": conditions.to_dict(),
        "absent_data": _absent_data(environment),
    }


def _absent_data(environment: Environment) -> list[str]:
    return [] if environment.lock == "custom" else sorted(environments.absent_data(environment))


class NodeRunner:
    """One node's share of a run. Ray calls the methods in threads of their own."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._ended: queue.SimpleQueue[tuple[int, Future[Verdict]]] = queue.SimpleQueue()
        self._said_running = 0
        self._lock = threading.Lock()
        self._held = 0

    def prepare(self, wanted: dict[str, Any], settings: bytes) -> Iterator[str | dict[str, Any]]:
        """Check the node, building its environment where it is missing.

        Args:
            wanted: see `wanted`.
            settings: pickled `Settings`.

        Yields:
            What is said meanwhile, line by line; at last a mapping: "why" it cannot be used, "" if it can, and then
            its "workers" and "missing".
        """
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        state: dict[str, Any] = {"why": "its check ended with an error of its own; please report this"}

        def examine() -> None:
            try:
                with contextlib.redirect_stderr(_Lines(lines.put)):
                    state["why"] = self._examine(wanted)
                if not state["why"]:
                    state["workers"] = self._begin(pickle.loads(settings))
                    state["missing"] = self._conditions.missing
            except BigCodeBenchError as error:
                state["why"] = str(error)
            finally:
                lines.put(None)

        thread = threading.Thread(target=examine, daemon=True)
        thread.start()
        while (line := lines.get()) is not None:
            yield line
        thread.join()
        yield state

    def _examine(self, wanted: dict[str, Any]) -> str:
        """How the node differs, in words; "" if it does not. Raises BigCodeBenchError: it cannot run programs."""
        here = {"package": __version__, "dataset": DATASET_VERSION}
        if differs := _differences(here, wanted):
            return differs
        expected = wanted["conditions"]
        if expected["lock"] == "custom":
            os.environ.setdefault(environments.PYTHON_VARIABLE, wanted["python"])
        else:
            chosen = os.environ.setdefault(environments.LOCK_VARIABLE, expected["lock"])
            if chosen != expected["lock"]:
                return f"the lock is {chosen} there ({environments.LOCK_VARIABLE}) and {expected['lock']} here"
        environment = ensure()
        wanted_sandbox = expected["sandbox"]
        canary = CANARY if environment.lock == "custom" else LIBRARIES
        sandbox = probe(environment, wanted_sandbox["kind"], wanted_sandbox["network"], canary)
        self._environment = environment
        self._conditions = Conditions.of(environment, sandbox, Limits(**expected["limits"]), expected["speed"])
        if differs := _differences(self._conditions.to_dict(), expected, MAY_DIFFER):
            return differs
        if differs := _differences({"absent_data": _absent_data(environment)}, wanted):
            return differs
        return ""

    def _begin(self, settings: Settings) -> int:
        workers = machine.workers(settings.workers, {**os.environ, "LOCAL_WORLD_SIZE": str(settings.ranks)})
        self._engine = Engine(
            self._environment,
            self._conditions,
            workers=workers,
            schedule=settings.schedule,
            expected=settings.expected,
        )
        return workers

    def run(self, programs: bytes) -> None:
        """Queue programs: see `messages.Run`."""
        assert self._engine is not None
        for number, program in pickle.loads(programs):
            self._submit(number, program)

    def _submit(self, number: int, program: Program) -> None:
        assert self._engine is not None
        with self._lock:  # several calls come at once
            self._held += 1
        future = self._engine.submit(program)
        future.add_done_callback(lambda done: self._ended.put((number, done)))

    def take(self) -> tuple[int, bytes]:
        """Wait until programs have ended, or more of them run.

        Returns:
            How many programs run, and a pickled list of number and `Verdict`.

        Raises:
            ExecutionFailed, SandboxUnavailable: the engine cannot run programs here any more.
        """
        assert self._engine is not None
        ended: list[tuple[int, Future[Verdict]]] = []
        # More run than was said, and none waits: there is room for more.
        while not ended and (self._waiting(0) or self._engine.running <= self._said_running):
            with contextlib.suppress(queue.Empty):
                ended.append(self._ended.get(timeout=_LOOK_S))
        end = time.monotonic() + TOGETHER_S
        while self._waiting(len(ended)) and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                ended.append(self._ended.get(timeout=left))
        with contextlib.suppress(queue.Empty):
            while True:
                ended.append(self._ended.get_nowait())
        with self._lock:
            self._held -= len(ended)
        self._said_running = self._engine.running
        return self._said_running, pickle.dumps([(number, future.result()) for number, future in ended])

    def _waiting(self, ended: int) -> bool:
        """Whether programs have not begun yet, where so many have ended that are not taken off yet."""
        return self._engine is not None and self._held - ended > self._engine.running

    def set_background(self, background: bool) -> None:
        """See `Engine.set_background`."""
        if self._engine is not None:
            self._engine.set_background(background)

    def close(self) -> None:
        """End what runs; nothing of it is left when this returns."""
        if self._engine is not None:
            self._engine.shutdown(wait=False)


class _Lines(io.TextIOBase):
    """A stream that gives each line away as it is complete."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)


def _differences(here: dict[str, Any], wanted: dict[str, Any], may_differ: Sequence[str] = ()) -> str:
    """Of a node ("there") from the machine that asks ("here"), in words."""
    differ = [name for name, value in here.items() if name not in may_differ and wanted.get(name) != value]
    return "; ".join(f"{name} is {_short(here[name])} there and {_short(wanted.get(name))} here" for name in differ)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:12]}..."
