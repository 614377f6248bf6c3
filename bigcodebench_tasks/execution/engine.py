"""Programs in, verdicts out: the handle on everything that executes programs on this machine.

It is used in the manner of `concurrent.futures.Executor`::

    with Engine(environment, conditions) as engine:
        future = engine.submit(program)
        verdict = future.result()
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path

from bigcodebench_tasks.benchmark.known_tasks import SCHEDULE, Schedule
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.base_engine import BaseEngine
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.choose_sandbox import probe
from bigcodebench_tasks.execution.conditions import Conditions, Limits
from bigcodebench_tasks.execution.in_flight import InFlight
from bigcodebench_tasks.execution.pool import Listener, Pool
from bigcodebench_tasks.execution.server_process import ServerProcess
from bigcodebench_tasks.execution.speed import time_limit_s
from bigcodebench_tasks.execution.verdict import Program, Verdict


class Engine(BaseEngine):
    """Executes programs, each in a process of its own, confined, and judges them.

    Programs may be submitted at any time, from any thread, while others run; those that are known to take long
    start first. Equal programs that are in flight at the same time are executed once. The first submission starts
    the fork server, so an engine whose programs are all known already starts none.

    A context manager. On exit it waits for all verdicts, or, if an exception is on its way, ends what runs. No
    process is left then.
    """

    def __init__(
        self,
        environment: Environment,
        conditions: Conditions,
        *,
        workers: int | None = None,
        cache: Path | None = None,
        schedule: Schedule = SCHEDULE,
        preload: bool = True,
        expected: Collection[str] = (),
    ) -> None:
        """
        Args:
            environment: whose interpreter and libraries run the programs.
            conditions: of that environment (`Conditions.of`): limits, sandbox, network.
            workers: programs that may use a core at the same time; see `machine.workers`.
            cache: file with verdicts of earlier runs, to read and to extend (`cache.cache_file`); none by default.
            schedule: how tasks want to be run, by task_id; what BigCodeBench's need by default.
            preload: import what many of the programs import once for all; changes no verdict, only the time.
            expected: where programs come one by one, Python source for each of them whose imports it will probably
                share; by default what was submitted so far tells what the next ones import.

        Raises:
            OptionError: the number of workers is none.
        """
        self.environment = environment
        self.conditions = conditions
        workers = machine.workers(workers)
        limits = _with_memory(conditions.limits, workers)

        def start(modules: list[str]) -> ServerProcess:
            return ServerProcess(environment, conditions.sandbox, limits=limits, preload=modules)

        in_flight = InFlight(None if cache is None else VerdictCache(cache, conditions))
        listener = Listener(in_flight.started, in_flight.judged, in_flight.failed)
        limit_s = functools.partial(time_limit_s, conditions.speed, limits.timeout_s)
        pool = Pool(start, workers, schedule, listener, limit_s, preload=preload, expected=expected)
        super().__init__(pool, in_flight)


def _with_memory(limits: Limits, workers: int) -> Limits:
    """The limits with the memory of all processes of a program together as a number."""
    if limits.tree_memory_mib is not None:
        return limits
    machine_mib = machine.memory_mib()
    share = limits.memory_mib if machine_mib is None else max(1024, int(machine_mib * 0.8) // workers)
    return replace(limits, tree_memory_mib=min(limits.memory_mib, share))


def execute(
    programs: Sequence[Program],
    environment: Environment,
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    sandbox: str | None = None,
    network: str = "loopback",
    preload: bool = True,
    schedule: Schedule = SCHEDULE,
    on_verdict: Callable[[int, Verdict], None] | None = None,
    cache: Path | None = None,
) -> list[Verdict]:
    """Run every program and judge it: an engine for one batch.

    Args:
        programs: what to run.
        limits: limits of each program; `resolve_limits()` by default.
        sandbox, network: see `probe`.
        on_verdict: called with index and verdict as each verdict comes, in the order of completion.
        environment, workers, preload, schedule, cache: see `Engine`.

    Returns:
        One verdict for each program, in input order.

    Raises:
        SandboxUnavailable: the machine cannot isolate programs as asked.
        ExecutionFailed: our machinery broke repeatedly; no program is to blame.
    """
    if not programs:
        return []
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox, network=network), limits)
    with Engine(environment, conditions, workers=workers, cache=cache, schedule=schedule, preload=preload) as engine:
        futures = [engine.submit(program) for program in programs]
        places = {future: index for index, future in enumerate(futures)}
        for future in as_completed(places):
            verdict = future.result()
            if on_verdict:
                on_verdict(places[future], verdict)
        return [future.result() for future in futures]
