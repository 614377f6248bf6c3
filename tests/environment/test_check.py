"""What ``env check`` finds out beyond the verification of every run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.benchmark.known_tasks import PROGRAMS
from bigcodebench_tasks.environment import verify as check
from bigcodebench_tasks.execution import Environment


def test_every_module_that_cannot_be_imported_is_named_with_its_error(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "MODULES", ("json", "no_such_module", "sqlite3.no_such_part"))
    failed = check.failed_imports(environment)
    assert set(failed) == {"no_such_module", "sqlite3.no_such_part"}
    assert failed["no_such_module"] == "ModuleNotFoundError: No module named 'no_such_module'"


def test_an_interpreter_that_dies_while_importing_is_reported(environment: Environment, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'lost a library' >&2\nexit 3\n")
    python.chmod(0o755)
    failed = check.failed_imports(replace(environment, python=python))
    assert failed == {"the interpreter": "died with status 3 while importing them lost a library"}


def test_programs_are_looked_for_where_samples_would_find_them(environment: Environment, tmp_path: Path) -> None:
    beside = replace(environment, python=tmp_path / "python")
    for program in PROGRAMS:
        (tmp_path / program.name).write_text("#!/bin/sh\n")
        (tmp_path / program.name).chmod(0o755)
    assert check.missing_programs(beside) == []
    assert set(check.missing_programs(replace(environment, python=Path(sys.executable)))) <= set(PROGRAMS)


def test_the_command_that_installs_programs_names_each_package_once() -> None:
    ps_and_top = [program for program in PROGRAMS if program.package == "procps"]
    assert len(ps_and_top) == 2
    assert check.install_command(ps_and_top) == "apt-get install procps"
