"""What the tests of the environment share: locks of one small package, and an interpreter that is there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.environment import locks, nltk_data
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.files import CACHE_VARIABLE
from tests.helpers.programs import THIS_PYTHON

SIX = (
    "six==1.16.0 \\\n    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254 \\\n"
    "    --hash=sha256:1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926\n"
)


@pytest.fixture
def environment() -> Environment:
    """This very interpreter; none of BigCodeBench's libraries is needed."""
    return THIS_PYTHON


@pytest.fixture
def small_lock(processes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of one package in place of the shipped ones, and an empty cache folder; the file for Python 3.10."""
    folder = tmp_path / "locks"
    folder.mkdir()
    for lock in locks.LOCKS:
        (folder / lock.file.name).write_text(f"{SIX}# {lock.file.name}\n")
    shutil.copy(locks.FOLDER / nltk_data.CARRIERS, folder)
    monkeypatch.setattr(locks, "FOLDER", folder)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    for name in (environments.PYTHON_VARIABLE, environments.LOCK_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return folder / "official-3.10.txt"
