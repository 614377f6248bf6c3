"""In the background programs leave the machine to others, and no verdict is one of a busy machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits
from bigcodebench_tasks.execution.pool import may_pass_undisturbed
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.scheduler import Job
from bigcodebench_tasks.execution.worker.protocol import Report
from tests.helpers.programs import RIGHT, SUITE, WRONG, program

LIMITS = Limits(timeout_s=3, tree_memory_mib=512)
SCHEDULE = Schedule(measure_time={"measures"}, race={"races"})


@pytest.fixture
def engine(environment: Environment, sandbox: str) -> Iterator[Engine]:
    """An engine in the background, with two workers."""
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox), LIMITS)
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


@pytest.mark.parametrize("task_id", ["measures", "races", "other"])
def test_what_passes_counts(engine: Engine, task_id: str) -> None:
    assert engine.submit(program(RIGHT, task_id=task_id)).result().passed


@pytest.mark.parametrize("task_id", ["measures", "races"])
def test_what_depends_on_timing_and_fails_is_executed_again_afterwards(engine: Engine, task_id: str) -> None:
    # It fails in the background and passes afterwards.
    solution = "import os\ntask_func = lambda: 'right' if os.nice(0) < 19 else 'wrong'\n"
    future = engine.submit(program(solution, task_id=task_id))
    while engine.running == 0:
        time.sleep(0.01)
    while engine.running:
        time.sleep(0.01)
    assert not future.done()
    engine.set_background(False)
    assert future.result().passed


def test_closing_executes_what_is_held_back(environment: Environment, sandbox: str) -> None:
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox), LIMITS)
    with Engine(environment, conditions, schedule=SCHEDULE) as engine:
        engine.set_background(True)
        future = engine.submit(program(WRONG, task_id="measures"))
    assert future.result().status == "fail"


FAILED = Report(True, False, False, ["test_one"], [], [], {"test_one": "AssertionError"})


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (Outcome(0, 0, "", FAILED, "", 1.0, starved_s=0.0), False),
        (Outcome(0, 0, "", FAILED, "", 1.0, starved_s=0.2), True),
        (Outcome(0, -9, "timeout", None, "missing", 240.0, starved_s=0.0), False),
        (Outcome(0, -9, "timeout", None, "missing", 240.0, starved_s=2.0), True),
        (Outcome(0, -9, "memory", None, "missing", 1.0), False),
        (Outcome(0, -9, "", None, "missing", 1.0), True),
    ],
)
def test_a_failure_counts_unless_the_program_was_disturbed(outcome: Outcome, again: bool) -> None:
    assert may_pass_undisturbed(Job(program(WRONG), 0), outcome, SCHEDULE) == again
    assert may_pass_undisturbed(Job(program(WRONG, task_id="measures"), 0), outcome, SCHEDULE)
