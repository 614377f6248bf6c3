"""In the background programs leave the machine to others, and no verdict is one of a busy machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, probe
from tests.helpers.programs import RIGHT, SUITE, WRONG, program

LIMITS = Limits(timeout_s=3, tree_memory_mib=512)
SCHEDULE = Schedule(measure_time={"measures"}, race={"races"})


@pytest.fixture
def engine(environment: Environment, level: str) -> Iterator[Engine]:
    """An engine in the background, with two workers."""
    conditions = Conditions.of(environment, probe(environment, sandbox=level), LIMITS)
    with Engine(environment, conditions, workers=2, schedule=SCHEDULE) as engine:
        engine.set_background(True)
        yield engine


def test_what_runs_there_takes_only_what_is_idle(engine: Engine) -> None:
    solution = "import os\ntask_func = lambda: (os.nice(0), os.sched_getscheduler(0))\n"
    idle = program(solution, SUITE.replace('"right"', str((19, os.SCHED_BATCH))))
    usual = program(solution, SUITE.replace('"right"', str((os.nice(0), os.SCHED_OTHER))))
    assert engine.submit(idle).result().passed
    engine.set_background(False)
    verdict = engine.submit(usual).result()
    assert verdict.passed, verdict


def test_a_core_is_left_free(engine: Engine) -> None:
    # Two that compute, and two workers: side by side they would run at once.
    busy = [engine.submit(program(f"while True: pass\n# {number}")) for number in range(2)]
    while not any(future.running() for future in busy):
        time.sleep(0.01)
    right = engine.submit(program(RIGHT))
    assert sum(future.running() for future in busy) == 1
    assert not right.running()
    engine.shutdown(wait=False)


def test_tasks_that_depend_on_timing_wait_until_it_has_ended(engine: Engine) -> None:
    waiting = [engine.submit(program(RIGHT, task_id=task_id)) for task_id in ("measures", "races")]
    assert engine.submit(program(RIGHT, task_id="other")).result().passed
    assert not any(future.running() or future.done() for future in waiting)
    engine.set_background(False)
    assert all(future.result().passed for future in waiting)


def test_what_timed_out_is_executed_again_afterwards(engine: Engine) -> None:
    late = engine.submit(program(f"import time\ntime.sleep(60)\n{RIGHT}"))
    while engine.running == 0:
        time.sleep(0.01)
    while engine.running:
        time.sleep(0.01)
    assert not late.done(), "a busy machine may have been why"
    assert engine.submit(program(WRONG)).result().status == "fail", "for this one it was not"
    engine.set_background(False)
    assert late.result().reason == "timeout"


def test_closing_executes_what_was_held_back(environment: Environment, level: str) -> None:
    conditions = Conditions.of(environment, probe(environment, sandbox=level), LIMITS)
    with Engine(environment, conditions, schedule=SCHEDULE) as engine:
        engine.set_background(True)
        future = engine.submit(program(RIGHT, task_id="measures"))
    assert future.result().passed
