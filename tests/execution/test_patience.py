"""Programs that loop, hang or sleep do not hold up those that are done in no time; each has its own whole run."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, Program, Verdict, probe
from bigcodebench_tasks.execution import patience as patience_module
from bigcodebench_tasks.execution.job_queue import Job, Queue
from bigcodebench_tasks.execution.scheduler import RUNNING_PER_WORKER, Scheduler
from tests.helpers.programs import RIGHT, program

SHORT = 12
LOOPS = "import time\nwhile time.process_time() < 4: pass\n"
HANGS = "import threading\nthreading.Event().wait({seconds})\n"


def in_order(
    programs: list[Program],
    environment: Environment,
    level: str,
    schedule: Schedule | None = None,
    limit_s: float = 240,
) -> list[tuple[str, Verdict]]:
    """Task and verdict of each program, in the order in which they ended, on one worker."""
    conditions = Conditions.of(environment, probe(environment, sandbox=level), Limits(timeout_s=limit_s))
    ended: list[tuple[str, Verdict]] = []
    with Engine(environment, conditions, workers=1, schedule=schedule or Schedule()) as engine:
        for each in programs:
            engine.submit(each).add_done_callback(
                lambda future, task_id=each.task_id: ended.append((task_id, future.result()))  # type: ignore[misc]
            )
    return ended


def short(number: int) -> list[Program]:
    return [program(f"{RIGHT}# {place}\n", task_id=f"short/{place}") for place in range(number)]


def test_a_loop_of_which_nothing_is_known_waits_until_the_short_ones_are_done(
    environment: Environment, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience_module, "PATIENCE_S", 0.2)
    ended = in_order([program(LOOPS + RIGHT, task_id="loops"), *short(SHORT)], environment, level)
    assert [verdict.reason for _, verdict in ended] == ["passed"] * (SHORT + 1)
    assert [task_id for task_id, _ in ended][-1] == "loops"
    assert dict(ended)["loops"].seconds >= 4, "its verdict is that of one whole run"


def test_an_endless_loop_has_its_time_limit_after_it_was_set_aside(
    environment: Environment, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience_module, "PATIENCE_S", 0.2)
    loop = program("while True: pass\n", task_id="loops")
    ended = in_order([loop, *short(SHORT)], environment, level, limit_s=3)
    assert [task_id for task_id, _ in ended][-1] == "loops"
    verdict = dict(ended)["loops"]
    assert (verdict.status, verdict.reason) == ("timeout", "timeout")
    assert verdict.seconds >= 3


def test_programs_that_hang_leave_places_for_the_others(
    environment: Environment, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience_module, "PATIENCE_S", 0.2)
    hanging = [program(HANGS.format(seconds=4) + RIGHT, task_id=f"hangs/{n}") for n in range(RUNNING_PER_WORKER)]
    ended = in_order([*hanging, *short(1)], environment, level)
    assert [verdict.reason for _, verdict in ended] == ["passed"] * (RUNNING_PER_WORKER + 1)
    assert next(task_id for task_id, _ in ended) == "short/0"


def test_known_sleepers_start_first_and_leave_places_for_the_others(environment: Environment, level: str) -> None:
    sleeping = [
        program(HANGS.format(seconds=6) + RIGHT + f"# {n}", task_id="sleeps") for n in range(RUNNING_PER_WORKER)
    ]
    ended = in_order([*short(1), *sleeping], environment, level, Schedule({"sleeps": 60.0}))
    assert next(task_id for task_id, _ in ended) == "short/0", "though all of the long ones come before it"
    assert [verdict.reason for _, verdict in ended] == ["passed"] * (RUNNING_PER_WORKER + 1)


def test_long_ones_first_then_the_others_then_those_that_were_set_aside() -> None:
    queue = Queue(Schedule({"long": 60.0, "longer": 90.0}))
    jobs = [Job(program(RIGHT, task_id=name), at) for at, name in enumerate(["new", "aside", "long", "longer", "some"])]
    jobs[1].set_aside = 1
    for job in jobs:
        queue.push(job)
    queue.learn("some", 1.0)
    order = []
    while (first := queue.first()) is not None:
        queue.pop(first)
        order.append(first.program.task_id)
    assert order == ["longer", "long", "some", "new", "aside"]


def test_long_programs_that_compute_leave_half_of_the_cores() -> None:
    scheduler = Scheduler(2, Schedule({"long": 60.0, "longer": 90.0}))
    try:
        names = ["short", "longer", "longer", "long", "long", "other"]
        for number, name in enumerate(names):
            scheduler.add(Job(program(RIGHT, task_id=name), number))
        first, second = scheduler.start_next(), scheduler.start_next()
        assert first is not None
        assert second is not None
        assert (first.program.task_id, second.program.task_id) == ("longer", "short"), "a long one computes already"
        assert scheduler.start_next() is None
        scheduler.say_waiting([first.number])
        third = scheduler.start_next()
        assert third is not None
        assert third.program.task_id == "longer", "one that sleeps leaves its core to another long one"
    finally:
        scheduler.close()


def test_a_task_of_which_a_sample_took_long_is_long_from_then_on() -> None:
    queue = Queue(Schedule())
    for number, name in enumerate(["new", "other"]):
        queue.push(Job(program(RIGHT, task_id=name), number))
    queue.learn("other", 70.0)
    first, second = queue.first(), queue.first_short()
    assert first is not None
    assert second is not None
    assert (first.program.task_id, second.program.task_id) == ("other", "new")
    queue.pop(first)
    queue.pop(second)
    assert queue.first() is None
    assert len(queue) == 0
