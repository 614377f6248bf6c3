"""Interpreters of a version are found wherever they may be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.environment import interpreters
from tests.helpers.project import starts_processes

pytestmark = starts_processes


def test_an_interpreter_of_a_version_is_found_and_an_unknown_version_is_not() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreters.search(version)
    assert found is not None
    said = subprocess.run([found, "-V"], capture_output=True, text=True).stdout
    assert said.startswith(f"Python {version}.")
    assert interpreters.search("3.99") is None


def test_pyenvs_inactive_versions_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = tmp_path / "versions" / f"{version}.99" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreters.search(version) == folder / "python"
