"""Order, scheduling, and what happens when our own machinery is killed."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from bigcodebench_tasks.benchmark.known_tasks import Schedule
from bigcodebench_tasks.errors import ExecutionFailed, OptionError, SandboxUnavailable
from bigcodebench_tasks.execution import Environment, Limits, Program, Verdict
from bigcodebench_tasks.execution.scheduler import SHARE_RESERVED_CORE
from bigcodebench_tasks.execution.server_process import ServerProcess
from bigcodebench_tasks.execution.worker.protocol import StartProgram
from tests.helpers.programs import (
    LIMITS,
    RIGHT,
    SUITE,
    WRONG,
    asleep,
    assert_gone,
    execute,
    kill_all,
    processes_of,
    program,
)
from tests.helpers.project import ROOT


def test_verdicts_come_in_input_order(environment: Environment, sandbox: str) -> None:
    solutions = [asleep(4), WRONG, RIGHT, "def task_func(:", asleep(0.1)]
    seen: list[int] = []

    verdicts = execute(
        [program(solution) for solution in solutions],
        environment,
        limits=LIMITS,
        workers=2,
        sandbox=sandbox,
        on_verdict=lambda index, _: seen.append(index),
    )

    assert [v.reason for v in verdicts] == ["passed", "assertion", "passed", "did not load", "passed"]
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert seen[-1] == 0


def test_programs_that_wait_do_not_hold_a_worker(environment: Environment, sandbox: str) -> None:
    order: list[int] = []
    verdicts = execute(
        [*(program(asleep(8), task_id=f"test/{number}") for number in range(2)), program(RIGHT)],
        environment,
        limits=LIMITS,
        workers=1,
        sandbox=sandbox,
        on_verdict=lambda index, _: order.append(index),
    )
    assert all(verdict.passed for verdict in verdicts)
    assert order[0] == 2, "the last one began while all others slept, on the only worker"


def test_a_program_that_measures_time_keeps_its_core_while_it_sleeps(environment: Environment, sandbox: str) -> None:
    order: list[int] = []
    verdicts = execute(
        [program(asleep(4), task_id="test/0"), *(program(RIGHT, task_id=f"test/{n}") for n in range(1, 4))],
        environment,
        limits=LIMITS,
        workers=1,
        sandbox=sandbox,
        schedule=Schedule({"test/0": 2.0}, measure_time={"test/0"}),
        on_verdict=lambda index, _: order.append(index),
    )
    assert all(verdict.passed for verdict in verdicts)
    assert order[0] == 0, "on one core nothing else runs while it sleeps"


def test_programs_that_measure_time_share_the_core_that_is_kept_free(environment: Environment, sandbox: str) -> None:
    seconds = [4.0, 0.5, 4.0, 0.5]
    order: list[int] = []
    verdicts = execute(
        [program(asleep(seconds[n]), task_id=f"test/{n}") for n in range(4)] + [program(RIGHT, task_id="test/9")],
        environment,
        limits=LIMITS,
        workers=1,
        sandbox=sandbox,
        schedule=Schedule({"test/2": 2.0}, measure_time={f"test/{n}" for n in range(4)}),
        on_verdict=lambda index, _: order.append(index),
    )
    assert all(verdict.passed for verdict in verdicts)
    assert SHARE_RESERVED_CORE == 3
    assert order[:2] == [1, 3], "the fourth began when the short one of the first three had ended"
    assert order[-1] == 4, "all others wait for them"


def test_threads_that_race_take_turns_on_one_core(environment: Environment, sandbox: str) -> None:
    report = """
def task_func():
    import os, threading
    seen = []
    thread = threading.Thread(
        target=lambda: seen.append((len(os.sched_getaffinity(0)), os.sched_getscheduler(0) == os.SCHED_BATCH))
    )
    thread.start()
    thread.join()
    return seen[0]
"""
    suite = """
import unittest

class TestCases(unittest.TestCase):
    def test_it(self):
        self.assertEqual(task_func(), {expected})
