"""A program whose tests measure time can fail because the machine was busy: then it is run again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution import Environment, Limits, execute, pool
from bigcodebench_tasks.execution.judge import Suite, judge
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.verdict import Verdict
from bigcodebench_tasks.execution.worker import processes
from tests.helpers.programs import RIGHT, WRONG, program

LIMITS = Limits(timeout_s=60, tree_memory_mib=512)
COMPUTES = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass\n"


@contextlib.contextmanager
def other_peoples_work() -> Iterator[None]:
    """Two endless loops for each core."""
    loops = "while :; do :; done & " * (2 * (os.cpu_count() or 1))
    shell = subprocess.Popen(["sh", "-c", f"{loops} wait"], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often programs were judged, by how they ended."""
    counted: Counter[str] = Counter()

    def count(outcome: Outcome, suite: Suite) -> Verdict:
        verdict = judge(outcome, suite)
        counted["late" if outcome.late_s >= pool.LATE_S else "in time"] += 1
        return verdict

    monkeypatch.setattr(pool, "judge", count)
    return counted


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this kernel does not count it")
@pytest.mark.parametrize(
    ("task_id", "solution", "expected"),
    [
        ("measures", WRONG, {"late": pool.ATTEMPTS}),
        ("measures", RIGHT, {"late": 1}),
        ("other", WRONG, {"in time": 1}),
    ],
)
def test_only_what_measures_time_and_failed_late_is_run_again(
    task_id: str, solution: str, expected: dict[str, int], environment: Environment, level: str, runs: Counter[str]
) -> None:
    schedule = Schedule(measure_time={"measures"})
    with other_peoples_work():
        (verdict,) = execute(
            [program(f"{COMPUTES}{solution}", task_id=task_id)],
            environment,
            limits=LIMITS,
            workers=1,
            sandbox=level,
            schedule=schedule,
        )
    assert verdict.status == ("pass" if solution == RIGHT else "fail")
    assert runs == expected


def test_a_process_that_has_ended_was_not_late() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert processes.late_s(processes.Process(ended.pid, 1, "Z", 0.0, 1, 0, ended.pid)) == 0.0
