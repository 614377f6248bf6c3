"""The attack table: each case has its expected verdict, harms nothing, and costs no other sample its verdict."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Environment, Limits, execute
from tests.execution.attacks import ATTACKS, Attack
from tests.helpers.programs import RIGHT, program

LIMITS = Limits(timeout_s=4, tree_memory_mib=384, scratch_mib=64, processes=128)

# Places where a program may write on some level, or would like to.
WATCHED = ["/", "/tmp", "/var/tmp", "/dev/shm", "/etc", "/usr/lib", os.path.dirname(os.__file__)]


@pytest.fixture
def bait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What an attacker would like to reach on this host, real enough to notice if it does."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("secret")
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o777)
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
    port = sockets[0].getsockname()[1]
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("127.0.0.1", port))
    for listener in sockets[1:]:
        listener.listen()

    def answer() -> None:
        while True:
            data, sender = echo.recvfrom(9)
            if data == b"stop":
                return
            echo.sendto(data, sender)

    thread = threading.Thread(target=answer)
    thread.start()
    yield {
        "home": home,
        "outside": outside,
        "host_pid": os.getpid(),
        "port": port,
        "unix_socket": unix_socket,
        "abstract": abstract,
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
        stop.sendto(b"stop", ("127.0.0.1", port))
    thread.join()
    for opened in (*sockets, echo):
        opened.close()
    assert (home / "secret").read_text() == "secret"
    assert [entry.name for entry in outside.iterdir()] == ["socket"]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_is_contained_and_judged(
    attack: Attack, level: str, environment: Environment, bait: dict[str, object]
) -> None:
    before = [sorted(os.listdir(folder)) for folder in WATCHED]
    mounts = Path("/proc/self/mounts").read_text()
    solution = attack.solution
    if "{" in solution and "succeeded" in solution:
        solution = solution.format(level=level, **bait)

    verdicts = execute(
        [program(solution), program(RIGHT), program(solution), program(RIGHT)],
        environment,
        limits=LIMITS,
        workers=2,
        sandbox=level,
    )

    said = [f"{verdict.status}: {verdict.reason}" for verdict in verdicts]
    assert said[0] in attack.allowed(level), verdicts[0].details
    assert said[2] in attack.allowed(level), verdicts[2].details
    assert [said[1], said[3]] == ["pass: passed"] * 2, "a healthy program suffered"
    assert [sorted(os.listdir(folder)) for folder in WATCHED] == before
    assert Path("/proc/self/mounts").read_text() == mounts