"""
    cores = len(os.sched_getaffinity(0))
    verdicts = execute(
        [
            *(program(f"# {n}{report}", suite.format(expected=(1, True)), task_id="test/0") for n in range(3)),
            program(report, suite.format(expected=(cores, False)), task_id="test/1"),
        ],
        environment,
        limits=LIMITS,
        workers=2,
        sandbox=sandbox,
        schedule=Schedule(race={"test/0"}),
    )
    assert [verdict.details for verdict in verdicts] == [{}] * 4


def test_known_long_programs_start_first(environment: Environment, sandbox: str) -> None:
    order: list[int] = []
    execute(
        [program(RIGHT, task_id=f"test/{number}") for number in range(4)],
        environment,
        limits=LIMITS,
        workers=1,
        sandbox=sandbox,
        schedule=Schedule({"test/2": 30.0, "test/1": 60.0}),
        on_verdict=lambda index, _: order.append(index),
    )
    assert order == [1, 2, 0, 3]


def test_samples_of_one_task_share_their_random_seed(environment: Environment, sandbox: str) -> None:
    test = SUITE.replace('"right")', "random.random())\n        raise ValueError(first)")
    solution = "import random, os\nfirst = random.random()\ntask_func = lambda: None"
    one, two, other = execute(
        [program(solution, test), program(solution + " ", test), program(solution, test, task_id="test/1")],
        environment,
        limits=LIMITS,
        sandbox=sandbox,
    )
    assert one.details == two.details != other.details


def test_a_killed_server_costs_no_verdict(environment: Environment, sandbox: str, scratch_parent: Path) -> None:
    killed: list[int] = []

    def kill_once(index: int, verdict: Verdict) -> None:
        if not killed:
            killed.extend(kill_all(scratch_parent))

    solutions = [RIGHT, asleep(1), WRONG, asleep(0.5), RIGHT]
    verdicts = execute(
        [program(solution) for solution in solutions],
        environment,
        limits=LIMITS,
        workers=2,
        sandbox=sandbox,
        on_verdict=kill_once,
    )
    assert killed
    assert [verdict.passed for verdict in verdicts] == [True, True, False, True, True]


def test_a_server_that_is_always_killed_ends_the_run(
    environment: Environment, sandbox: str, scratch_parent: Path
) -> None:
    done = threading.Event()

    def kill() -> None:
        while not done.wait(0.02):
            kill_all(scratch_parent)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(ExecutionFailed, match="attempts"):
            execute([program(asleep(9))], environment, limits=LIMITS, sandbox=sandbox)
    finally:
        done.set()
        killer.join()


def test_an_interrupt_leaves_nothing_running(environment: Environment, sandbox: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(
            [program(RIGHT), program(asleep(60)), program("while True: pass")],
            environment,
            limits=LIMITS,
            workers=3,
            sandbox=sandbox,
            on_verdict=interrupt,
        )


def test_a_killed_parent_leaves_nothing_running(environment: Environment, sandbox: str) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom bigcodebench_tasks.execution import *\n"
        "from bigcodebench_tasks.execution.prepare import *\n"
        "from tests.helpers.programs import execute\n"
        f"place = Path({str(environment.folder)!r})\n"
        f"environment = Environment(Path({str(environment.python)!r}), 'custom', '0' * 64, place)\n"
        "forks = 'import os, time\\nos.fork() or os.setsid()\\nos.fork()\\ntime.sleep(600)'\n"
        f"execute([Program(name, forks, '') for name in 'abc'], environment, sandbox={sandbox!r})\n"
    )
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o711)  # root's samples are other users
        variables = {**os.environ, "TMPDIR": place, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        with subprocess.Popen([sys.executable, "-c", script], env=variables) as parent:
            while len(processes_of(Path(place))) < 12:  # the server's, and four of each sample
                assert parent.poll() is None
                time.sleep(0.05)
            parent.kill()
        assert_gone(Path(place))


def test_many_open_descriptors_do_not_matter(environment: Environment, sandbox: str) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2200:
        pytest.skip("this process may not open 2,000 files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2200), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(2000)]
    try:
        for fd in opened:
            os.set_inheritable(fd, True)
        [verdict] = execute([program(RIGHT)], environment, limits=LIMITS, sandbox=sandbox)
        assert verdict.passed
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_level_none_must_be_chosen(environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BIGCODEBENCH_SANDBOX", "none")
    assert [v.status for v in execute([program(RIGHT), program(WRONG)], environment)] == ["pass", "fail"]
    with pytest.raises(OptionError, match="namespaces, landlock, none"):
        execute([program(RIGHT)], environment, sandbox="docker")


def test_shared_memory_is_counted_once(environment: Environment, sandbox: str) -> None:
    solution = (
        "import os, time\ndata = b'x' * (100 << 20)\n"
        "for _ in range(8):\n    if os.fork() == 0:\n        time.sleep(99)\n        os._exit(0)\ntime.sleep(0.5)\n"
    )
    [verdict] = execute([program(solution + RIGHT)], environment, limits=LIMITS, sandbox=sandbox)
    assert verdict.passed, verdict


def test_a_disk_without_room_ends_the_run_and_is_no_verdict(environment: Environment, sandbox: str) -> None:
    if sandbox == "namespaces":
        pytest.skip("scratch is memory there, the sandbox's own")
    with pytest.raises(ExecutionFailed, match=r"MiB free and a program may write \d+: free some, or .* TMPDIR"):
        execute(
            [program(RIGHT), program(WRONG)],
            environment,
            limits=Limits(timeout_s=20, scratch_mib=1 << 30),
            sandbox=sandbox,
        )


def test_the_names_of_a_samples_folders_hold_no_hyphen(
    environment: Environment, sandbox: str, scratch_parent: Path
) -> None:
    solution = (
        f"import os, tempfile\nfor path in (os.getcwd(), tempfile.gettempdir(), os.environ['HOME']):\n"
        f"    assert '-' not in path.removeprefix({str(scratch_parent)!r}), path\n"
    )
    [verdict] = execute([program(solution + RIGHT)], environment, limits=LIMITS, sandbox=sandbox)
    assert verdict.passed, verdict


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm"])
def test_an_environment_below_a_private_folder_is_seen_and_cannot_be_written(
    place: str, environment: Environment, sandbox: str
) -> None:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        os.chmod(folder, 0o755)
        venv = Path(folder) / "deep" / "venv"
        subprocess.run([environment.python, "-m", "venv", "--without-pip", venv], check=True)
        (site_packages,) = venv.glob("lib/python*/site-packages")
        (site_packages / "only_here.py").write_text("ANSWER = 'right'\n")
        solution = (
            "import os, subprocess, sys, only_here\n"
            "child = [sys.executable, '-c', 'import only_here; print(only_here.ANSWER, end=str())']\n"
            "def task_func():\n"
            "    try:\n        open(only_here.__file__, 'a').close()\n        return 'written'\n"
            "    except OSError:\n        pass\n"
            f"    try:\n        return open({str(folder)!r} + '/secret').read()\n"
            "    except OSError:\n        pass\n"
            "    return subprocess.run(child, stdout=subprocess.PIPE, text=True, check=True).stdout\n"
        )
        (Path(folder) / "secret").write_text("of the host")
        there = Environment(venv / "bin" / "python", "custom", "0" * 64, venv)
        if (sandbox, place) == ("landlock", "/dev/shm"):
            with pytest.raises(SandboxUnavailable, match="must lie elsewhere"):
                execute([program(solution)], there, limits=LIMITS, sandbox=sandbox)
            return
        (verdict,) = execute([program(solution)], there, limits=LIMITS, sandbox=sandbox)
    assert verdict.passed, verdict


def test_a_program_has_a_tmp_and_a_loopback_of_its_own(environment: Environment, sandbox: str) -> None:
    files = """
