"""A program that breaks our own machinery has a verdict of its own kind; only a machine that runs none ends the run."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Environment, Program
from bigcodebench_tasks.execution.scheduler import ATTEMPTS, CrashBlame, Job
from tests.helpers.programs import LIMITS, RIGHT, execute, kill_all, processes_of, program


@contextlib.contextmanager
def server_dies_of(mark: str, scratch: Path) -> Iterator[list[int]]:
    """While a process with this mark runs, every process of the server is killed, as by a hole in the kernel."""
    killed: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            with contextlib.suppress(OSError):  # a process ended meanwhile
                if processes_of(mark):
                    killed.append(len(kill_all(scratch)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield killed
    finally:
        done.set()
        watcher.join()


def test_what_breaks_the_sandbox_is_run_alone_and_judged_and_the_run_goes_on(
    environment: Environment, sandbox: str, scratch_parent: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark = f"breaks{scratch_parent.name}"
    breaks = f"import subprocess\nsubprocess.run(['sleep', '60'], env={{'MARK': '{mark}'}})\n{RIGHT}"
    beside = [
        program(f"import time\ntime.sleep(1)\n# {number}\n{RIGHT}", task_id=f"test/{number}") for number in range(4)
    ]
    with server_dies_of(mark, scratch_parent) as killed, caplog.at_level(logging.ERROR):
        verdicts = execute(
            [program(breaks, task_id="test/9"), *beside], environment, limits=LIMITS, workers=2, sandbox=sandbox
        )
    assert len(killed) >= ATTEMPTS
    assert (verdicts[0].status, verdicts[0].reason) == ("timeout", "broke the sandbox")
    assert [verdict.reason for verdict in verdicts[1:]] == ["passed"] * 4
    assert "test/9" in caplog.text
    assert "broke the sandbox" in caplog.text


def job(number: int) -> Job:
    return Job(Program(f"test/{number}", RIGHT, ""), number)


def test_the_second_failure_is_one_beside_others_and_the_third_alone() -> None:
    blame, one, other = CrashBlame(), job(1), job(2)
    assert blame.failed(one, "why")
    assert blame.failed(other, "why")
    assert blame.first() is None
    assert not blame.failed(one, "why")
    assert blame.first() is one
    assert one.alone
    assert not other.alone
    blame.pop(one)
    assert not blame.failed(one, "the last why")
    canary = blame.first()
    assert canary is not None
    assert blame.is_canary(canary)
    ((blamed, verdict),) = blame.confirm()
    assert blamed is one
    assert verdict.reason == "broke the sandbox"
    assert "the last why" in verdict.details["ALL"]
    assert blame.first() is None


def test_a_machine_that_cannot_run_the_canary_is_broken() -> None:
    blame, one = CrashBlame(), job(1)
    for _ in range(ATTEMPTS):
        blame.failed(one, "why")
    for _ in range(ATTEMPTS):
        assert not blame.machine_is_broken
        canary = blame.first()
        assert canary is not None
        blame.pop(canary)
        blame.failed(canary, "why")
    assert blame.machine_is_broken
    assert one in blame.drain()
    assert not blame.machine_is_broken


def test_a_cancelled_job_is_not_run_alone() -> None:
    blame, one = CrashBlame(), job(1)
    blame.add(one)
    one.cancelled = True
    assert blame.first() is None
