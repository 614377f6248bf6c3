"""The interpreter in ``BIGCODEBENCH_PYTHON``: what it is, and whether programs can run on it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bigcodebench_tasks import options
from bigcodebench_tasks.errors import EnvironmentMismatch

_LIBRARIES = "LD_LIBRARY_PATH"

# The oldest Python that the worker's code runs on.
_OLDEST = (3, 10)

# Runs on every Python 3.
_DESCRIBE = """
import json, sys
packages = []
if sys.version_info >= (3, 10):
    from importlib import metadata
    packages = sorted({"%s==%s" % (each.name, each.version) for each in metadata.distributions()})
print(json.dumps([sys.prefix, list(sys.version_info[:2]), packages]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter.

    Attributes:
        python: its absolute path.
        prefix: its ``sys.prefix``.
        version: such as "3.10".
        packages_sha256: SHA-256, hex, of the sorted "name==version" lines of its packages.
        library_path: the part of ``LD_LIBRARY_PATH`` that it needs; usually "".
    """

    python: Path
    prefix: Path
    version: str
    packages_sha256: str
    library_path: str


def examine(named: str) -> Interpreter:
    """Run an interpreter to describe itself.

    Args:
        named: its path, with ``~`` for the home, or its name, which is looked up on PATH.

    Raises:
        EnvironmentMismatch: it does not run, is too old, or needs libraries that programs cannot see.
    """
    python = _located(named)
    bare = {name: value for name, value in os.environ.items() if name != _LIBRARIES}
    description = _described(python, bare)
    libraries = ""
    if isinstance(description, str) and os.environ.get(_LIBRARIES):
        description, libraries = _with_libraries(python, bare, description)
    if isinstance(description, str):
        raise EnvironmentMismatch(
            f"{options.PYTHON.name}={named} is not a Python interpreter that runs ({description}). "
            "Name the bin/python of an environment that has the tasks' libraries, or unset it"
        )
    prefix, version, packages = description
    if tuple(version) < _OLDEST:
        raise EnvironmentMismatch(
            f"{options.PYTHON.name}={named} is Python {version[0]}.{version[1]}, and programs need Python 3.10 or newer"
        )
    digest = hashlib.sha256("\n".join(packages).encode()).hexdigest()
    return Interpreter(python, Path(prefix), f"{version[0]}.{version[1]}", digest, libraries)


def _located(named: str) -> Path:
    path = os.path.expanduser(named)
    if os.sep not in path:
        path = shutil.which(path) or path
    return Path(os.path.abspath(path))  # not resolved: a virtual environment is known by its link


_Description = tuple[str, list[int], list[str]]


def _described(python: Path, variables: Mapping[str, str]) -> _Description | str:
    """Prefix, version and packages; or why it does not run."""
    command = [str(python), "-I", "-c", _DESCRIBE]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=dict(variables))
    except OSError as error:
        return str(error)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return f"it ended with status {done.returncode}" + (f": {lines[-1][:500]}" if lines else "")
    try:
        prefix, version, packages = json.loads(done.stdout)
    except (ValueError, TypeError):
        return f"it prints {done.stdout[:100]!r}"
    return prefix, version, packages


def _with_libraries(python: Path, bare: Mapping[str, str], problem: str) -> tuple[_Description | str, str]:
    """Describe it with ``LD_LIBRARY_PATH``. Programs get only the folders below the interpreter's own."""
    whole = os.environ[_LIBRARIES]
    description = _described(python, {**bare, _LIBRARIES: whole})
    if isinstance(description, str):
        return problem, ""
    visible = [Path(description[0]), python.resolve().parent.parent]
    kept = os.pathsep.join(
        folder
        for folder in whole.split(os.pathsep)
        if folder and any(map(Path(folder).resolve().is_relative_to, visible))
    )
    if kept and not isinstance(_described(python, {**bare, _LIBRARIES: kept}), str):
        return description, kept
    return (
        f"it runs only with {_LIBRARIES}={whole}, and programs cannot see these folders, because none that it needs "
        f"is below {description[0]}: {problem}. Make it find its libraries itself (patchelf --set-rpath)"
    ), ""
