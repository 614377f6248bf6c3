"""Control groups of version 2 for each sample: where the kernel gives them, which is seldom in a container.

`scripts/virtual_machine.sh` runs these tests on a machine that does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, Verdict, execute, probe
from bigcodebench_tasks.execution.worker import control_group
from tests.helpers.programs import RIGHT, processes_of, program

LIMITS = Limits(timeout_s=60, tree_memory_mib=300, scratch_mib=200, processes=50)

# Beyond the limit, and nothing of it is any process's own memory.
IN_SOCKETS = """
import socket
held = []
for _ in range(450):
    held.append(socket.socketpair())
    for end in held[-1]:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        end.setblocking(False)
        try:
            while end.send(bytes(65536)):
                pass
        except BlockingIOError:
            pass
"""


@pytest.mark.parametrize(
    ("mounts", "groups", "folder"),
    [
        ("30 29 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw", "0::/a/b", "/sys/fs/cgroup/a/b"),
        ("30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/", "/sys/fs/cgroup"),
        ("30 29 0:26 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/a/b", "/sys/fs/cgroup/b"),
        ("1 2 0:3 / /x rw - tmpfs t rw\n1 2 0:4 / /u rw - cgroup2 c rw", "4:memory:/m\n0::/a", "/u/a"),
        ("30 29 0:26 / /c rw - cgroup2 c rw", "0::/a/bigcodebench-others", "/c/a"),
        ("30 29 0:26 / /c rw - cgroup2 c rw", "0::/a/bigcodebenchab_d3fgh/server", "/c/a"),
        ("30 29 0:26 / /c rw - cgroup2 c rw", "0::/bigcodebench-run.scope", "/c/bigcodebench-run.scope"),
        ("30 29 0:26 /a /c rw - cgroup2 c rw", "0::/ab", None),
        ("30 29 0:26 / /c rw - cgroup c rw,memory", "4:memory:/a", None),
        ("30 29 0:26 / /c rw - cgroup c rw,memory", "0::/a", None),
        ("", "", None),
    ],
)
def test_the_group_of_a_run_is_found_also_from_below(mounts: str, groups: str, folder: str | None) -> None:
    if folder is None:
        with pytest.raises(control_group.NotToBeHad):
            control_group.group_folder(mounts, groups)
    else:
        assert control_group.group_folder(mounts, groups) == folder


@pytest.fixture
def own(environment: Environment, level: str) -> Iterator[Path]:
    """The folder of the group that we are in, where samples get groups below it; as it was when the test ends."""
    probe(environment, sandbox=level)
    before, folder = Path("/proc/self/cgroup").read_text(), Path(control_group.own_group())
    yield folder
    assert left_in(folder) == []
    assert Path("/proc/self/cgroup").read_text() == before


def left_in(own: Path) -> list[str]:
    return [entry.name for entry in own.iterdir() if entry.name.startswith("bigcodebench")]


def verdicts_of(environment: Environment, level: str, *solutions: str, limits: Limits = LIMITS) -> list[Verdict]:
    programs = [program(solution, task_id=f"test/{number}") for number, solution in enumerate(solutions)]
    return execute(programs, environment, limits=limits, workers=2, sandbox=level)


def test_memory_in_the_kernel_counts(environment: Environment, level: str, own: Path) -> None:
    beside = f"import time\ntime.sleep(2)\n{RIGHT}"
    limits = replace(LIMITS, tree_memory_mib=100, scratch_mib=20)
    job, other = verdicts_of(environment, level, IN_SOCKETS + RIGHT, beside, limits=limits)
    assert (job.status, job.reason) == ("timeout", "memory")
    assert other.passed


def test_many_small_processes_count(environment: Environment, level: str, own: Path) -> None:
    solution = f"""
import os, time
for _ in range(40):
    if not os.fork():
        held = bytearray(os.urandom(1 << 20) * 16)
        time.sleep(30)
        os._exit(0)
time.sleep(30)
{RIGHT}"""
    (verdict,) = verdicts_of(environment, level, solution)
    assert (verdict.status, verdict.reason) == ("timeout", "memory")


def test_files_of_the_scratch_do_not_count_as_memory(environment: Environment, level: str, own: Path) -> None:
    solution = f"""
held = bytearray(b"x") * (150 << 20)
for number in range(3):
    with open(f"file{{number}}", "wb") as file:
        file.write(os.urandom(1 << 20) * 60)
{RIGHT}"""
    (verdict,) = verdicts_of(environment, level, f"import os\n{solution}")
    assert verdict.passed, verdict


def test_more_processes_than_the_limit_cannot_be_made(environment: Environment, level: str, own: Path) -> None:
    solution = f"""
import subprocess
for _ in range(60):
    subprocess.Popen(["sleep", "20"])
{RIGHT}"""
    (verdict,) = verdicts_of(environment, level, solution)
    assert not verdict.passed
    assert "Resource temporarily unavailable" in str(verdict.details) or verdict.reason == "processes"


def test_each_sample_has_a_group_of_its_own_with_its_limits(environment: Environment, level: str, own: Path) -> None:
    marks = [f"mark{number}of{os.getpid()}" for number in range(2)]
    solutions = [
        f"import subprocess\nsubprocess.run(['sleep', '4'], env={{'MARK': '{mark}'}})\n{RIGHT}" for mark in marks
    ]
    thread = threading.Thread(target=verdicts_of, args=(environment, level, *solutions))
    thread.start()
    try:
        end = time.monotonic() + 30
        while not all(processes_of(mark) for mark in marks) and time.monotonic() < end:
            time.sleep(0.05)
        groups = [_group_of(processes_of(mark)[0], own) for mark in marks]
        assert len(set(groups)) == 2
        for group in groups:
            assert (group / "memory.max").read_text().strip() == str((300 + 200) << 20)
            assert (group / "pids.max").read_text().strip() == "50"
            assert len((group / "cgroup.procs").read_text().split()) == 2  # the sample and its child; no keeper
            assert group.parent.parent == own
    finally:
        thread.join()


def _group_of(pid: int, own: Path) -> Path:
    line = next(line for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::"))
    name = "/".join(line.split("/")[-2:])
    return own / name


def test_a_second_server_may_come_and_go(environment: Environment, level: str, own: Path) -> None:
    conditions = Conditions.of(environment, probe(environment, sandbox=level), LIMITS)
    with Engine(environment, conditions, workers=1) as engine:
        assert engine.submit(program(RIGHT, task_id="test/1")).result().passed
        for _ in range(2):
            (verdict,) = verdicts_of(environment, level, RIGHT)
            assert verdict.passed
        assert left_in(own) != []
        assert engine.submit(program(RIGHT, task_id="test/2")).result().passed


def test_nothing_is_left_of_a_run_that_was_killed(environment: Environment, level: str, own: Path) -> None:
    mark = f"killed{os.getpid()}"
    script = f"""
    import sys
    from pathlib import Path
    from bigcodebench_tasks.execution import Environment, execute
    from tests.helpers.programs import RIGHT, program
    here = Environment(Path({str(environment.python)!r}), "custom", "0" * 64, Path({str(environment.folder)!r}))
    hangs = "import subprocess; subprocess.run(['sleep', '60'], env={{'MARK': '{mark}'}})\\n" + RIGHT
    execute([program(hangs)], here, sandbox={level!r})
    """
    run = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    end = time.monotonic() + 60
    while not processes_of(mark) and time.monotonic() < end:
        time.sleep(0.05)
    assert left_in(own) != []
    run.send_signal(signal.SIGKILL)
    run.wait()
    while left_in(own) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_of(mark) == []
