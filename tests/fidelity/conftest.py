"""The official package, for the tests that compare with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import uv


@pytest.fixture(scope="session")
def official_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds ``bigcodebench`` 0.2.5 without its dependencies, which are gigabytes."""
    folder = tmp_path_factory.mktemp("official")
    install = ["pip", "install", "--quiet", "--no-deps", "--target", str(folder), "bigcodebench==0.2.5"]
    done = subprocess.run([uv.find_uv_bin(), *install], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        pytest.skip(f"needs bigcodebench from PyPI: {done.stderr.strip()[-300:]}")
    return folder
