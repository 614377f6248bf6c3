"""Which program runs on which node: the rules, without Ray."""

from __future__ import annotations

import itertools
from collections import defaultdict

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution.cluster.dispatch import IN_FLIGHT_PER_WORKER, Dispatch
from bigcodebench_tasks.execution.scheduler import ATTEMPTS, Job
from bigcodebench_tasks.execution.verdict import CANARY, Verdict
from tests.helpers.programs import RIGHT, program

NUMBERS = itertools.count()
PASS = Verdict("pass", "passed")


def queued(dispatch: Dispatch, *task_ids: str) -> list[Job]:
    jobs = [Job(program(RIGHT, task_id=task_id), next(NUMBERS)) for task_id in task_ids]
    for job in jobs:
        dispatch.queue.push(job)
    return jobs


def over(*workers: int, schedule: Schedule | None = None) -> Dispatch:
    """Nodes "0", "1" and so on, with these cores."""
    dispatch = Dispatch(schedule or Schedule())
    for number, cores in enumerate(workers):
        dispatch.join(str(number), f"node {number}", cores)
    return dispatch


def assigned(dispatch: Dispatch) -> dict[str, list[Job]]:
    batches = defaultdict(list)
    for node, job in dispatch.assign():
        batches[node].append(job)
    return dict(batches)


def sent(dispatch: Dispatch) -> dict[str, list[str]]:
    return {node: [job.program.task_id for job in jobs] for node, jobs in assigned(dispatch).items()}


def lose_and_join(dispatch: Dispatch, node: str) -> None:
    dispatch.lose(node, "it burned")
    dispatch.join(node, f"node {node}", 2)


def test_the_longest_starts_first_and_every_node_is_as_full_as_the_others() -> None:
    dispatch = over(1, 3, schedule=Schedule({"long": 60.0, "longer": 70.0}))
    queued(dispatch, "a", "long", "b", "longer", *map(str, range(100)))
    batches = assigned(dispatch)
    assert {node: len(jobs) for node, jobs in batches.items()} == {
        "0": IN_FLIGHT_PER_WORKER,
        "1": 3 * IN_FLIGHT_PER_WORKER,
    }
    firsts = {jobs[0].program.task_id for jobs in batches.values()}
    assert firsts == {"long", "longer"}
    assert assigned(dispatch) == {}, "there is no room"
    assert dispatch.in_flight == 4 * IN_FLIGHT_PER_WORKER


def test_a_few_programs_are_spread_over_all_nodes() -> None:
    dispatch = over(2, 2)
    queued(dispatch, *"abcd")
    assert {node: len(jobs) for node, jobs in assigned(dispatch).items()} == {"0": 2, "1": 2}


def test_what_a_lost_node_had_runs_elsewhere_and_counts_once() -> None:
    dispatch = over(1, 1)
    queued(dispatch, "a", "b")
    had = {node: jobs[0] for node, jobs in assigned(dispatch).items()}
    dispatch.lose("0", "it burned")
    assert sent(dispatch) == {"1": [had["0"].program.task_id]}
    assert dispatch.end("1", had["0"].number, PASS) == [(had["0"], PASS)]
    assert [use.programs for use in dispatch.used.values()] == [0, 1]


def test_a_program_is_rather_sent_where_it_was_not_lost() -> None:
    dispatch = over(4)
    queued(dispatch, "a")
    dispatch.assign()
    dispatch.lose("0", "it burned")
    dispatch.join("0", "node 0", 4)
    dispatch.join("1", "node 1", 1)
    assert sent(dispatch) == {"1": ["a"]}


def test_before_its_last_attempt_a_program_runs_alone_and_the_third_loss_blames_it() -> None:
    dispatch = over(2)
    (bad, good) = queued(dispatch, "bad", "good")
    for _ in range(ATTEMPTS - 1):  # both are lost twice: each is tried alone
        dispatch.assign()
        lose_and_join(dispatch, "0")
    (other,) = queued(dispatch, "other")
    assert sent(dispatch) == {"0": ["bad"]}
    assert sent(dispatch) == {}, "nothing beside it"
    assert dispatch.end("0", bad.number, PASS) == [(bad, PASS)]
    assert sent(dispatch) == {"0": ["good"]}
    lose_and_join(dispatch, "0")
    assert sent(dispatch) == {"0": [CANARY.task_id]}
    ((blamed, verdict),) = dispatch.end("0", -1, PASS)
    assert (blamed, verdict.status, verdict.reason) == (good, "timeout", "broke the sandbox")
    assert [use.programs for use in dispatch.used.values()] == [1], "the harmless program is not counted"
    assert assigned(dispatch) == {"0": [other]}
    assert not dispatch.blame.machine_is_broken


def test_where_the_harmless_program_is_lost_too_nothing_is_blamed() -> None:
    dispatch = over(1)
    (bad,) = queued(dispatch, "bad")
    for _ in range(2 * ATTEMPTS):
        assert not dispatch.blame.machine_is_broken
        assert len(dispatch.assign()) == 1
        lose_and_join(dispatch, "0")
    assert dispatch.blame.machine_is_broken
    assert dispatch.drain() == [bad]


def test_a_program_that_runs_alone_waits_for_those_that_run_and_holds_the_queue() -> None:
    dispatch = over(1, 1)
    (bad, other) = queued(dispatch, "bad", "other")
    assert dispatch.assign() == [("0", bad), ("1", other)]
    lose_and_join(dispatch, "0")
    (third,) = queued(dispatch, "third")
    assert dispatch.assign() == [("1", bad), ("0", third)]
    lose_and_join(dispatch, "1")
    assert dispatch.assign() == []
    dispatch.end("0", third.number, PASS)
    assert dispatch.assign() == [("0", bad)]
    assert dispatch.assign() == []
    dispatch.end("0", bad.number, PASS)
    assert [job for _, job in dispatch.assign()] == [other]


def test_what_nobody_waits_for_is_not_sent() -> None:
    dispatch = over(1)
    (job,) = queued(dispatch, "a")
    job.cancelled = True
    assert not dispatch.has_work
    assert sent(dispatch) == {}
