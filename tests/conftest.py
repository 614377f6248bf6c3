"""What tests share: the marker `unit`, the real command line, the loopback Hub, and reasons to skip.

A test is `unit` unless it requests `processes` or `shared`, directly or through another fixture, or is marked `slow`,
`fidelity`, `ray` or `torch`. A unit test that starts a process or opens a connection fails, so the marker stays true.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.helpers.project import GROUND_TRUTH, SHARED, LmEval

NEEDS = {
    "ray": ("ray", "Ray: pip install -e '.[ray]'"),
    "torch": ("torch", "PyTorch: pip install -e '.[torch]'"),
}
"""Marker to the module without which its tests are skipped, and what to install."""

BEYOND_UNIT = {"slow", "fidelity", *NEEDS}


@pytest.hookimpl(tryfirst=True)  # before pytest reads -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {name: needed for name, (module, needed) in NEEDS.items() if importlib.util.find_spec(module) is None}
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        for name in markers & missing.keys():
            item.add_marker(pytest.mark.skip(reason=f"needs {missing[name]}"))
        if not markers & BEYOND_UNIT and not {"processes", "shared"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.unit)


OUTSIDE = ("subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "socket.connect")
"""Audit events by which a test leaves this process."""

_unit_test: list[str] | None = None  # events of the unit test that runs; None while none does


def _record_event(event: str, arguments: tuple[object, ...]) -> None:
    if _unit_test is not None and event in OUTSIDE and arguments[:1] != ("git",):  # lm-eval asks it for a commit's name
        _unit_test.append(f"{event} {arguments}"[:300])


sys.addaudithook(_record_event)


@pytest.fixture(scope="session")
def processes() -> None:
    """Requested by every test and fixture that starts processes or opens connections: its tests are not `unit`."""


@pytest.fixture(autouse=True)
def _stays_in_this_process(request: pytest.FixtureRequest) -> Iterator[None]:
    global _unit_test
    if request.node.get_closest_marker("unit") is None:
        yield
        return
    events: list[str] = []
    _unit_test = events
    yield
    _unit_test = None
    assert events == [], "a unit test left this process: let it request the fixture `processes`"


def pytest_report_header() -> str:
    import lm_eval

    from bigcodebench_tasks import __version__

    shared = "there" if SHARED.is_dir() else "missing, so tests on the real datasets are skipped"
    return f"bigcodebench-tasks {__version__}, lm-eval {lm_eval.__version__}; ../shared: {shared}"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that change what the package does, whatever the developer has set."""
    for name in ("BIGCODEBENCH_OVERRIDE_PATH", "BIGCODEBENCH_TIMEOUT_PER_TASK", "BIGCODEBENCH_TASKS_AUTOLOAD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elo ratings on a leaderboard take 20 bootstrap rounds in place of 500, where no test looks at their intervals."""
    from bigcodebench_tasks.leaderboard.elo import elo_ratings

    monkeypatch.setattr("bigcodebench_tasks.leaderboard.own_board.elo_ratings", partial(elo_ratings, rounds=20))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real datasets and the loopback Hub."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with the real datasets")
    return SHARED


@pytest.fixture(scope="session")
def hub(shared: Path, processes: None) -> Iterator[str]:
    """Endpoint of a loopback Hub that serves the real datasets."""
    server = subprocess.Popen(
        [sys.executable, shared / "hub" / "serve_hub.py", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.fixture(scope="session")
def lm_eval(tmp_path_factory: pytest.TempPathFactory, processes: None) -> LmEval:
    """Run the real ``lm_eval`` command line of this Python, as a user would, in an empty folder.

    Arguments: the words after ``lm_eval``; ``env`` adds variables, ``ok=False`` expects a failure.
    The output is stdout and stderr together, as a user sees them.
    """
    home = tmp_path_factory.mktemp("hf-home")

    def run(*words: str, env: Mapping[str, str] | None = None, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "lm_eval", *words],
            cwd=tmp_path_factory.mktemp("cwd"),
            env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3600,  # against hanging for ever; a busy machine takes minutes
        )
        if ok:
            assert done.returncode == 0, done.stdout[-8000:]
        else:
            assert done.returncode != 0, done.stdout[-8000:]
        return done

    return run


@pytest.fixture(scope="session")
def mini_run(lm_eval: LmEval, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What one run of the README's first command printed, and the folder of its results and logs."""
    out = tmp_path_factory.mktemp("out")
    done = lm_eval(*GROUND_TRUTH, "--tasks", "bigcodebench_mini", "--log_samples", "--output_path", str(out))
    return done.stdout, out
