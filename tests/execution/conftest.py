"""What the tests of execution share: an environment without BigCodeBench's libraries, and small programs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bigcodebench_tasks.errors import SandboxUnavailable
from bigcodebench_tasks.execution import Environment
from bigcodebench_tasks.execution.prepare import probe
from tests.helpers.programs import THIS_PYTHON, assert_gone


@pytest.fixture(scope="session")
def environment(processes: None) -> Environment:
    """This interpreter, or the system's where only that one can be confined by every kind of sandbox; needs no library.

    Under `landlock` the samples of root are other users, who cannot read an interpreter in root's home.
    """
    system = Environment(Path("/usr/bin/python3"), "custom", "0" * 64, Path("/usr"))
    return system if not _confines(THIS_PYTHON) and system.python.exists() and _confines(system) else THIS_PYTHON


def _confines(environment: Environment) -> bool:
    try:
        probe(environment, sandbox="landlock")
    except SandboxUnavailable:
        return False
    return True


@pytest.fixture(params=["namespaces", "landlock"])
def sandbox(request: pytest.FixtureRequest, environment: Environment) -> str:
    """Each kind of sandbox that isolates, where this machine gives it."""
    try:
        probe(environment, sandbox=request.param)
    except SandboxUnavailable as error:
        pytest.skip(f"this machine does not give it: {error}")
    return str(request.param)


@pytest.fixture(autouse=True)
def scratch_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Scratch folders of fork servers come here; none may be left, and no process that knows this place."""
    # Not below pytest's own folder, which every session of the same user closes to others when it starts; and root's
    # samples are other users. That folder is asked for all the same, so that it is made before this one takes its
    # place. No "-" in the name: a task splits paths at it.
    with tempfile.TemporaryDirectory(prefix="scratch") as name:
        folder = Path(name)
        folder.chmod(0o711)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield folder
        if request.node.get_closest_marker("unit") is None:
            assert_gone(folder)  # first: a watcher that has lost its parent removes its folder, then it ends
        assert list(folder.iterdir()) == []