import glob, os, shutil, subprocess
assert os.listdir('/tmp') in ([], [os.path.basename(os.getcwd())]), os.listdir('/tmp')
os.makedirs('/tmp/a/b')
os.chdir('/tmp/a')
open('b/c', 'w').write('text')
os.rename('/tmp/a/b/c', '/tmp/d')
os.symlink('/tmp/d', '/var/tmp/e')
assert subprocess.run('cat /var/tmp/e', shell=True, stdout=subprocess.PIPE, check=True).stdout == b'text'
assert glob.glob('/tmp/*/b') == ['/tmp/a/b']
os.chdir('/')
shutil.rmtree('/tmp/a')
assert not os.path.exists('/tmp/a/b')
"""
    server = """
import socket, threading, time
listener = socket.create_server(('', 12345))
def serve():
    while True:
        sock, (host, _) = listener.accept()
        sock.sendall(host.encode())
        sock.close()
threading.Thread(target=serve, daemon=True).start()
time.sleep(0.3)  # beside the others that listen on this port
for host in ('localhost', '127.0.0.1', '127.0.0.1'):
    with socket.create_connection((host, 12345), timeout=5) as sock:
        assert sock.getpeername() == ('127.0.0.1', 12345)
        assert sock.recv(99) == b'127.0.0.1'
