"""The attack table: each case has its expected verdict, harms nothing, and costs no other sample its verdict."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Environment, Limits
from tests.execution.attacks import ATTACKS, TIMEOUT, Attack
from tests.helpers.programs import RIGHT, assert_gone, execute, processes_of, program
from tests.helpers.traces import Traces

# The time limit is short for those that never end by themselves, and far away for all others, so that a busy machine
# changes no verdict.
LIMITS = Limits(timeout_s=60, tree_memory_mib=384, scratch_mib=64, processes=128)
SHORT_S = 4

TEMPORARY = tempfile.gettempdir()

# Folders that every process may write into.
PUBLIC = [folder for folder in ("/tmp", "/var/tmp", "/dev/shm") if os.path.isdir(folder)]


@pytest.fixture(scope="session")
def interpreter(environment: Environment) -> list[str]:
    """The file of the interpreter that runs programs, and the folder of its standard library."""
    ask = "import os, sys; print(os.path.realpath(sys.executable), os.path.dirname(os.__file__), sep='\\n')"
    done = subprocess.run([environment.python, "-I", "-c", ask], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture
def host() -> Iterator[Path]:
    """A folder of the host's, with one in it that is open to everybody: sandbox alone keeps programs out of it.

    Not below pytest's own folder, which is closed to other users, and root's samples are other users.
    """
    with tempfile.TemporaryDirectory(prefix="host_", dir=TEMPORARY) as name:
        folder = Path(name)
        folder.chmod(0o711)
        for part, mode in (("home", 0o755), ("outside", 0o777)):
            (folder / part).mkdir()
            (folder / part).chmod(mode)
        yield folder


@pytest.fixture
def traces(host: Path, interpreter: list[str]) -> Iterator[Traces]:
    """What programs leave in places where they may write in some kind of sandbox, or would like to."""
    binary, library = interpreter
    traces = Traces(
        ("/", "/root", "/etc", "/usr/lib", *PUBLIC, library, Path.home(), Path.cwd(), host / "outside"),
        others=(binary, "/proc", "/dev", "/run", host / "home"),
    )
    yield traces
    traces.remove()


@pytest.fixture
def bait(host: Path, traces: Traces, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What an attacker would like to reach on this host, real enough to notice if it does."""
    home, outside = host / "home", host / "outside"
    (home / "secret").write_text("secret")
    (home / "mine").write_text("mine")
    before = _state(home / "secret"), _state(home / "mine")
    victim = subprocess.Popen(["sleep", "9999"])
    unharmed = _how_it_runs(victim.pid)
    public = [Path(tempfile.mkdtemp(prefix="bait_", dir=folder)) for folder in PUBLIC]
    for folder in public:
        (folder / "file").write_text("of another")
        (folder / "file").chmod(0o666)
        folder.chmod(0o777)
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "HF_HOME"):
        monkeypatch.setenv(name, "secret")
    abstract = f"bigcodebench-{os.getpid()}"
    unix_socket = str(outside / "socket")
    sockets = [
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_UNIX),
        socket.socket(socket.AF_UNIX),
    ]
    sockets[1].bind(unix_socket)
    os.chmod(unix_socket, 0o777)
    sockets[2].bind("\0" + abstract)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(str(outside / "log"))
    os.chmod(outside / "log", 0o777)
    log.setblocking(False)
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("127.0.0.1", 0))
    for listener in sockets[1:]:
        listener.listen()

    def answer() -> None:
        while True:
            data, sender = echo.recvfrom(9)
            if data == b"stop":
                return
            echo.sendto(data, sender)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield {
        "marker": traces.marker,
        "home": home,
        "outside": outside,
        "host_pid": os.getpid(),
        "port": sockets[0].getsockname()[1],
        "datagram_port": echo.getsockname()[1],
        "unix_socket": unix_socket,
        "abstract": abstract,
        "datagram_socket": outside / "log",
        "mine": home / "mine",
        "shared_memory": public[-1],
        "victim": victim.pid,
    }
    with pytest.raises(BlockingIOError):
        log.recv(9)
    assert (_how_it_runs(victim.pid), victim.poll()) == (unharmed, None)
    victim.kill()
    victim.wait()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
        stop.sendto(b"stop", echo.getsockname())
    thread.join()
    for opened in (*sockets, echo, log):
        opened.close()
    kept = [[(entry.name, entry.read_text()) for entry in folder.iterdir()] for folder in public]
    for folder in public:
        shutil.rmtree(folder)
    assert kept == [[("file", "of another")]] * len(public)
    assert (_state(home / "secret"), _state(home / "mine")) == before
    assert (home / "secret").read_text() == "secret"
    assert sorted(entry.name for entry in outside.iterdir()) == ["log", "socket"]


def _state(path: Path) -> tuple[object, ...]:
    """All that another program can change of a file without writing into it."""
    now = path.stat()
    return now.st_mode, now.st_uid, now.st_gid, now.st_mtime_ns, tuple(os.listxattr(path))


def _how_it_runs(pid: int) -> tuple[object, ...]:
    """What others can change of a process without looking into it."""
    limits = [resource.prlimit(pid, name) for name in range(16)]
    return limits, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), os.sched_getscheduler(pid)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_is_contained_and_judged(
    attack: Attack, sandbox: str, environment: Environment, bait: dict[str, object], traces: Traces
) -> None:
    if attack.machine not in ("", platform.machine()):
        pytest.skip(f"its numbers of system calls are those of {attack.machine}")
    allowed = attack.allowed(sandbox)
    solution = attack.aimed_at({"sandbox": sandbox, **bait})

    # Of equal programs only one would run: each is of another task.
    verdicts = execute(
        [program(text, task_id=f"test/{n}") for n, text in enumerate((solution, RIGHT, solution, RIGHT))],
        environment,
        limits=replace(LIMITS, timeout_s=SHORT_S) if allowed == TIMEOUT else LIMITS,
        workers=2,
        sandbox=sandbox,
    )

    said = [f"{verdict.status}: {verdict.reason}" for verdict in verdicts]
    assert said[0] in allowed, verdicts[0].details
    assert said[2] in allowed, verdicts[2].details
    assert [said[1], said[3]] == ["pass: passed"] * 2, "a healthy program suffered"
    assert_gone(traces.marker)
    assert traces.found() == []


@pytest.mark.parametrize("place", [*PUBLIC, "{outside}"])
def test_what_a_program_without_isolation_leaves_is_found(
    place: str, environment: Environment, bait: dict[str, object], traces: Traces
) -> None:
    leaves = Attack("leaves a file", f"open('{place}/{{marker}}', 'w').close()\n{RIGHT}", ("pass: passed",))
    (verdict,) = execute([program(leaves.aimed_at(bait))], environment, limits=LIMITS, sandbox="none")
    assert verdict.passed, verdict.details
    assert traces.found() == [f"{place}/{traces.marker}".replace("{outside}", str(bait["outside"]))]
    traces.remove()


def test_a_process_that_lives_on_is_found(traces: Traces) -> None:
    with subprocess.Popen(["sleep", "999"], env={"LEFT": traces.marker}) as left:
        try:
            assert processes_of(traces.marker) == [left.pid]
        finally:
            left.kill()
    assert processes_of(traces.marker) == []
