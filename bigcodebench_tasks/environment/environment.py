"""The execution environment: the second Python, which runs the programs. Find it, build it, remove it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from bigcodebench_tasks import options
from bigcodebench_tasks.environment import build, custom, interpreters
from bigcodebench_tasks.environment.locks import LOCKS, NAMES, Lock
from bigcodebench_tasks.errors import EnvironmentBuildFailed, EnvironmentMismatch, OptionError
from bigcodebench_tasks.files import CACHE_VARIABLE, cache_folder, others_who_may_write

PYTHON_VARIABLE = options.PYTHON.name
LOCK_VARIABLE = options.LOCK.name

# Written last: a folder without it is what a killed build left behind.
_MARKER = "bigcodebench-environment.json"

# What the finished environment takes, with room for the downloads.
_DISK_NEEDED_GIB = 5


@dataclass(frozen=True)
class Environment:
    """An interpreter that has the libraries that BigCodeBench's tasks import.

    Attributes:
        python: its interpreter, absolute.
        lock: name of the lock that it was built from ("official", "current"), or "custom" for an interpreter
            that the user named in ``BIGCODEBENCH_PYTHON``.
        lock_sha256: SHA-256 of that lock file, hex; of the sorted "name==version" lines of what is installed
            for "custom".
        folder: the virtual environment's folder, or the custom interpreter's ``sys.prefix``.
        version: its Python, such as "3.10"; "" where it does not matter.
        library_path: what of the user's ``LD_LIBRARY_PATH`` programs get, because the interpreter does not run without;
            "" mostly.
    """

    python: Path
    lock: str
    lock_sha256: str
    folder: Path
    version: str = ""
    library_path: str = ""

    @property
    def site_packages(self) -> Path:
        """Where its libraries are."""
        return self.folder / "lib" / f"python{self.version}" / "site-packages"


def folder(lock: Lock) -> Path:
    """Where the environment of a lock is, or will be."""
    return cache_folder() / f"{lock.name}-{lock.sha256[:12]}"


def expected_folder(name: str | None = None) -> Path:
    """Where the preferred environment will be if all goes well. Raises OptionError: there is no such lock."""
    return folder(_candidates(name)[0])


def find(name: str | None = None) -> Environment | None:
    """The environment that the user named, else the preferred one of those that were built; None if there is none.

    Args:
        name: name of its lock; by default what ``BIGCODEBENCH_LOCK`` says, or any.

    Raises:
        EnvironmentMismatch: ``BIGCODEBENCH_PYTHON`` is not a Python interpreter, or another user may have changed the
            environment.
        OptionError: there is no such lock, or no folder to look in.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        own = custom.examine(named)
        return Environment(own.python, "custom", own.packages_sha256, own.prefix, own.version, own.library_path)
    built = [lock for lock in _candidates(name) if (folder(lock) / _MARKER).is_file()]
    return _environment(built[0]) if built else None


def lock_of(environment: Environment) -> Lock | None:
    """The lock that an environment was built from; None for "custom"."""
    names = {(lock.name, lock.python): lock for lock in LOCKS}
    return names.get((environment.lock, environment.version))


def absent_data(environment: Environment) -> list[str]:
    """Names of the NLTK data sets that could not be had when the environment was built."""
    try:
        content = json.loads((environment.folder / _MARKER).read_text())
    except OSError:
        return []
    return list(content["nltk_data_absent"])


def create(name: str | None = None, python: Path | None = None, *, force: bool = False) -> Environment:
    """Build an environment from its lock, with progress on stderr. Processes that try at once build it once.

    Args:
        name: name of the lock; by default what ``BIGCODEBENCH_LOCK`` says, else "official" where a Python for
            it is found or can be downloaded, else "current".
        python: interpreter to build it with; one is searched by default (see `interpreters.search`).
        force: build anew even if there is a finished one.

    Raises:
        EnvironmentBuildFailed: it could not be built; nothing half-built is left.
        OptionError: there is no such lock.
    """
    lock, interpreter = _choose(_candidates(name), python)
    home = folder(lock)
    try:
        with _readable_by_all():
            home.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(_file_lock(home)):
            if force or not (home / _MARKER).is_file():
                _build(lock, home, interpreter)
    except OSError as error:
        raise EnvironmentBuildFailed(
            f"cannot write to {home.parent}: {error}. Choose another folder with {CACHE_VARIABLE}"
        ) from error
    return _environment(lock)