try:
    socket.create_connection(('127.0.0.1', 54321), timeout=5)
except ConnectionRefusedError:
    pass
"""
    with socket.socket() as free:
        free.bind(("", 0))
        server = server.replace("12345", str(free.getsockname()[1]))
    verdicts = execute(
        [program(files + RIGHT), *(program(f"{server}# {n}\n{RIGHT}") for n in range(3))],
        environment,
        limits=LIMITS,
        workers=4,
        sandbox=sandbox,
    )
    assert [verdict.details for verdict in verdicts] == [{}] * 4


def test_landlock_without_ptrace_says_what_programs_lack(environment: Environment, sandbox: str) -> None:
    if sandbox != "landlock":
        pytest.skip("nothing is traced there")
    script = (
        "import sys\nfrom pathlib import Path\nfrom bigcodebench_tasks.execution import *\n"
        "from bigcodebench_tasks.execution.prepare import *\n"
        "from tests.helpers.programs import execute\n"
        "import ctypes, struct\nfrom bigcodebench_tasks.execution.worker.sandbox import kernel\n"
        "ptrace = {'x86_64': 101, 'aarch64': 117}[kernel.machine()]\n"
        # As a container that forbids it: load the call's number; if it is this one, EPERM; else allow.
        "steps = [(0x20, 0, 0, 0), (0x15, 0, 1, ptrace), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]\n"
        "code = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *step) for step in steps))\n"
        "kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)\n"
        "kernel.set_seccomp_filter(struct.pack('@HP', len(steps), ctypes.addressof(code)))\n"
        f"environment = Environment(Path({str(environment.python)!r}), 'custom', '0' * 64, Path('/usr'))\n"
        "print(probe(environment, sandbox='landlock').description)\n"
        f"[verdict] = execute([Program('test/0', {RIGHT!r}, {SUITE!r})], environment, sandbox='landlock')\n"
        "print(verdict.reason)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    description, reason = done.stdout.splitlines()
    assert "no private /tmp and loopback address, because ptrace is not available" in description
    assert reason == "passed"


def test_epoll_watches_that_are_used_up_do_not_matter(
    environment: Environment, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used_up(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(select, "epoll", used_up)
    [verdict] = execute([program(RIGHT)], environment, limits=LIMITS, sandbox=sandbox)
    assert verdict.passed


def test_an_error_of_the_system_while_programs_run_is_a_lost_server(
    environment: Environment, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def run(server: ServerProcess, message: StartProgram, program: Program) -> None:
        started.append(message.id)
        if len(started) == 2:  # the server that runs the first one is given up
            raise OSError(errno.EMFILE, "Too many open files")
        return original(server, message, program)

    original = ServerProcess.run
    monkeypatch.setattr(ServerProcess, "run", run)
    programs = [program(asleep(1, number)) for number in range(3)]
    verdicts = execute(programs, environment, limits=LIMITS, workers=3, sandbox=sandbox)
    assert [verdict.reason for verdict in verdicts] == ["passed"] * 3
    assert len(started) == 5, "both of those that had begun began again"
