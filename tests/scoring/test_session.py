"""Programs of one run: with the speed "fast" a sample has the limit of its task, whenever it is submitted."""

from __future__ import annotations

import sys
from concurrent.futures import wait
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Conditions, Environment, Prepared, probe
from bigcodebench_tasks.execution import speed as speed_module
from bigcodebench_tasks.scoring.session import Sample, Session, Submitted
from tests.helpers.programs import RIGHT, program

LOOPS = "def task_func():\n    while True:\n        pass\n"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Prepared:
    monkeypatch.setattr(speed_module, "LEAST_S", 1.0)
    monkeypatch.setattr(speed_module, "TIMES", 2.0)
    environment = Environment(Path(sys.executable), "custom", "0" * 64, Path(sys.prefix))
    sandbox = probe(environment)
    return Prepared(environment, Conditions.of(environment, sandbox, speed="fast"))


def row(canonical: str, task_id: str = "test/1") -> dict[str, str]:
    return {
        "task_id": task_id,
        "code_prompt": "",
        "complete_prompt": "",
        "canonical_solution": canonical,
        "test": program(RIGHT).test,
    }


def submitted(session: Session, task: dict[str, str], solution: str) -> Submitted:
    return session.submit_sample(task, Sample(lambda: solution), calibrated=False)


def test_a_sample_that_comes_before_its_canonical_solution_is_done_has_the_limit_of_its_task(
    prepared: Prepared,
) -> None:
    task = row(f"import time\ntime.sleep(1.5)\n{RIGHT}")
    with Session(prepared, workers=4, cache=False) as session:
        session.submit_ground_truth([task])
        first, same, right = (submitted(session, task, solution).verdict for solution in (LOOPS, LOOPS, RIGHT))
        assert first is same
        verdict = first.result()
        assert (verdict.status, verdict.reason) == ("timeout", "timeout")
        assert verdict.seconds < 100
        assert right.result().passed
        assert submitted(session, task, LOOPS).verdict is first


def test_where_the_canonical_solution_fails_nothing_is_shortened(prepared: Prepared) -> None:
    task = row("def task_func():\n    return 0\n")
    with Session(prepared, workers=4, cache=False) as session:
        session.submit_ground_truth([task])
        assert submitted(session, task, f"import time\ntime.sleep(3)\n{RIGHT}").verdict.result().passed


def test_a_task_that_is_known_to_have_the_whole_limit_lets_no_sample_wait(prepared: Prepared) -> None:
    slow = row(f"import time\ntime.sleep(20)\n{RIGHT}", task_id="BigCodeBench/461")
    with Session(prepared, workers=4, cache=False) as session:
        session.submit_ground_truth([slow])
        assert submitted(session, slow, RIGHT).verdict.result().passed
        session.close(wait=False)


def test_samples_that_wait_are_told_when_the_session_ends(prepared: Prepared) -> None:
    task = row(f"import time\ntime.sleep(60)\n{RIGHT}")
    session = Session(prepared, workers=1, cache=False)
    session.submit_ground_truth([task])
    waits = submitted(session, task, RIGHT).verdict
    session.close(wait=False)
    assert not wait([waits], 30).not_done
    assert waits.cancelled() or waits.exception() is not None
