"""Building and verifying an environment, with the real uv and a lock of one small package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.environment import build, environment, interpreters, locks, nltk_data, verify
from bigcodebench_tasks.errors import EnvironmentBuildFailed, EnvironmentMismatch, OptionError
from bigcodebench_tasks.execution import prepare
from bigcodebench_tasks.files import CACHE_VARIABLE

SIX = (
    "six==1.16.0 \\\n    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254 \\\n"
    "    --hash=sha256:1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926\n"
)


@pytest.fixture
def small_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of one package in place of the shipped ones, and an empty cache folder; the file for Python 3.10."""
    folder = tmp_path / "locks"
    folder.mkdir()
    for lock in locks.LOCKS:
        (folder / lock.file.name).write_text(f"{SIX}# {lock.file.name}\n")
    shutil.copy(locks.FOLDER / nltk_data.CARRIERS, folder)
    monkeypatch.setattr(locks, "FOLDER", folder)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    for name in (environment.PYTHON_VARIABLE, environment.LOCK_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return folder / "official-3.10.txt"


def left(tmp_path: Path) -> list[str]:
    """What is left in the cache folder, but for the lock file that makes processes take turns."""
    return [path.name for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"]


def test_a_built_environment_is_found_complete_and_can_be_removed(small_lock: Path, tmp_path: Path) -> None:
    assert environment.find() is None
    built = environment.create()
    assert environment.find() == built
    assert (built.lock, len(built.lock_sha256)) == ("official", 64)
    version = subprocess.run([built.python, "-c", "import six; print(six.__version__)"], capture_output=True, text=True)
    assert version.stdout.strip() == "1.16.0"
    assert verify.differences(built) == []

    assert nltk_data.missing(built.folder) == []

    assert environment.remove() == [built.folder]
    assert environment.remove() == []
    assert environment.find() is None
    assert left(tmp_path) == []


def test_what_is_there_is_not_built_again_unless_forced(small_lock: Path) -> None:
    witness = environment.create().folder / "witness"
    witness.touch()
    environment.create()
    assert witness.exists()
    environment.create(force=True)
    assert not witness.exists()


def test_a_failed_build_says_what_to_do_and_leaves_nothing(small_lock: Path, tmp_path: Path) -> None:
    small_lock.write_text(SIX.replace("8abb", "0000").replace("1e61", "0000"))
    with pytest.raises(EnvironmentBuildFailed) as error:
        environment.create()
    assert "hash" in str(error.value).lower()
    assert environment.PYTHON_VARIABLE in str(error.value)
    assert environment.find() is None
    assert left(tmp_path) == []


def test_a_build_that_was_killed_does_not_look_finished_and_is_replaced(small_lock: Path) -> None:
    halfway = environment.expected_folder()
    (halfway / "bin").mkdir(parents=True)
    (halfway / "bin" / "python").touch()
    assert environment.find() is None
    assert verify.differences(environment.create()) == []


def test_too_little_disk_is_said_before_anything_is_fetched(
    small_lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_DISK_NEEDED_GIB", 10**9)
    with pytest.raises(EnvironmentBuildFailed, match=r"GiB free.*BIGCODEBENCH_CACHE"):
        environment.create()
    assert left(tmp_path) == []


def test_processes_that_start_at_once_build_it_once(small_lock: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from bigcodebench_tasks.environment import environment, locks\n"
        "locks.FOLDER = Path(sys.argv[1]); print(environment.create().folder)"
    )
    command = [sys.executable, "-c", program, small_lock.parent]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sum("Building" in stderr for _, stderr in said) == 1


def test_a_deleted_a_changed_and_a_missing_library_are_named(small_lock: Path) -> None:
    built = environment.create()
    (metadata,) = (built.folder / "lib").glob("python*/site-packages/six-*.dist-info")
    module = metadata.parent / "six.py"
    module.rename(module.with_suffix(".gone"))
    assert verify.differences(built) == ["six 1.16.0 lacks six.py"]
    module.with_suffix(".gone").rename(module)
    record = (metadata / "RECORD").read_text()
    (metadata / "RECORD").write_text(record + "six_parts/inner/module.py,,\n")
    assert verify.differences(built) == ["six 1.16.0 lacks six_parts/inner"]
    (metadata / "RECORD").write_text(record)
    metadata = metadata.rename(metadata.with_name("six-1.15.0.dist-info"))
    assert verify.differences(built) == ["six is 1.15.0 instead of 1.16.0"]
    shutil.rmtree(metadata)
    assert verify.differences(built) == ["six 1.16.0 is missing"]
    with pytest.raises(EnvironmentMismatch, match=r"six 1.16.0 is missing.*env create --force"):
        verify.verify(built)


def test_deleted_nltk_data_is_named(small_lock: Path) -> None:
    built = environment.create()
    shutil.rmtree(nltk_data.folder(built.folder) / "corpora" / "stopwords")
    assert verify.differences(built) == ["NLTK data stopwords is missing"]


def test_an_interpreter_of_the_users_own_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.PYTHON_VARIABLE, sys.executable)
    found = environment.find()
    assert found is not None
    assert (found.lock, found.python, found.folder) == ("custom", Path(sys.executable), Path(sys.prefix))


def test_a_custom_interpreter_without_the_libraries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setenv(environment.PYTHON_VARIABLE, str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(EnvironmentMismatch, match="numpy"):
        prepare.__wrapped__()


@pytest.mark.parametrize("name", ["nowhere/python", "/bin/false"])
def test_what_is_no_interpreter_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.PYTHON_VARIABLE, name)
    with pytest.raises(EnvironmentMismatch, match="is not a Python interpreter"):
        environment.find()


def test_an_interpreter_of_a_version_is_found_and_an_unknown_version_is_not() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreters.search(version)
    assert found is not None
    said = subprocess.run([found, "-V"], capture_output=True, text=True).stdout
    assert said.startswith(f"Python {version}.")
    assert interpreters.search("3.99") is None


def test_pyenvs_inactive_versions_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = tmp_path / "versions" / f"{version}.99" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreters.search(version) == folder / "python"


def other_version() -> tuple[Path, str]:
    """An interpreter that the lock "current" is for."""
    for lock in locks.LOCKS:
        if lock.name == "current" and (found := interpreters.search(lock.python)):
            return found, lock.python
    pytest.skip("no Python 3.11 or 3.12 here")


def test_the_lock_follows_from_the_interpreter(small_lock: Path) -> None:
    python, version = other_version()
    built = environment.create(python=python)
    assert (built.lock, built.version) == ("current", version)
    assert environment.find() == built
    assert environment.find("official") is None
    assert verify.differences(built) == []


def test_a_variable_chooses_among_the_environments_that_were_built(
    small_lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_lock.write_text(SIX + "# another lock\n")
    official, current = environment.create("official"), environment.create("current")
    assert official.folder != current.folder
    assert environment.find() == official
    monkeypatch.setenv(environment.LOCK_VARIABLE, "current")
    assert environment.find() == current
    monkeypatch.setenv(environment.LOCK_VARIABLE, "old")
    with pytest.raises(OptionError, match=r"BIGCODEBENCH_LOCK=old.*official, current"):
        environment.find()


def test_an_interpreter_that_no_lock_is_for_is_refused(small_lock: Path) -> None:
    python, version = other_version()
    with pytest.raises(EnvironmentBuildFailed, match=rf"is Python {version}; .*Python 3.10 \(official\)"):
        environment.create("official", python)
    with pytest.raises(EnvironmentBuildFailed, match="no Python interpreter that runs"):
        environment.create(python=Path("/bin/false"))


def test_a_build_that_is_killed_leaves_nothing_that_looks_finished(small_lock: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from bigcodebench_tasks.environment import environment, locks\n"
        "locks.FOLDER = Path(sys.argv[1]); environment.create()"
    )
    command = [sys.executable, "-c", program, small_lock.parent]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "Building" in process.stderr.readline()
        process.stderr.readline()
        process.kill()
    assert environment.find() is None
    assert verify.differences(environment.create()) == []


def test_every_lock_pins_hashes_and_names_no_index() -> None:
    for lock in locks.LOCKS:
        text = lock.file.read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") >= len(lock.pins()) > 150
        assert {"numpy", "pandas", "nltk", "tensorflow-cpu"} <= set(lock.pins())


def test_pips_index_and_certificates_are_told_to_uv_unless_uv_has_its_own(tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = file:///an/index\ncert = /a/certificate.pem\n")
    variables = {"PIP_CONFIG_FILE": str(settings)}
    assert build.pip_settings(variables) == {
        "UV_DEFAULT_INDEX": "file:///an/index",
        "SSL_CERT_FILE": "/a/certificate.pem",
    }
    assert build.pip_settings({"UV_DEFAULT_INDEX": "file:///other", "SSL_CERT_FILE": "x", **variables}) == {}
    assert build.pip_settings({"PIP_INDEX_URL": "file:///first", **variables})["UV_DEFAULT_INDEX"] == "file:///first"
