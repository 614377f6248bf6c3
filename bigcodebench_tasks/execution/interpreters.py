"""Finding a Python interpreter of a given version on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import uv


def search(version: str) -> Path | None:
    """The first interpreter of this version that runs; None leaves it to uv to download one.

    Looks on PATH, in pyenv's folder of versions (uv lists only the active ones of pyenv), then where uv looks.

    Args:
        version: such as "3.10".
    """
    return next((path for path in _candidates(version) if _is_version(path, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    for name in (f"python{version}", "python3", "python"):
        if found := shutil.which(name):
            yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    known = subprocess.run(
        [uv.find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", "--system", version],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if known.returncode == 0:
        yield Path(known.stdout.strip())


def _is_version(python: Path, version: str) -> bool:
    program = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        # A shim of pyenv exists for versions that are not active, and fails.
        done = subprocess.run([python, "-I", "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version
