"""The execution environment: find it, build it, remove it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from bigcodebench_tasks import options
from bigcodebench_tasks.environment import build, custom, interpreters
from bigcodebench_tasks.environment.locks import LOCKS, NAMES, Lock
from bigcodebench_tasks.errors import EnvironmentBuildFailed, EnvironmentMismatch, OptionError
from bigcodebench_tasks.files import CACHE_VARIABLE, cache_folder, others_who_may_write

log = logging.getLogger("bigcodebench_tasks")

PYTHON_VARIABLE = options.PYTHON.name
LOCK_VARIABLE = options.LOCK.name

# Written last: a folder without it is unfinished.
_MARKER = "bigcodebench-environment.json"

# For the finished environment (2.2 GiB) and the downloads.
_DISK_NEEDED_GIB = 5


@dataclass(frozen=True)
class Environment:
    """An interpreter with the libraries that BigCodeBench's tasks import.

    Attributes:
        python: its interpreter, absolute.
        lock: "official" or "current", the lock that it was built from; "custom" for ``BIGCODEBENCH_PYTHON``.
        lock_sha256: SHA-256, hex, of the lock file; for "custom" of the sorted "name==version" lines of its packages.
        folder: the virtual environment's folder, or the custom interpreter's ``sys.prefix``.
        version: of its Python, such as "3.10"; "" if it does not matter.
        library_path: the part of ``LD_LIBRARY_PATH`` that programs get, because the interpreter needs it; usually "".
    """

    python: Path
    lock: str
    lock_sha256: str
    folder: Path
    version: str = ""
    library_path: str = ""

    @property
    def site_packages(self) -> Path:
        return self.folder / "lib" / f"python{self.version}" / "site-packages"


def folder(lock: Lock) -> Path:
    """The folder of the environment of a lock, built or not."""
    return cache_folder() / f"{lock.name}-{lock.sha256[:12]}"


def expected_folder(name: str | None = None) -> Path:
    """The folder of the preferred environment. Raises OptionError: there is no such lock."""
    return folder(_candidates(name)[0])


def find(name: str | None = None) -> Environment | None:
    """The environment in ``BIGCODEBENCH_PYTHON``, else the preferred one of those that are built; None without one.

    Args:
        name: name of its lock; by default ``BIGCODEBENCH_LOCK``, or any.

    Raises:
        EnvironmentMismatch: ``BIGCODEBENCH_PYTHON`` is not a Python interpreter, or other users may have changed the
            environment.
        OptionError: there is no such lock, or no cache folder.
    """
    if named := os.environ.get(PYTHON_VARIABLE):
        found = custom.examine(named)
        return Environment(
            found.python, "custom", found.packages_sha256, found.prefix, found.version, found.library_path
        )
    built = [lock for lock in _candidates(name) if (folder(lock) / _MARKER).is_file()]
    return _environment(built[0]) if built else None


def lock_of(environment: Environment) -> Lock | None:
    """The lock of an environment; None for "custom"."""
    return next((lock for lock in LOCKS if (lock.name, lock.python) == (environment.lock, environment.version)), None)


def absent_data(environment: Environment) -> list[str]:
    """Names of the NLTK data sets that were not available when the environment was built."""
    try:
        content = json.loads((environment.folder / _MARKER).read_text())
    except OSError:
        return []
    return list(content["nltk_data_absent"])


def create(name: str | None = None, python: Path | None = None, *, force: bool = False) -> Environment:
    """Build an environment from its lock; progress is logged. Of several processes at once, one builds it.

    Args:
        name: name of the lock; by default ``BIGCODEBENCH_LOCK``, else "official" if a Python for it is found or can be
            downloaded, else "current".
        python: interpreter to build it with; found by default (`interpreters.search`).
        force: build it again if it exists.

    Raises:
        EnvironmentBuildFailed: it could not be built; nothing unfinished is left.
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
    """Delete the environments of a lock, or of all, in all their versions. A custom interpreter is never touched.

    Returns:
        The deleted folders.
    """
    removed = []
    names = [name] if name else NAMES
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
            log.warning(
                "Using the lock %s (Python %s): newer libraries than the leaderboard's, which changes some verdicts. "
                "For the leaderboard's install Python %s, then run: bigcodebench-tasks env create --lock %s",
                lock.name,
                lock.python,
                preferred.python,
                preferred.name,
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
    log.info(
        "Building BigCodeBench's execution environment in %s (lock %s, Python %s from %s) ...",
        home,
        lock.name,
        lock.python,
        interpreter,
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
    log.info("The execution environment is ready.")


@contextlib.contextmanager
def _readable_by_all() -> Iterator[None]:
    """New files are readable by all users, whatever root's umask: programs of root run as another user."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _environment(lock: Lock) -> Environment:
    home = folder(lock)
    if why := others_who_may_write(home):
        raise EnvironmentMismatch(
            f"the execution environment {home} is not used, because its programs would run as you: {why}. Choose "
            f"another folder with {CACHE_VARIABLE}, or name an interpreter that you trust with {PYTHON_VARIABLE}"
        )
    return Environment(build.python_of(home), lock.name, lock.sha256, home, lock.python)


def _file_lock(home: Path) -> Path:
    return home.with_name(home.name + ".lock")


def variables(environment: Environment, scratch: str) -> dict[str, str]:
    """Every environment variable that programs see: an allow-list, so that no token gets through."""
    folders = [str(environment.python.parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    values = {
        "PATH": os.pathsep.join(folders),
        "HOME": scratch,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # As the official evaluator sets them; with one BLAS thread the server may also fork.
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        # The same order of sets of strings in every run.
        "PYTHONHASHSEED": "0",
    }
    if environment.library_path:
        values["LD_LIBRARY_PATH"] = environment.library_path
    return values
