"""What an installation puts where: a wheel, an sdist and an editable install all let lm-eval find the tasks."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from bigcodebench_tasks import __version__
from tests.helpers.project import ROOT, starts_processes

pytestmark = starts_processes

FOUND = (
    "import sys; assert any(type(f).__module__ == 'bigcodebench_tasks.autoload' for f in sys.meta_path)\n"
    "import os, bigcodebench_tasks; print(*sorted(os.listdir(bigcodebench_tasks.TASKS_PATH)))"
)
GONE = "import sys; print(any(type(f).__module__.startswith('bigcodebench') for f in sys.meta_path))"
YAMLS = sorted(path.name for path in (ROOT / "yaml").iterdir())
LOCKS = sorted(path.name for path in (ROOT / "bigcodebench_tasks" / "locks").glob("*.txt"))


PTH = f"bigcodebench_tasks-{__version__}.data/purelib/bigcodebench_tasks.pth"
"""Place of the line for Python in a wheel; installers put the folder ``purelib`` into site-packages."""


def run(*words: str | Path) -> str:
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist, built from a clean copy of what git tracks."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    run("git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "checkout-index", "--all", f"--prefix={source}/")
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", out, source)
    return out


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with no more than what our command imports: lm-eval would take minutes to install."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "filelock", "platformdirs", "tqdm", "uv")
    return folder


def test_the_wheel_holds_the_yamls_the_mini_set_the_locks_and_the_line_for_python(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"bigcodebench_tasks/yaml/{name}" for name in YAMLS} <= names
    assert "bigcodebench_tasks/data/mini.jsonl" in names
    assert [name for name in names if name.endswith(".pth")] == [PTH]
    assert {f"bigcodebench_tasks/locks/{name}" for name in LOCKS} <= names
    assert "bigcodebench_tasks/metrics/pass_at_k/pass_at_k.py" in names
    assert not any(name.startswith("tests") for name in names)


def test_the_wheel_holds_every_file_of_the_package_that_git_tracks(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "bigcodebench_tasks").split()
    assert set(tracked) - names == set()


def test_the_sdist_holds_what_a_build_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"setup.py", "setup.cfg", "bigcodebench_tasks.pth", "LICENSE"} <= names
    assert {"yaml/_base.yaml", "bigcodebench_tasks/data/mini.jsonl"} <= names


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_every_kind_of_install_is_found_and_uninstall_removes_every_trace(
    kind: str, built: Path, environment: Path, tmp_path: Path
) -> None:
    python = environment / "bin" / "python"
    before = {path for path in environment.rglob("*") if "__pycache__" not in path.parts}
    if kind == "editable":
        source = tmp_path / "source"
        run("git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "checkout-index", "--all", f"--prefix={source}/")
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", source)
    else:
        (path,) = built.glob("*.whl" if kind == "wheel" else "*.tar.gz")
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", path)
    assert run(python, "-c", FOUND).split() == YAMLS
    assert run(environment / "bin" / "bigcodebench-tasks", "--version").split()[-1] == __version__

    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "bigcodebench-tasks")
    after = {path for path in environment.rglob("*") if "__pycache__" not in path.parts}
    assert after == before
    assert run(python, "-c", GONE).strip() == "False"
