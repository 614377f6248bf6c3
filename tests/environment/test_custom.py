"""``BIGCODEBENCH_PYTHON`` as people set it: a name, a path from home, an old Python, one that needs libraries."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.environment import environment
from bigcodebench_tasks.errors import EnvironmentMismatch, SandboxUnavailable
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.options import SANDBOX
from tests.helpers.programs import RIGHT, execute, program
from tests.helpers.project import starts_processes

pytestmark = starts_processes

ERROR = "python: error while loading shared libraries: libpython3.10.so.1.0: cannot open shared object file"


def script(file: Path, *lines: str) -> Path:
    """An executable that stands for an interpreter."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    file.chmod(0o755)
    return file


def needs_libraries(file: Path) -> Path:
    """Stands for the Python of an environment module, which runs only where LD_LIBRARY_PATH names its library."""
    complains = f'{{ echo "{ERROR}" >&2; exit 127; }}'
    return script(file, f'[ -n "$LD_LIBRARY_PATH" ] || {complains}', f'exec {sys.executable} "$@"')


def test_a_name_is_looked_for_on_path_and_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = script(tmp_path / "bin" / "mypython", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", f"{own.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    for named in ("mypython", "~/bin/mypython", str(own)):
        monkeypatch.setenv(environment.PYTHON_VARIABLE, named)
        found = environment.find()
        assert found is not None
        assert (found.python, found.folder, found.library_path) == (own, Path(sys.prefix), "")
    monkeypatch.setenv(environment.PYTHON_VARIABLE, "nopython")
    with pytest.raises(EnvironmentMismatch, match=r"nopython is not a Python interpreter that runs .*No such file"):
        environment.find()


def test_a_python_that_is_too_old_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = script(tmp_path / "python", """echo '["/usr", [3, 8], []]'""")
    monkeypatch.setenv(environment.PYTHON_VARIABLE, str(old))
    with pytest.raises(EnvironmentMismatch, match=r"is Python 3\.8, and programs need Python 3\.10 or newer"):
        environment.find()


def test_what_an_interpreter_says_when_it_does_not_run_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.setenv(environment.PYTHON_VARIABLE, str(needs_libraries(tmp_path / "python")))
    with pytest.raises(EnvironmentMismatch, match=f"ended with status 127: {ERROR}"):
        environment.find()


def test_libraries_beside_the_interpreter_are_given_to_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = needs_libraries(tmp_path / "module" / "bin" / "python")
    library = tmp_path / "module" / "lib"
    monkeypatch.setenv(environment.PYTHON_VARIABLE, str(python))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/somewhere/else:{library}:")
    found = environment.find()
    assert found is not None
    assert found.library_path == str(library)
    assert environment.variables(found, "/scratch")["LD_LIBRARY_PATH"] == str(library)
    (verdict,) = execute([program(RIGHT)], found, sandbox="none")
    assert verdict.passed


def test_libraries_that_programs_are_not_shown_are_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(environment.PYTHON_VARIABLE, str(needs_libraries(tmp_path / "module" / "bin" / "python")))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere/else")
    with pytest.raises(EnvironmentMismatch, match=r"runs only with LD_LIBRARY_PATH=/somewhere/else"):
        environment.find()


def test_a_server_that_ends_at_once_is_no_matter_of_isolation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SANDBOX.name, raising=False)
    python = script(tmp_path / "bin" / "python", f'echo "{ERROR}" >&2', "exit 127")
    for _ in range(5):  # sometimes it has ended before it is told what to do, sometimes it has not
        environment_of_its_own = environment.Environment(python, "custom", os.urandom(32).hex(), tmp_path, "3.10")
        with pytest.raises(SandboxUnavailable) as caught:
            probe(environment_of_its_own)
        assert ERROR in str(caught.value)
        assert "cannot run programs in any sandbox" in str(caught.value)
        assert "user namespaces" not in str(caught.value)
