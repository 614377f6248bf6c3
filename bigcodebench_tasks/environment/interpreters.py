"""Finding a Python interpreter of a given version on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import uv


def search(wanted: str) -> Path | None:
    """The first interpreter of this version (such as "3.10") that runs: on PATH, in pyenv's folder, or found by uv."""
    return next((path for path in _candidates(wanted) if version(path) == wanted), None)


def _candidates(wanted: str) -> Iterator[Path]:
    for name in (f"python{wanted}", "python3", "python"):
        if path := shutil.which(name):
            yield Path(path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))
    with contextlib.suppress(OSError):  # it may be another user's
        yield from sorted(pyenv.glob(f"versions/{wanted}.*/bin/python"), reverse=True)  # uv lists only the active ones
    found = subprocess.run(
        [uv.find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", "--system", wanted],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if found.returncode == 0:
        yield Path(found.stdout.strip())


def version(python: Path) -> str:
    """Its version, such as "3.10"; "" if it does not run or cannot make virtual environments."""
    program = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:  # pyenv has shims of inactive versions, which fail
        done = subprocess.run([python, "-I", "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
