"""Run programs over the fork server: what runs when, and what to do when our own machinery breaks."""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.conditions import Limits
from bigcodebench_tasks.execution.judge import Outcome, judge, suite_of
from bigcodebench_tasks.execution.preloading import worth_preloading
from bigcodebench_tasks.execution.sandbox import probe
from bigcodebench_tasks.execution.server_process import ServerLost, ServerProcess
from bigcodebench_tasks.execution.verdict import Draft, Program, Verdict

# A program that lost its server, or could not be started, this often is given up, and the run with it.
ATTEMPTS = 3

# Programs that measure time sleep nearly all the while: one core that is kept free for them serves this many.
OWN_CORE_TOGETHER = 3

# Waiting programs cost no core but memory and processes: how many may run for each worker.
RUNNING_PER_WORKER = 8


def execute(
    programs: Sequence[Program | Draft],
    environment: Environment,
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    sandbox: str | None = None,
    network: str = "loopback",
    preload: bool = True,
    durations: Mapping[str, float] | None = None,
    own_core: Collection[str] = (),
    one_core: Collection[str] = (),
    on_verdict: Callable[[int, Verdict], None] | None = None,
    on_running: Callable[[int], None] | None = None,
    cache: Path | None = None,
) -> list[Verdict]:
    """Run every program in its own process and judge it.

    Args:
        programs: what to run; drafts are finished while others run.
        environment: whose interpreter and libraries run them.
        limits: limits of each program; `Limits.resolve()` by default.
        workers: programs that may use a core at the same time; see `machine.workers`.
        sandbox: isolation level to use; the strongest that the machine gives by default.
        network: "loopback", or "host" for programs that need the internet.
        preload: import what many of the programs import once for all; changes no verdict, only the time.
        durations: seconds that a task is known to take, by task_id: long ones start first.
        own_core: tasks, by task_id, whose tests measure time: while such programs run, a core is kept free for
            them also when they sleep, so that it is there when they wake. `OWN_CORE_TOGETHER` share one.
        one_core: tasks, by task_id, whose threads race with each other: all threads of such a program take turns
            on one core, and none is interrupted because another one woke.
        on_verdict: called with index and verdict as each verdict comes, in the order of completion.
        on_running: called with the number of programs that run now, whenever it may have changed.
        cache: file with verdicts of earlier runs, to read and to extend; none by default.

    Returns:
        One verdict for each program, in input order.

    Raises:
        SandboxUnavailable: the machine cannot isolate programs as asked.
        ExecutionFailed: our machinery broke repeatedly; no program is to blame.
    """
    if not programs:
        return []
    isolation = probe(environment, sandbox=sandbox, network=network)
    workers = machine.workers(workers)
    limits = _with_memory(limits or Limits.resolve(), workers)
    libraries = worth_preloading(programs) if preload else []
    with contextlib.ExitStack() as stack:
        store = None
        if cache is not None:
            store = stack.enter_context(contextlib.closing(VerdictCache(cache, environment, limits, isolation)))
        run = _Run(
            programs,
            workers,
            durations=durations or {},
            own_core=own_core,
            one_core=one_core,
            on_verdict=on_verdict,
            on_running=on_running,
            store=store,
        )
        run.recall_first()
        _finish(run, lambda: ServerProcess(environment, limits, isolation.level, network, libraries))
    return run.verdicts()


def _finish(run: _Run, start: Callable[[], ServerProcess]) -> None:
    """Start servers until every program has its verdict."""
    starts = 0
    while not run.finished:
        starts, judged = starts + 1, run.judged
        with start() as server:
            try:
                run.drive(server)
            except ServerLost as lost:
                run.requeue_running(str(lost))
                if run.judged > judged:
                    starts = 0
                if starts >= ATTEMPTS:
                    raise ExecutionFailed(f"{ATTEMPTS} attempts to run programs in a row failed: {lost}") from None


