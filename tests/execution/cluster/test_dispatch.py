"""Which program runs on which node: the rules, without Ray."""

from __future__ import annotations

import itertools

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.cluster.dispatch import AHEAD, Dispatch
from bigcodebench_tasks.execution.cluster.messages import Node
from bigcodebench_tasks.execution.scheduler import Job
from tests.helpers.programs import RIGHT, program

NUMBERS = itertools.count()


def queued(dispatch: Dispatch, *task_ids: str) -> list[Job]:
    jobs = [Job(program(RIGHT, task_id=task_id), next(NUMBERS)) for task_id in task_ids]
    for job in jobs:
        dispatch.queue.push(job)
    return jobs


def over(*workers: int, schedule: Schedule | None = None) -> Dispatch:
    """Nodes "0", "1" and so on, with these cores."""
    dispatch = Dispatch(schedule or Schedule())
    for number, cores in enumerate(workers):
        dispatch.join(Node(str(number), f"node {number}", cores))
    return dispatch


def sent(dispatch: Dispatch) -> dict[str, list[str]]:
    return {node: [job.program.task_id for job in jobs] for node, jobs in dispatch.assign().items()}


def test_the_longest_starts_first_and_every_node_is_as_full_as_the_others() -> None:
    dispatch = over(1, 3, schedule=Schedule({"long": 60.0, "longer": 70.0}))
    queued(dispatch, "a", "long", "b", "longer", *map(str, range(20)))
    batches = dispatch.assign()
    assert {node: len(jobs) for node, jobs in batches.items()} == {"0": AHEAD, "1": 3 * AHEAD}
    firsts = {jobs[0].program.task_id for jobs in batches.values()}
    assert firsts == {"long", "longer"}
    assert dispatch.assign() == {}, "there is no room"


def test_a_node_on_which_programs_sleep_is_sent_more() -> None:
    dispatch = over(1)
    queued(dispatch, *map(str, range(20)))
    assert len(dispatch.assign()["0"]) == AHEAD
    dispatch.say_running("0", 2)
    assert len(dispatch.assign()["0"]) == 2
    assert dispatch.running == 2


def test_what_a_lost_node_had_runs_elsewhere_and_nothing_of_it_counts_twice() -> None:
    dispatch = over(1, 1)
    queued(dispatch, "a", "b")
    had = {node: jobs[0] for node, jobs in dispatch.assign().items()}
    assert dispatch.lose("0") is None
    assert dispatch.end("0", had["0"].number) is None, "a verdict that comes late is of nobody"
    assert sent(dispatch) == {"1": [had["0"].program.task_id]}
    assert dispatch.end("1", had["0"].number) is had["0"]
    assert [use.programs for use in dispatch.used.values()] == [0, 1]


def test_a_program_is_rather_sent_where_it_was_not_lost() -> None:
    dispatch = over(4)
    queued(dispatch, "a")
    dispatch.assign()
    dispatch.lose("0")
    dispatch.join(Node("0", "node 0", 4))
    dispatch.join(Node("1", "node 1", 1))
    assert sent(dispatch) == {"1": ["a"]}


def test_before_its_last_attempt_a_program_runs_alone_on_a_node_and_the_third_loss_is_the_end() -> None:
    dispatch = over(2)
    (bad, good) = queued(dispatch, "bad", "good")
    dispatch.assign()
    dispatch.lose("0")
    dispatch.join(Node("0", "node 0", 2))
    dispatch.assign()
    dispatch.lose("0")  # both were lost twice: each is tried alone
    dispatch.join(Node("0", "node 0", 2))
    queued(dispatch, "other")
    assert sent(dispatch) == {"0": ["bad"]}
    assert sent(dispatch) == {}, "nothing beside it"
    dispatch.end("0", bad.number)
    assert sent(dispatch) == {"0": ["good"]}
    assert dispatch.lose("0") is good
    assert {job.program.task_id for job in dispatch.drain()} == {"good", "other"}, "somebody waits for each of them"


def test_the_others_go_on_while_a_node_is_emptied_for_one_that_runs_alone() -> None:
    dispatch = over(1, 1)
    (bad,) = queued(dispatch, "bad")
    for _ in range(2):
        (node,) = dispatch.assign()
        dispatch.lose(node)
        dispatch.join(Node(node, f"node {node}", 1))
    busy = queued(dispatch, *map(str, range(8)))
    dispatch.say_running("0", 0)
    first = dispatch.assign()
    alone = next(node for node, jobs in first.items() if bad in jobs)
    assert first[alone] == [bad]
    other = {"0": "1", "1": "0"}[alone]
    assert len(first[other]) == AHEAD
    dispatch.end(other, first[other][0].number)
    assert list(dispatch.assign()) == [other]
    dispatch.end(alone, bad.number)
    assert alone in dispatch.assign(), "it takes others again"
    assert dispatch.has_work
    assert busy


def test_what_nobody_waits_for_is_not_sent() -> None:
    dispatch = over(1)
    (job,) = queued(dispatch, "a")
    job.cancelled = True
    assert not dispatch.has_work
    assert dispatch.assign() == {}
