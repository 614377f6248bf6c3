"""What tests share: where things are, the real command line, the loopback Hub, and reasons to skip."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.helpers.project import GROUND_TRUTH, SHARED, LmEval


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


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real datasets and the loopback Hub."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with the real datasets")
    return SHARED


@pytest.fixture(scope="session")
def hub(shared: Path) -> Iterator[str]:
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
def lm_eval(tmp_path_factory: pytest.TempPathFactory) -> LmEval:
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