def remove(name: str | None = None) -> list[Path]:
    """Delete what was built, also by earlier versions of this package. A custom interpreter is never touched.

    Args:
        name: name of the lock; all of them by default.

    Returns:
        The folders that were deleted.
    """
    names = [name] if name else NAMES
    removed = []
    for home in sorted(path for known in names for path in cache_folder().glob(f"{known}-*") if path.is_dir()):
        with filelock.FileLock(_file_lock(home)):
            (home / _MARKER).unlink(missing_ok=True)
            shutil.rmtree(home)
        _file_lock(home).unlink(missing_ok=True)
        removed.append(home)
    return removed


def _candidates(name: str | None) -> list[Lock]:
    source = "--lock" if name else LOCK_VARIABLE
    name = name or os.environ.get(LOCK_VARIABLE) or None
    if name is not None and name not in NAMES:
        raise OptionError(f"{source}={name}: there is no such lock. Allowed: {', '.join(NAMES)}")
    return [lock for lock in LOCKS if name in (None, lock.name)]


def _choose(candidates: list[Lock], python: Path | None) -> tuple[Lock, Path]:
    """The lock to build and the interpreter to build it with."""
    if python is not None:
        version = interpreters.version(python)
        for lock in candidates:
            if lock.python == version:
                return lock, Path(os.path.abspath(python))
        wanted = ", ".join(f"Python {lock.python} ({lock.name})" for lock in candidates)
        what = f"is Python {version}" if version else "is no Python interpreter that runs"
        raise EnvironmentBuildFailed(f"{python} {what}; the execution environment needs one of: {wanted}")
    preferred = candidates[0]
    for lock in candidates:
        interpreter = interpreters.search(lock.python)
        if not interpreter and lock is preferred:
            interpreter = build.download_python(lock.python)
        if interpreter and lock is not preferred:
            print(
                f"Going on with the lock {lock.name} (Python {lock.python}): newer libraries than the leaderboard's, "
                f"which changes some verdicts. For the leaderboard's install Python {preferred.python}, then run: "
                f"bigcodebench-tasks env create --lock {preferred.name}",
                file=sys.stderr,
            )
        if interpreter:
            return lock, interpreter
    raise EnvironmentBuildFailed(
        f"found no Python {' or '.join(lock.python for lock in candidates)}, and uv cannot download one here. Install "
        f"one, or name it: bigcodebench-tasks env create --python PATH. Or point {PYTHON_VARIABLE} at an interpreter "
        "that has the tasks' libraries already"
    )


def _build(lock: Lock, home: Path, interpreter: Path) -> None:
    free_gib = shutil.disk_usage(home.parent).free / 2**30
    if free_gib < _DISK_NEEDED_GIB:
        raise EnvironmentBuildFailed(
            f"{home.parent} has {free_gib:.1f} GiB free and the execution environment needs {_DISK_NEEDED_GIB}. "
            f"Free some, or choose another folder with {CACHE_VARIABLE}"
        )
    print(
        f"Building BigCodeBench's execution environment in {home} (lock {lock.name}, Python {lock.python} from "
        f"{interpreter}) ...",
        file=sys.stderr,
    )
    shutil.rmtree(home, ignore_errors=True)
    try:
        with _readable_by_all():
            absent = build.build(lock, home, interpreter)
            content = {
                "lock": lock.name,
                "lock_sha256": lock.sha256,
                "built_with": str(interpreter),
                "nltk_data_absent": [data.name for data in absent],
            }
            (home / _MARKER).write_text(json.dumps(content))
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    print("The execution environment is ready.", file=sys.stderr)


@contextlib.contextmanager
def _readable_by_all() -> Iterator[None]:
    """What is made meanwhile can be read by everybody, whatever root's umask is: root's programs are other users."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _environment(lock: Lock) -> Environment:
    home = folder(lock)
    if why := others_who_may_write(home):
        raise EnvironmentMismatch(
            f"the execution environment {home} is not used, since its programs would run as you: {why}. Choose another "
            f"folder with {CACHE_VARIABLE}, or name an interpreter that you trust with {PYTHON_VARIABLE}"
        )
    return Environment(build.python_of(home), lock.name, lock.sha256, home, lock.python)


def _file_lock(home: Path) -> Path:
    return home.with_name(home.name + ".lock")


def variables(environment: Environment, scratch: str) -> dict[str, str]:
    """Every environment variable that programs see: an allow-list, so no token can slip through."""
    folders = [str(environment.python.parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    values = {
        "PATH": os.pathsep.join(folders),
        "HOME": scratch,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # As the official evaluator sets them; one BLAS thread also makes the fork server safe to fork.
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        # Sets and dicts of strings iterate in the same order in every run.
        "PYTHONHASHSEED": "0",
    }
    if environment.library_path:
        values["LD_LIBRARY_PATH"] = environment.library_path
    return values
