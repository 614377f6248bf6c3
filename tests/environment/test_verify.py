"""What is verified before every run, and what ``env check`` finds out beyond it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.benchmark.known_tasks import PROGRAMS
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.environment import nltk_data, verify
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import EnvironmentMismatch
from bigcodebench_tasks.execution.prepare import prepare
from tests.helpers.project import starts_processes

pytestmark = starts_processes


def test_a_deleted_a_changed_and_a_missing_library_are_named(small_lock: Path) -> None:
    built = environments.create()
    (metadata,) = (built.folder / "lib").glob("python*/site-packages/six-*.dist-info")
    module = metadata.parent / "six.py"
    module.rename(module.with_suffix(".gone"))
    assert verify.differences(built) == ["six 1.16.0 is incomplete: six.py is missing"]
    module.with_suffix(".gone").rename(module)
    record = (metadata / "RECORD").read_text()
    (metadata / "RECORD").write_text(record + "six_parts/inner/module.py,,\n")
    assert verify.differences(built) == ["six 1.16.0 is incomplete: six_parts/inner is missing"]
    (metadata / "RECORD").write_text(record)
    metadata = metadata.rename(metadata.with_name("six-1.15.0.dist-info"))
    assert verify.differences(built) == ["six is 1.15.0 instead of 1.16.0"]
    shutil.rmtree(metadata)
    assert verify.differences(built) == ["six 1.16.0 is missing"]
    with pytest.raises(EnvironmentMismatch, match=r"six 1.16.0 is missing.*env create --force"):
        verify.verify(built)


def test_deleted_nltk_data_is_named(small_lock: Path) -> None:
    built = environments.create()
    shutil.rmtree(nltk_data.folder(built.folder) / "corpora" / "stopwords")
    assert verify.differences(built) == ["NLTK data stopwords is missing"]


def test_a_custom_interpreter_without_the_libraries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setenv(environments.PYTHON_VARIABLE, str(tmp_path / "bare" / "bin" / "python"))
    custom = verify.ensure()
    with pytest.raises(EnvironmentMismatch, match="numpy"):
        prepare(environment=custom)


def test_every_module_that_cannot_be_imported_is_named_with_its_error(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "MODULES", ("json", "no_such_module", "sqlite3.no_such_part"))
    failed = verify.failed_imports(environment)
    assert set(failed) == {"no_such_module", "sqlite3.no_such_part"}
    assert failed["no_such_module"] == "ModuleNotFoundError: No module named 'no_such_module'"


def test_an_interpreter_that_dies_while_importing_is_reported(environment: Environment, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'lost a library' >&2\nexit 3\n")
    python.chmod(0o755)
    failed = verify.failed_imports(replace(environment, python=python))
    assert failed == {"the interpreter": "ended with status 3 while importing them: lost a library"}


def test_programs_are_looked_for_where_samples_would_find_them(environment: Environment, tmp_path: Path) -> None:
    beside = replace(environment, python=tmp_path / "python")
    for program in PROGRAMS:
        (tmp_path / program.name).write_text("#!/bin/sh\n")
        (tmp_path / program.name).chmod(0o755)
    assert verify.missing_programs(beside) == []
    assert set(verify.missing_programs(replace(environment, python=Path(sys.executable)))) <= set(PROGRAMS)


def test_the_command_that_installs_programs_names_each_package_once() -> None:
    ps_and_top = [program for program in PROGRAMS if program.package == "procps"]
    assert len(ps_and_top) == 2
    assert verify.install_command(ps_and_top) == "apt-get install procps"
