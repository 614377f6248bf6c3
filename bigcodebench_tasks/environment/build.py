"""Building an execution environment from a lock, with uv."""

from __future__ import annotations

import configparser
import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import uv

from bigcodebench_tasks.environment import interpreters, locks, nltk_data
from bigcodebench_tasks.environment.locks import Lock
from bigcodebench_tasks.errors import EnvironmentBuildFailed

log = logging.getLogger("bigcodebench_tasks")

# Variables of the harness's own environment.
_HIDDEN = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}

# Stronger than UV_LINK_MODE and uv.toml: programs cannot follow symlinks into uv's cache.
_INSTALL = ("pip", "install", "--link-mode", "hardlink", "--require-hashes")


def build(lock: Lock, home: Path, interpreter: Path) -> list[nltk_data.DataSet]:
    """Make the virtual environment `home` with the packages of the lock, and NLTK's data.

    Returns:
        The data sets that are not available.

    Raises:
        EnvironmentBuildFailed: the message says why and what to do.
    """
    python = python_of(home)
    _uv("venv", "--quiet", "--no-project", "--python", str(interpreter), str(home))
    _uv(*_INSTALL, "-r", str(lock.file), "--python", str(python))
    _compile(python, home / "lib")
    return nltk_data.fetch(home, python, lambda target: _install_carriers(python, target))


def python_of(home: Path) -> Path:
    """The interpreter of a virtual environment."""
    return home / "bin" / "python"


def download_python(version: str) -> Path | None:
    """Download a Python with uv; None if that fails, because another lock may need none."""
    log.info("No Python %s found; downloading one with uv ...", version)
    status, output = _run_uv("python", "install", "--no-bin", version, show=False)
    if status:
        last = output[-1].strip().removeprefix("error: ").removeprefix("cause: ") if output else f"status {status}"
        log.info("  it cannot be downloaded here (%s)", last)
        return None
    return interpreters.search(version)


def _compile(python: Path, folder: Path) -> None:
    """Compile all modules: programs see the environment read-only, so each import would compile them again.

    The packages' tests, a quarter of all files, are left out.
    """
    log.info("  Compiling modules")
    command = [str(python), "-I", "-m", "compileall", "-qq", "-j", "0", "-x", r"/tests?/", str(folder)]
    # Templates of some packages are no valid Python, so the exit status means nothing.
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _install_carriers(python: Path, target: Path) -> None:
    carriers = locks.FOLDER / nltk_data.CARRIERS
    _uv(*_INSTALL, "--quiet", "--no-deps", "-r", str(carriers), "--target", str(target), "--python", str(python))


def _uv(*words: str) -> None:
    """Run uv. Raises EnvironmentBuildFailed with its last lines."""
    status, output = _run_uv(*words)
    if status:
        full = " The disk is full: free some, or choose another folder with BIGCODEBENCH_CACHE."
        raise EnvironmentBuildFailed(
            f"uv could not build the execution environment (uv {' '.join(words[:2])} ended with status {status}):\n"
            f"{''.join(output)}"
            "Check that a package index answers (UV_DEFAULT_INDEX names another one) and that the disk has room, "
            "then run: bigcodebench-tasks env create\nOr point BIGCODEBENCH_PYTHON at an interpreter that has the "
            f"libraries.{full if 'os error 28' in ''.join(output) else ''}"
        )


def _run_uv(*words: str, show: bool = True) -> tuple[int, list[str]]:
    """Exit status and last lines of uv; with `show` its lines are logged as they come."""
    variables = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    output: deque[str] = deque(maxlen=12)
    with subprocess.Popen(
        [uv.find_uv_bin(), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=pip_settings(variables) | variables,
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                output.append(line)
                if show and not line.startswith(" + "):  # without a line for each package
                    log.info("  %s", line.rstrip("\n"))
        except BaseException:
            process.kill()
            raise
    return process.returncode, list(output)


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """pip's index and certificates as uv's variables: uv does not read pip's settings."""
    values = {}
    home = [Path(os.path.expanduser(f"~/{name}")) for name in (".pip/pip.conf", ".config/pip/pip.conf")]
    files = [Path("/etc/pip.conf"), *home, Path(sys.prefix) / "pip.conf"]
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