def _with_memory(limits: Limits, workers: int) -> Limits:
    if limits.tree_memory_mib is not None:
        return limits
    machine_mib = machine.memory_mib()
    share = limits.memory_mib if machine_mib is None else max(1024, int(machine_mib * 0.8) // workers)
    return replace(limits, tree_memory_mib=min(limits.memory_mib, share))


@dataclass
class _Attempts:
    """How often a program has failed to run through our fault, and why the last time."""

    failures: int = 0
    why: str = ""


class _Run:
    """The state of one call of `execute`: what is queued, what runs, what is judged."""

    def __init__(
        self,
        programs: Sequence[Program | Draft],
        workers: int,
        *,
        durations: Mapping[str, float],
        own_core: Collection[str] = (),
        one_core: Collection[str] = (),
        on_verdict: Callable[[int, Verdict], None] | None = None,
        on_running: Callable[[int], None] | None = None,
        store: VerdictCache | None = None,
    ) -> None:
        self._programs = list(programs)
        self._workers = workers
        self._own_core = {index for index, program in enumerate(programs) if program.task_id in own_core}
        self._one_core = frozenset(one_core)
        self._on_verdict = on_verdict
        self._on_running = on_running
        self._store = store
        self._verdicts: dict[int, Verdict] = {}
        self._attempts: dict[int, _Attempts] = {}
        self._running: set[int] = set()
        self._waiting: set[int] = set()
        # Longest first, so that no long program is left for the end; the queue is used from its end. Programs that
        # share a core start together.
        seconds = {task_id: durations.get(task_id, 0.0) for task_id in {program.task_id for program in programs}}
        seconds |= dict.fromkeys(own_core, max((seconds.get(task_id, 0.0) for task_id in own_core), default=0.0))
        order = sorted(range(len(programs)), key=lambda i: (seconds[programs[i].task_id], -i))
        self._queue = list(order)
        self._drafts = [index for index in order if isinstance(programs[index], Draft)]

    @property
    def finished(self) -> bool:
        return len(self._verdicts) == len(self._programs)

    @property
    def judged(self) -> int:
        return len(self._verdicts)

    def verdicts(self) -> list[Verdict]:
        return [self._verdicts[index] for index in range(len(self._programs))]

    def drive(self, server: ServerProcess) -> None:
        """Feed the server until every program has its verdict. Raises ServerLost."""
        server.wait_until_ready(meanwhile=self._finish_a_draft)
        self._fill(server)
        while not self.finished:
            messages = server.exchange() if self._finish_a_draft() else server.wait()
            for message in messages:
                self._take(message)
            self._fill(server)

    def _finish_a_draft(self) -> bool:
        """Make the solution of the next program that lacks it; False if there is none."""
        while self._drafts:
            index = self._drafts.pop()
            if isinstance(self._programs[index], Draft):
                self._program(index)
                return True
        return False

    def _program(self, index: int) -> Program:
        program = self._programs[index]
        if isinstance(program, Draft):
            program = self._programs[index] = program.finish()
        return program

    def _fill(self, server: ServerProcess) -> None:
        """Start programs while fewer than `workers` of the running ones want a core."""
        while self._queue and self._has_room_for(self._queue[-1]):
            index = self._queue.pop()
            if self._recall(index):
                continue
            program = self._program(index)
            self._running.add(index)  # before it is sent: should the server be lost right here, it is queued again
            server.send(
                {
                    "id": index,
                    "task_id": program.task_id,
                    "solution": program.solution,
                    "test": program.test,
                    "one_core": program.task_id in self._one_core,
                }
            )
        if self._on_running:
            self._on_running(len(self._running))

    def _has_room_for(self, index: int) -> bool:
        """Whether a core is free for the program, and the machine has not too many of them at once."""
        if len(self._running) >= self._workers * RUNNING_PER_WORKER:
            return False
        running = self._running | {index}
        measuring = running & self._own_core
        busy = running - self._waiting - measuring
        return len(busy) + math.ceil(len(measuring) / OWN_CORE_TOGETHER) <= self._workers

    def _take(self, message: dict[str, object]) -> None:
        event = message.get("event")
        if event == "waiting":
            waiting: set[int] = set(message["ids"])  # type: ignore[call-overload]
            self._waiting = waiting & self._running - self._own_core
        elif event == "broken":
            index = int(message["id"])  # type: ignore[call-overload]
            self._running.discard(index)
            self._waiting.discard(index)
            self._requeue(index, str(message["why"]))
        elif event == "done":
            self._judge(message)

    def _judge(self, message: dict[str, object]) -> None:
        index = int(message["id"])  # type: ignore[call-overload]
        if index not in self._running:
            return
        self._running.discard(index)
        self._waiting.discard(index)
        report = message["report"]
        outcome = Outcome(
            exit=int(message["exit"]),  # type: ignore[call-overload]
            killed=str(message["killed"]),
            report=None if report is None else base64.b64decode(str(report)),
            problem=str(message["problem"]),
            seconds=float(message["seconds"]),  # type: ignore[arg-type]
        )
        verdict = judge(outcome, suite_of(self._programs[index].test))
        if self._store is not None:
            self._store.put(self._program(index), verdict)
        self._settle(index, verdict)

    def recall_first(self) -> None:
        """Take verdicts of earlier runs up to the first program without: if there is none, no server has to start."""
        while self._queue and self._recall(self._queue[-1]):
            self._queue.pop()

    def _recall(self, index: int) -> bool:
        """Whether the program's verdict is known from an earlier run, and then take it."""
        verdict = None if self._store is None else self._store.get(self._program(index))
        if verdict is not None:
            self._settle(index, verdict)
        return verdict is not None

    def _settle(self, index: int, verdict: Verdict) -> None:
        self._verdicts[index] = verdict
        if self._on_verdict:
            self._on_verdict(index, verdict)

    def requeue_running(self, why: str) -> None:
        """Queue again what ran when the server was lost."""
        for index in sorted(self._running):
            self._requeue(index, why)
        self._running.clear()
        self._waiting.clear()

    def _requeue(self, index: int, why: str) -> None:
        """Queue a program again after a failure that is ours. Raises ExecutionFailed at the last attempt."""
        attempts = self._attempts.setdefault(index, _Attempts())
        attempts.failures += 1
        attempts.why = why
        if attempts.failures >= ATTEMPTS:
            raise ExecutionFailed(
                f"a program of {self._programs[index].task_id} could not be run in {ATTEMPTS} attempts: {why}. "
                "Verdicts so far are kept; free memory, disk space or processes and run again"
            )
        self._queue.append(index)
