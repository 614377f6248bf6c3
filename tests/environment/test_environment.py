"""Building, finding and removing an environment, with the real uv and locks of one small package."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks import files
from bigcodebench_tasks.environment import environment, interpreters, locks, nltk_data, verify
from bigcodebench_tasks.errors import EnvironmentBuildFailed, EnvironmentMismatch, OptionError
from bigcodebench_tasks.scoring.evaluate import Evaluator
from tests.helpers.project import starts_processes


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


def test_libraries_are_files_of_the_environment_whatever_uv_is_told(
    small_lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv.toml").write_text('link-mode = "symlink"\n')
    monkeypatch.setenv("UV_LINK_MODE", "symlink")
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    built = environment.create()
    (six,) = built.site_packages.glob("six.py")
    assert not six.is_symlink()
    assert verify.differences(built) == []


def test_what_is_there_is_not_built_again_unless_forced(small_lock: Path) -> None:
    witness = environment.create().folder / "witness"
    witness.touch()
    environment.create()
    assert witness.exists()
    environment.create(force=True)
    assert not witness.exists()


def test_a_failed_build_says_what_to_do_and_leaves_nothing(small_lock: Path, tmp_path: Path) -> None:
    small_lock.write_text(small_lock.read_text().replace("8abb", "0000").replace("1e61", "0000"))
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
        "import logging, sys; from pathlib import Path; from bigcodebench_tasks.environment import environment, locks\n"
        "logging.basicConfig(level=logging.INFO); locks.FOLDER = Path(sys.argv[1]); print(environment.create().folder)"
    )
    command: list[str | Path] = [sys.executable, "-c", program, small_lock.parent]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sum("Building" in stderr for _, stderr in said) == 1


@starts_processes
def test_an_interpreter_of_the_users_own_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.PYTHON_VARIABLE, sys.executable)
    found = environment.find()
    assert found is not None
    assert (found.lock, found.python, found.folder) == ("custom", Path(sys.executable), Path(sys.prefix))


@starts_processes
@pytest.mark.parametrize("name", ["nowhere/python", "/bin/false"])
def test_what_is_no_interpreter_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.PYTHON_VARIABLE, name)
    with pytest.raises(EnvironmentMismatch, match="is not a Python interpreter"):
        environment.find()


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
    small_lock.write_text(small_lock.read_text() + "# another lock\n")
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
        "import logging, sys; from pathlib import Path; from bigcodebench_tasks.environment import environment, locks\n"
        "logging.basicConfig(level=logging.INFO); locks.FOLDER = Path(sys.argv[1]); environment.create()"
    )
    command: list[str | Path] = [sys.executable, "-c", program, small_lock.parent]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert "Building" in process.stderr.readline()
        process.stderr.readline()
        os.killpg(process.pid, signal.SIGKILL)  # uv too, which would go on for a while
    assert environment.find() is None
    assert verify.differences(environment.create()) == []


@pytest.mark.parametrize("umask", [0o027, 0o077])
def test_it_can_be_read_by_the_users_that_programs_are_whatever_the_umask(small_lock: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        built = environment.create()
    finally:
        assert os.umask(before) == umask
    for path in [built.folder, *built.folder.rglob("*")]:
        if not path.is_symlink():
            wanted = 0o555 if path.is_dir() else 0o444
            assert path.stat().st_mode & wanted == wanted, path


@pytest.mark.parametrize("what", ["the folder", "a folder above", "another user's"])
def test_one_that_another_user_may_have_changed_is_refused_with_the_reason(
    what: str, small_lock: Path, tmp_path: Path
) -> None:
    built = environment.create()
    above = built.folder.parent
    if what == "another user's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(built.folder, 12345, 12345)
    else:
        (above if what == "a folder above" else built.folder).chmod(0o777)
    with pytest.raises(EnvironmentMismatch) as caught:
        environment.find()
    assert ("belongs to another user" if "another" in what else "other users may write to") in str(caught.value)
    above.chmod(0o1777)  # as /tmp: entries of others are safe there
    built.folder.chmod(0o755)
    os.chown(built.folder, os.geteuid(), -1)
    assert environment.find() == built


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(files.CACHE_VARIABLE, "~nobodyofthisname/cache")
    with pytest.raises(OptionError, match="Name a folder with BIGCODEBENCH_CACHE"):
        environment.find()
    with pytest.raises(OptionError, match="Name a folder with BIGCODEBENCH_CACHE"):
        Evaluator.prepare()
    monkeypatch.setenv(files.CACHE_VARIABLE, "~/cache")
    monkeypatch.setenv("HOME", "/a/home")
    assert files.cache_folder() == Path("/a/home/cache")


@starts_processes
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_an_account_without_an_entry_and_without_a_home_is_told_what_to_set() -> None:
    program = "import os; os.setuid(54321); from bigcodebench_tasks.files import cache_folder; cache_folder()"
    bare = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", f"import platformdirs, bigcodebench_tasks.files; {program}"],
        env=bare,
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert "OptionError: this user has no home folder" in done.stderr
    assert "BIGCODEBENCH_CACHE" in done.stderr
