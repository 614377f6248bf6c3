"""All memory of a sample counts, however many processes hold it, and all samples together leave the machine some."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.execution import Environment, Limits, Verdict
from bigcodebench_tasks.execution.pool import Listener, Pool
from bigcodebench_tasks.execution.sample_socket import Outcome
from bigcodebench_tasks.execution.scheduler import Job
from bigcodebench_tasks.execution.verdict import Program
from bigcodebench_tasks.execution.worker import memory, processes, protocol
from bigcodebench_tasks.execution.worker.protocol import CROWDED
from tests.helpers.programs import RIGHT, SUITE, execute, program
from tests.helpers.project import starts_processes

LIMITS = Limits(timeout_s=60, tree_memory_mib=384, processes=128)

HOLDS = {
    "a process whose first thread has ended": """
import ctypes, os, platform, threading, time
if os.fork() == 0:
    def hold():
        data = b"x" * (700 << 20)
        time.sleep(600)
    threading.Thread(target=hold).start()
    time.sleep(0.2)
    ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
time.sleep(600)
""",
    "very many processes that hold little": """
import os, time
read_end, write_end = os.pipe()
for _ in range(60):
    if os.fork() == 0:
        os.read(read_end, 1)
        data = os.urandom(1 << 20) * 24
        time.sleep(600)
os.write(write_end, bytes(60))
time.sleep(600)
""",
}


@pytest.mark.parametrize("name", HOLDS)
def test_all_memory_of_a_sample_counts(name: str, environment: Environment, sandbox: str) -> None:
    (verdict,) = execute([program(HOLDS[name])], environment, limits=LIMITS, sandbox=sandbox)
    assert (verdict.status, verdict.reason) == ("timeout", "memory"), verdict


def test_very_many_processes_that_share_their_memory_are_counted_once(environment: Environment, sandbox: str) -> None:
    solution = (
        "import os, time\ndata = os.urandom(1 << 20) * 64\n"
        "for _ in range(60):\n    if os.fork() == 0:\n        time.sleep(99)\n        os._exit(0)\ntime.sleep(3)\n"
    )
    (verdict,) = execute([program(solution + RIGHT)], environment, limits=LIMITS, sandbox=sandbox)
    assert verdict.passed, verdict


def test_samples_are_the_first_to_go_when_memory_runs_out(environment: Environment, sandbox: str) -> None:
    solution = (
        "def task_func():\n    with open('/proc/self/oom_score_adj') as file:\n        return file.read().strip()\n"
    )
    suite = SUITE.replace('"right"', '"1000"')
    (verdict,) = execute([program(solution, suite)], environment, limits=LIMITS, sandbox=sandbox)
    assert verdict.passed, verdict


def process(pid: int, rss_bytes: int) -> processes.Process:
    return processes.Process(pid, os.getppid(), "R", 0.0, 1, rss_bytes, pid)


@starts_processes
def test_a_process_that_has_ended_holds_no_memory() -> None:
    limit = 1 << 30
    ended = subprocess.Popen(["true"])
    ended.wait()
    claims_much = process(ended.pid, 2 * limit)
    own = process(os.getpid(), 2 * limit)
    assert not memory.Tally().is_over(limit, [claims_much, own])
    assert memory.Tally().is_over(1 << 20, [claims_much, own])


def test_what_a_process_gains_between_two_close_looks_counts_in_full() -> None:
    limit = 64 << 30
    many = [process(os.getpid(), limit)] + [process(10**7 + n, limit + n) for n in range(1, 100)]
    tally = memory.Tally()
    assert not tally.is_over(limit, many)
    grown = [process(one.pid, one.rss_bytes + 3 * limit // 4) for one in many]
    assert tally.is_over(limit, grown)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_machines_memory_is_known_and_its_files_are_closed() -> None:
    before = len(os.listdir("/proc/self/fd"))
    machine = memory.MachineMemory()
    assert 0 < machine.available_bytes() <= machine.total_bytes < 1 << 50
    machine.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert not machine.scarce


def test_scarce_is_said_before_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = memory.MachineMemory()
    machine.total_bytes = 16 << 30
    said = []
    for left in (2 << 30, 900 << 20, 400 << 20):
        monkeypatch.setattr(machine, "available_bytes", lambda left=left: left)
        said.append((machine.scarce, machine.urgent))
    assert said == [(False, False), (True, False), (True, True)]
    machine.close()


class FakeServer:
    """Says of each program, as long as several run, that it was killed because there were too many of them."""

    preloaded: frozenset[str] = frozenset()
    degraded: str | None = None

    def __init__(self) -> None:
        self.running: list[int] = []
        self.most = 0
        self.alone: list[int] = []

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_until_ready(self, _wake: int) -> bool:
        return True

    def run(self, message: protocol.StartProgram, _program: Program) -> None:
        self.running.append(message.id)
        self.most = max(self.most, len(self.running))

    def wait(self, wake: int) -> list[protocol.Message | Outcome]:
        if not self.running:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 1)
            return []
        crowded = len(self.running) > 1
        if not crowded:
            self.alone.append(self.running[0])
        return [Outcome(self.running.pop(), 0, CROWDED if crowded else "", None, "missing", 1.0)]


@pytest.fixture
def pool() -> Iterator[tuple[Pool, FakeServer, dict[int, Future[Verdict]]]]:
    server = FakeServer()
    futures: dict[int, Future[Verdict]] = {number: Future() for number in range(4)}
    listener = Listener(
        lambda job: None,
        lambda job, verdict: futures[job.number].set_result(verdict),
        lambda job, error: futures[job.number].set_exception(error),
    )
    pool = Pool(
        lambda modules: server,  # type: ignore[arg-type, return-value]
        4,
        Schedule(),
        listener,
        lambda task_id: 240.0,
        preload=False,
    )
    yield pool, server, futures
    pool.close(abandon=True)


def test_a_program_that_had_to_go_because_of_the_others_is_run_again_alone(
    pool: tuple[Pool, FakeServer, dict[int, Future[Verdict]]],
) -> None:
    running, server, futures = pool
    for number in futures:
        running.add(Job(Program(f"test/{number}", RIGHT, ""), number))
    reasons = {number: future.result(timeout=60).reason for number, future in futures.items()}
    assert reasons == dict.fromkeys(futures, "exited early"), "each has the verdict of a run of its own"
    assert sorted(server.alone) == sorted(futures)


def test_no_program_starts_beside_others_where_memory_is_scarce(
    pool: tuple[Pool, FakeServer, dict[int, Future[Verdict]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, server, futures = pool
    assert threading.active_count() > 1
    monkeypatch.setattr(memory.MachineMemory, "scarce", True)
    for number in futures:
        running.add(Job(Program(f"test/{number}", RIGHT, ""), number))
    for future in futures.values():
        future.result(timeout=60)
    assert server.most == 1
