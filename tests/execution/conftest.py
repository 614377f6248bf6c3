"""What the tests of execution share: an environment without BigCodeBench's libraries, and small programs."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bigcodebench_tasks.errors import SandboxUnavailable
from bigcodebench_tasks.execution import Environment, Program, probe

SUITE = """
import unittest

class TestCases(unittest.TestCase):
    def test_one(self):
        self.assertEqual(task_func(), "right")

    def test_two(self):
        self.assertEqual(task_func(), "right")
"""
RIGHT = "def task_func():\n    return 'right'\n"
WRONG = "def task_func():\n    return 'wrong'\n"


def program(solution: str, test: str = SUITE, task_id: str = "test/0") -> Program:
    return Program(task_id, solution, test)


@pytest.fixture(scope="session")
def environment() -> Environment:
    """This very interpreter; the engine needs no library over there."""
    return Environment(Path(sys.executable), "custom", "0" * 64, Path(sys.prefix))


@pytest.fixture(params=["namespaces", "landlock"])
def level(request: pytest.FixtureRequest, environment: Environment) -> str:
    """Each level that isolates, where this machine gives it."""
    try:
        probe(environment, sandbox=request.param)
    except SandboxUnavailable as error:
        pytest.skip(f"this machine does not give it: {error}")
    return str(request.param)


@pytest.fixture(autouse=True)
def scratch_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Scratch folders of fork servers come here; none may be left, and no process that knows this place."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o011)  # root's samples are other users
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert_gone(folder)


def assert_gone(folder: Path) -> None:
    """No process is left; the kernel may need a moment for the last one that was killed."""
    end = time.monotonic() + 10
    while processes_of(folder) and time.monotonic() < end:
        time.sleep(0.02)
    assert processes_of(folder) == []


def processes_of(folder: Path) -> list[int]:
    """Processes that were started, or forked from one that was started, with a scratch folder below this."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:  # ended meanwhile, or not ours
            continue
    return found
