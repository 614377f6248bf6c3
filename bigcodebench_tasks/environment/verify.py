"""Whether an execution environment is what its lock says.

`verify` is fast enough to run before every evaluation; what follows `repair` is for ``bigcodebench-tasks env check``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from bigcodebench_tasks.benchmark.known_tasks import MODULES, PROGRAMS, SystemProgram
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.environment import nltk_data
from bigcodebench_tasks.environment.environment import Environment, variables
from bigcodebench_tasks.environment.locks import normalized
from bigcodebench_tasks.errors import EnvironmentMismatch

# How many differences an error names.
_NAMED = 5


def ensure() -> Environment:
    """The environment, built if it is missing, and verified.

    Raises:
        EnvironmentBuildFailed: it could not be built.
        EnvironmentMismatch: it is not what its lock says.
    """
    environment = environments.find() or environments.create()
    verify(environment)
    return environment


def verify(environment: Environment) -> None:
    """Compare the installed packages with the lock, from their metadata.

    Raises:
        EnvironmentMismatch: something is missing or changed; the message names it, and the repair.
    """
    wrong = differences(environment)
    if wrong:
        more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise EnvironmentMismatch(
            f"the execution environment {environment.folder} is not what its lock says: "
            f"{'; '.join(wrong[:_NAMED])}{more}. Repair it: {repair(environment)}"
        )


def differences(environment: Environment) -> list[str]:
    """How an environment differs from what was built: a phrase for each package or data set."""
    lock = environments.lock_of(environment)
    if lock is None:
        return []
    installed = {}
    for metadata in environment.site_packages.glob("*.dist-info"):
        name, _, version = metadata.name.removesuffix(".dist-info").partition("-")
        installed[normalized(name)] = (version, metadata)
    wrong = []
    for name, version in lock.pins().items():
        if name not in installed:
            wrong.append(f"{name} {version} is missing")
            continue
        present, metadata = installed[name]
        if present != version:
            wrong.append(f"{name} is {present} instead of {version}")
        elif gone := _deleted(metadata):
            wrong.append(f"{name} {version} is incomplete: {gone} is missing")
    absent = environments.absent_data(environment)
    wrong += [
        f"NLTK data {data.name} is missing" for data in nltk_data.missing(environment.folder) if data.name not in absent
    ]
    return wrong


def repair(environment: Environment) -> str:
    """The command that repairs an environment, or what to do with a custom one."""
    if environment.lock == "custom":
        variable = environments.PYTHON_VARIABLE
        return f"install the tasks' libraries into it, or unset {variable} to build an environment"
    return f"bigcodebench-tasks env create --force --lock {environment.lock}"


def _deleted(metadata: Path) -> str:
    """A folder or top-level module in a package's list of files that does not exist; "" for none."""
    try:
        lines = (metadata / "RECORD").read_text().splitlines()
    except OSError:
        return "its list of files"
    paths = [line.partition(",")[0] for line in lines if not line.startswith(("..", '"'))]
    # Folders, not files: they are ten times fewer, and this runs before every evaluation.
    expected = {path.rpartition("/")[0] or path for path in paths}
    site_packages = metadata.parent
    return next((path for path in sorted(expected) if path and not (site_packages / path).exists()), "")


_IMPORT_EACH = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
print("\\n" + json.dumps(failed))
"""


def failed_imports(environment: Environment) -> dict[str, str]:
    """The modules of `MODULES` that cannot be imported, each with its error. Takes ten seconds."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [environment.python, "-I", "-c", _IMPORT_EACH, json.dumps(MODULES)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=variables(environment, home),
        )
    try:
        present: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last_line = (done.stderr.strip().splitlines() or [""])[-1]
        return {"the interpreter": f"ended with status {done.returncode} while importing them: {last_line}"}
    return present


def missing_programs(environment: Environment) -> list[SystemProgram]:
    """The programs of `PROGRAMS` that are not on the PATH of tasks."""
    path = variables(environment, "/")["PATH"]
    return [program for program in PROGRAMS if not shutil.which(program.name, path=path)]


def install_command(programs: list[SystemProgram]) -> str:
    """The command that installs programs on Debian."""
    return "apt-get install " + " ".join(dict.fromkeys(program.package for program in programs))
