"""Which program starts next: the longest, but never so many of them that the cores are idle."""

from __future__ import annotations

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.execution.scheduler import RUNNING_PER_WORKER, Job, Queue
from tests.helpers.programs import RIGHT, asleep, program

ASLEEP = asleep(4)


def test_known_sleepers_start_first_and_leave_places_for_the_others(environment: Environment, sandbox: str) -> None:
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox), Limits(timeout_s=240))
    programs = [program(RIGHT, task_id="short")]
    programs += [program(f"{ASLEEP}# {number}\n", task_id="sleeps") for number in range(RUNNING_PER_WORKER)]
    ended: list[str] = []
    with Engine(environment, conditions, workers=1, schedule=Schedule({"sleeps": 60.0})) as engine:
        for each in programs:
            future = engine.submit(each)
            future.add_done_callback(lambda _, task_id=each.task_id: ended.append(task_id))  # type: ignore[misc]
    assert len(ended) == RUNNING_PER_WORKER + 1
    assert ended[0] == "short", "though all of the long ones come before it"


def test_the_longest_first_by_what_is_known() -> None:
    queue = Queue(Schedule({"long": 60.0, "longer": 90.0}))
    for number, name in enumerate(["new", "long", "longer", "some"]):
        queue.push(Job(program(RIGHT, task_id=name), number))
    queue.record_duration("some", 1.0)
    order = []
    while (first := queue.first()) is not None:
        queue.pop(first)
        order.append(first.program.task_id)
    assert order == ["longer", "long", "some", "new"]


def test_a_task_of_which_a_sample_took_long_is_long_from_then_on() -> None:
    queue = Queue(Schedule())
    for number, name in enumerate(["new", "other"]):
        queue.push(Job(program(RIGHT, task_id=name), number))
    queue.record_duration("other", 70.0)
    first, second = queue.first(), queue.first_short()
    assert first is not None
    assert second is not None
    assert (first.program.task_id, second.program.task_id) == ("other", "new")
    queue.pop(first)
    queue.pop(second)
    assert queue.first() is None
    assert len(queue) == 0
