"""The engine as its users hold it: submit at any time, from any thread, and get a future."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, as_completed, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.errors import ExecutionFailed, SandboxUnavailable
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Sandbox, Verdict
from bigcodebench_tasks.execution import prepare as prepare_module
from bigcodebench_tasks.execution.prepare import Prepared, probe
from tests.helpers.programs import LIMITS, RIGHT, WRONG, asleep, assert_gone, kill_all, processes_of, program
from tests.helpers.project import ROOT


@pytest.fixture
def conditions(environment: Environment, sandbox: str) -> Conditions:
    return Conditions.of(environment, probe(environment, sandbox=sandbox), LIMITS)


def test_futures_work_with_wait_and_as_completed(environment: Environment, conditions: Conditions) -> None:
    with Engine(environment, conditions, workers=2) as engine:
        slow, fast = engine.submit(program(asleep(5))), engine.submit(program(WRONG))
        assert next(as_completed([slow, fast])) is fast
        assert wait([slow, fast]).not_done == set()
    assert (slow.result().status, fast.result().status) == ("pass", "fail")


def test_open_prepares(environment: Environment, conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str | None, str]] = []

    def prepare(sandbox: str | None, network: str) -> Prepared:
        asked.append((sandbox, network))
        return Prepared(environment, conditions)

    monkeypatch.setattr(prepare_module, "prepare", prepare)
    with Engine.open(limits=replace(LIMITS, timeout_s=1), workers=1) as engine:
        assert engine.submit(program(asleep(60))).result().reason == "timeout"
    with Engine.open("landlock", "host") as engine:
        assert engine.submit(program(RIGHT)).result().passed
    assert asked == [(None, "loopback"), ("landlock", "host")]


def test_map_gives_verdicts_in_the_order_of_the_programs(environment: Environment, conditions: Conditions) -> None:
    with Engine(environment, conditions, workers=2) as engine:
        verdicts = list(engine.map([program(asleep(1)), program(WRONG), program(RIGHT)]))
    assert [verdict.status for verdict in verdicts] == ["pass", "fail", "pass"]


def test_programs_are_submitted_while_others_run(environment: Environment, conditions: Conditions) -> None:
    with Engine(environment, conditions, workers=2) as engine:
        long = engine.submit(program(asleep(600), task_id="test/9"))
        for number in range(3):  # each only after the one before has its verdict
            assert engine.submit(program(f"# {number}\n{RIGHT}")).result().passed
        assert long.running()
        engine.shutdown(wait=False)
    assert isinstance(long.exception(), ExecutionFailed)


def test_a_callback_may_submit(environment: Environment, conditions: Conditions) -> None:
    second: list[Future[Verdict]] = []
    submitted = threading.Event()

    def go_on(_first: Future[Verdict]) -> None:
        second.append(engine.submit(program(WRONG)))
        submitted.set()

    with Engine(environment, conditions) as engine:
        engine.submit(program(RIGHT)).add_done_callback(go_on)
        assert submitted.wait(60)
        assert second[0].result().status == "fail"


def test_several_threads_submit(environment: Environment, conditions: Conditions) -> None:
    statuses: dict[int, str] = {}

    def run(number: int) -> None:
        solution = RIGHT if number % 2 else WRONG
        statuses[number] = engine.submit(program(f"# {number}\n{solution}")).result().status

    with Engine(environment, conditions, workers=2) as engine:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == {number: "pass" if number % 2 else "fail" for number in range(12)}


def test_equal_programs_in_flight_are_executed_once(environment: Environment, conditions: Conditions) -> None:
    one = program(asleep(4))
    with Engine(environment, conditions, workers=4) as engine:
        first = engine.submit(one)
        second = engine.submit(one)
        while not first.running():
            time.sleep(0.01)
        third = engine.submit(one)
        assert first is not second
        assert third.running()
        assert engine.running == 1
        assert first.result() is second.result() is third.result()
        again = engine.submit(one).result()
    assert again is not first.result(), "it was not in flight any more, and there is no cache"


def test_the_queue_is_in_the_order_of_known_durations_at_every_moment(
    environment: Environment, conditions: Conditions
) -> None:
    order: list[str] = []

    def ended(future: Future[Verdict], name: str) -> None:
        order.append(name)

    def submit(name: str) -> Future[Verdict]:
        future = engine.submit(program(f"# {name}\n{RIGHT}", task_id=name))
        future.add_done_callback(lambda done: ended(done, name))
        return future

    schedule = Schedule({"hold": 99.0, "long": 60.0, "longer": 70.0}, measure_time={"hold"})
    with Engine(environment, conditions, workers=1, schedule=schedule) as engine:
        # It keeps the only core although it sleeps, so all others queue up behind it.
        hold = engine.submit(program(asleep(4), task_id="hold"))
        while not hold.running():
            time.sleep(0.01)
        submit("unknown")
        submit("learnt")
        submit("long")
        submit("longer")
        engine._pool.record_duration("learnt", 65.0)  # as a verdict on another program of the task does
    assert order == ["longer", "learnt", "long", "unknown"]


def test_what_is_cancelled_before_it_began_is_not_executed(environment: Environment, conditions: Conditions) -> None:
    schedule = Schedule({"hold": 99.0}, measure_time={"hold"})
    with Engine(environment, conditions, workers=1, schedule=schedule) as engine:
        hold = engine.submit(program(asleep(4), task_id="hold"))
        while not hold.running():
            time.sleep(0.01)
        cancelled, twin, kept = (engine.submit(program(text)) for text in (WRONG, RIGHT, RIGHT))
        assert cancelled.cancel()
        assert twin.cancel()
        assert not hold.cancel()
        assert wait([cancelled, twin]).not_done == set()
        assert kept.result().passed, "an equal program was cancelled, this one not"
    with pytest.raises(CancelledError):
        cancelled.result()


def test_shutdown_waits_for_all_or_cancels_what_has_not_begun(environment: Environment, conditions: Conditions) -> None:
    schedule = Schedule({"hold": 99.0}, measure_time={"hold"})
    engine = Engine(environment, conditions, workers=1, schedule=schedule)
    hold = engine.submit(program(asleep(4), task_id="hold"))
    while not hold.running():
        time.sleep(0.01)
    queued = engine.submit(program(RIGHT))
    engine.shutdown(cancel_futures=True)
    assert hold.result().passed
    assert queued.cancelled()
    with pytest.raises(RuntimeError, match="shut down"):
        engine.submit(program(RIGHT))

    waiting = Engine(environment, conditions, workers=1)
    futures = [waiting.submit(program(f"# {number}\n{RIGHT}")) for number in range(3)]
    waiting.shutdown()
    assert [future.done() for future in futures] == [True] * 3
    waiting.shutdown()  # once more does no harm


def test_closing_without_waiting_leaves_no_process(
    environment: Environment, conditions: Conditions, scratch_parent: Path
) -> None:
    engine = Engine(environment, conditions, workers=3)
    running = [engine.submit(program(f"import os\nos.fork()\n# {number}\n{asleep(600)}")) for number in range(3)]
    while not all(future.running() for future in running):
        time.sleep(0.01)
    queued = engine.submit(program(RIGHT, task_id="test/1"))
    engine.shutdown(wait=False)
    assert_gone(scratch_parent)
    assert list(scratch_parent.iterdir()) == []
    for future in [*running, queued]:
        assert future.done()
    assert isinstance(running[0].exception(), ExecutionFailed)


def test_an_engine_that_is_garbage_ends(environment: Environment, conditions: Conditions, scratch_parent: Path) -> None:
    engine = Engine(environment, conditions)
    future = engine.submit(program(asleep(600)))
    while not future.running():
        time.sleep(0.01)
    assert processes_of(scratch_parent)
    del engine
    gc.collect()
    assert isinstance(future.exception(timeout=60), ExecutionFailed)
    assert_gone(scratch_parent)


def test_an_interpreter_that_ends_with_an_open_engine_leaves_nothing(
    environment: Environment, sandbox: str, scratch_parent: Path
) -> None:
    script = (
        "from pathlib import Path\nfrom bigcodebench_tasks.execution import *\n"
        "from bigcodebench_tasks.execution.prepare import *\n"
        f"environment = Environment(Path({str(environment.python)!r}), 'custom', '0' * 64, "
        f"Path({str(environment.folder)!r}))\n"
        f"engine = Engine(environment, Conditions.of(environment, probe(environment, sandbox={sandbox!r})))\n"
        f"future = engine.submit(Program('a', {asleep(600)!r}, ''))\n"
        "while not future.running(): pass\n"
        "print(future.running())\n"
    )
    variables = {
        **os.environ,
        "TMPDIR": str(scratch_parent),
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run([sys.executable, "-c", script], env=variables, stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout == "True\n"
    assert_gone(scratch_parent)
    assert list(scratch_parent.iterdir()) == []


def test_a_failure_of_our_own_is_the_futures_exception_and_the_engine_goes_on(
    environment: Environment, conditions: Conditions, scratch_parent: Path
) -> None:
    with Engine(environment, conditions, workers=1) as engine:
        doomed = engine.submit(program(asleep(600)))
        while not doomed.done():  # no server lives long enough to run anything, not even a canary
            kill_all(scratch_parent)
            time.sleep(0.01)
        assert isinstance(doomed.exception(), ExecutionFailed)
        assert "attempts" in str(doomed.exception())
        assert engine.submit(program(RIGHT)).result().passed


def test_a_level_that_cannot_be_had_is_the_futures_exception(environment: Environment, conditions: Conditions) -> None:
    unknown = replace(conditions, sandbox=Sandbox("lndlock"))
    match = "there is no sandbox 'lndlock'"
    with Engine(environment, unknown) as engine, pytest.raises(SandboxUnavailable, match=match):
        engine.submit(program(RIGHT)).result()


def test_verdicts_in_the_cache_need_no_server(environment: Environment, conditions: Conditions, tmp_path: Path) -> None:
    cache = tmp_path / "verdicts.sqlite"
    with Engine(environment, conditions, cache=cache) as engine:
        verdict = engine.submit(program(RIGHT)).result()
    nowhere = replace(environment, python=tmp_path / "missing")
    with Engine(nowhere, conditions, cache=cache) as engine:
        assert engine.lookup(program(RIGHT)) == verdict
        assert engine.submit(program(RIGHT)).result() == verdict
        assert engine.lookup(program(WRONG)) is None
        with pytest.raises(ExecutionFailed, match="cannot be started"):
            engine.submit(program(WRONG)).result()


def test_fresh_executes_what_is_known(environment: Environment, conditions: Conditions, tmp_path: Path) -> None:
    clock = program("import time\ntask_func = lambda: str(time.time_ns())")
    with Engine(environment, conditions, cache=tmp_path / "verdicts.sqlite") as engine:
        first = engine.submit(clock).result()
        assert engine.submit(clock).result() == first
        assert engine.submit(clock, fresh=True).result().details != first.details


def test_a_server_without_the_libraries_that_programs_want_is_replaced_when_it_is_idle(
    environment: Environment, conditions: Conditions
) -> None:
    # `statistics` is not imported by what runs a program: only a server that imported it has it at the start.
    here = "import sys\nthere = 'statistics' in sys.modules\ntask_func = lambda: 'right' if there else 'not there'\n"
    asking: list[Any] = [program(f"{here}import statistics\n# {number}\n") for number in range(4)]
    with Engine(environment, conditions, workers=1) as engine:
        assert not engine.submit(program(here)).result().passed
        first = [verdict.passed for verdict in engine.map(asking)]
        second = [verdict.passed for verdict in engine.map(asking)]
    assert second == [True] * 4
    assert first.count(False) < 4
