"""What developers and CI run: ``nox -l`` lists the sessions, ``nox -s lint`` runs one.

`.ci/run` runs the whole default suite in the environment of the test command, with the newest release of lm-eval. The
sessions are the rest: lint, types and layers; the tests that the default leaves out; and parts of the suite on every
Python with every supported lm-eval. A session whose Python is missing on the machine is skipped, which nox reports.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
LM_EVALS = ["0.4.12", "0.4.13", "0.5.0.dev1"]

CI_PAIRS = [("3.10", "0.4.12"), ("3.12", "0.4.13"), ("3.13", "0.5.0.dev1")]
"""What CI runs of these: each Python and each lm-eval once, the oldest two and the newest two together. With the whole
suite on 3.11 and 0.4.13 that is every number once, in a third of the time of all twelve."""

USER = "bigcodebench-tests"
"""A user who is made for tests that root cannot run, and removed afterwards."""

CI_PARTS = ["tests/harness", "tests/test_autoload.py", "tests/test_exports.py", "tests/scoring", "tests/metrics"]
"""What CI runs of the suite there: what meets lm-eval, and what every run goes through."""

SLOW = "(torch or slow or fidelity) and not (slow and fidelity) and not ray"
"""What the default suite leaves out or skips for want of PyTorch. The long comparisons with the official package, which
are both slow and fidelity, run on request: ``pytest -m "slow and fidelity"``."""

# pyenv's shims answer only for the Pythons that `pyenv global` names; the others are found in their own folders.
_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, sorted(_PYENV.glob("versions/*/bin")))])

# uv leaves compiling to the first import. Where Python may not write what it compiled, every process of a test would
# compile lm-eval again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint"]


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Ruff, its format, mypy over package and tests, and the layers, with the tools of the running environment."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
@nox.parametrize("lm_eval", LM_EVALS)
def tests(session: nox.Session, lm_eval: str) -> None:
    """The default suite against the package as a wheel. Words after ``--`` go to pytest.

    Without the table of attacks, which depends on the kernel and on the execution environment's Python alone.
    """
    # With its extra, or pip takes the extra's own range, which admits no pre-release.
    session.install(".[test]", f"lm-eval[api]=={lm_eval}")
    session.run("pytest", "--ignore=tests/execution/test_attacks.py", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that take minutes, need PyTorch, or compare with the official package; words after ``--`` go to pytest.

    uv reads no settings of pip's: it looks for PyTorch's CPU build in the same folder.
    """
    session.install("-e", ".[test,torch]", env={"UV_FIND_LINKS": os.environ.get("PIP_FIND_LINKS", "")})
    session.run("pytest", "-m", SLOW, "--durations=20", *session.posargs)


@nox.session(python="3.11")
def ray(session: nox.Session) -> None:
    """The tests on a real Ray cluster, whose nodes are on this machine; they need two idle cores."""
    session.install(".[test,ray]")
    session.run("pytest", "-m", "ray", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, built in strict mode: a broken link is an error. Words after ``--`` go to mkdocs."""
    session.install("mkdocs-material>=9.6,<10")
    session.run("mkdocs", "build", "--strict", "--site-dir", "dist/site", *session.posargs)


@nox.session(python=False)
def ordinary_user(session: nox.Session) -> None:
    """The table of attacks as a user other than root, whom root makes and removes; words after ``--`` go to pytest.

    With the system's Python, because other users cannot read those in root's home, and on a copy of the working tree.
    """
    python = Path("/usr/bin/python3")
    if os.getuid() != 0 or not shutil.which("useradd") or not python.exists():
        session.skip("needs root, who can make a user, and /usr/bin/python3")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        files = subprocess.run(
            ["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        for file in filter(os.path.exists, files.split("\0")):
            copy = folder / "source" / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy, follow_symlinks=False)
        session.run("uv", "venv", "-q", f"--python={python}", f"{folder}/venv")
        session.run("uv", "pip", "install", "-q", f"--python={folder}/venv", f"{folder}/source[test]")
        session.run("useradd", f"--home-dir={folder}/home", "--create-home", USER, external=True)
        try:
            session.run("chown", "-R", USER, str(folder), external=True)
            session.chdir(folder / "source")
            session.run(
                *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"),
                *("env", "-i", f"HOME={folder}/home", f"PATH={folder}/venv/bin:/usr/bin:/bin", "LANG=C.UTF-8"),
                *("pytest", *(session.posargs or ["tests/execution/test_attacks.py"])),
                external=True,
            )
        finally:
            session.run("userdel", USER, external=True)


@nox.session(python=False)
def ci(session: nox.Session) -> None:
    """The pairs of Python and lm-eval that CI runs, on `CI_PARTS` of the suite."""
    for python, lm_eval in CI_PAIRS:
        session.notify(f"tests-{python}(lm_eval='{lm_eval}')", posargs=CI_PARTS)
