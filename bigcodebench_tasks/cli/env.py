"""``bigcodebench-tasks env``: build, check, locate and remove the execution environment."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import MODULES, PROGRAMS
from bigcodebench_tasks.cli.arguments import add_version
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.environment import nltk_data
from bigcodebench_tasks.environment import verify as check
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.locks import NAMES
from bigcodebench_tasks.environment.verify import repair, verify
from bigcodebench_tasks.execution.prepare import try_libraries
from bigcodebench_tasks.execution.sandbox import probe
from bigcodebench_tasks.files import CACHE_VARIABLE
from bigcodebench_tasks.scoring import ground_truth as groundtruth


def add_commands(commands: Any) -> None:
    """Add ``env`` and what follows it to the commands of the command line (argparse's subparsers)."""
    env = commands.add_parser(
        "env",
        help="build, check, locate or remove the execution environment",
        description="The execution environment is a second Python with the pinned packages that "
        "BigCodeBench's tasks import. lm_eval builds it by itself when a task first needs it; with these commands "
        "you do it beforehand. It lies in the user's cache folder, or in the folder that "
        f"{CACHE_VARIABLE} names. {environments.PYTHON_VARIABLE} replaces it with an interpreter that "
        "has the libraries already.",
        epilog="example: bigcodebench-tasks env create && bigcodebench-tasks env check",
    )
    actions = env.add_subparsers(metavar="ACTION", required=True)

    create = actions.add_parser(
        "create",
        help="build it, unless it is there",
        description="Build the execution environment from its lock: one to two minutes, 3 GB of disk, no compiler.",
        epilog="example: bigcodebench-tasks env create --lock official --python /usr/bin/python3.10",
    )
    _add_lock(create, "official where a Python 3.10 is found or can be downloaded, else current")
    create.add_argument("--python", type=Path, metavar="PATH", help="interpreter to build it with (default: searched)")
    create.add_argument("--force", action="store_true", help="build anew even if it is there: repairs it")
    create.set_defaults(run=_create)

    checks = actions.add_parser(
        "check",
        help="compare it with its lock, import every library, look for data and programs",
        description="Compare what is installed with the lock, import every library that tasks import, look for the "
        "data and the system's programs that tasks use, and try what isolates programs on this machine. Exit status "
        "0: all that is in our hands is well; 1: a ground truth fails and nothing explains it; 2: the message says "
        "what is wrong and how to repair it.",
        epilog="example: bigcodebench-tasks env check --ground-truth --subset hard",
    )
    _add_lock(checks, "the one that runs would use")
    checks.add_argument("--ground-truth", action="store_true", help="execute the canonical solutions too")
    checks.add_argument("--subset", choices=["hard", "full"], default="full", help="whose (default: %(default)s)")
    add_version(checks)
    checks.add_argument("--fresh", action="store_true", help="execute also those that passed before")
    checks.set_defaults(run=_check)

    path = actions.add_parser(
        "path", help="print where it is, or would be", epilog="example: bigcodebench-tasks env path"
    )
    _add_lock(path, "the one that runs would use")
    path.set_defaults(run=_path)

    remove = actions.add_parser("remove", help="delete it", epilog="example: bigcodebench-tasks env remove")
    _add_lock(remove, "all of them")
    remove.set_defaults(run=_remove)


def _add_lock(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--lock", choices=NAMES, help=f"which lock (default: {default})")


def _create(given: argparse.Namespace) -> int:
    print(environments.create(given.lock, given.python, force=given.force).folder)
    return 0


def _check(given: argparse.Namespace) -> int:
    environment = environments.find(given.lock)
    if environment is None:
        print("there is no execution environment yet. Build it: bigcodebench-tasks env create", file=sys.stderr)
        return 2
    verify(environment)
    print(f"interpreter: {environment.python}")
    print(f"lock:        {environment.lock}, {environment.lock_sha256[:12]}, Python {environment.version}")
    complete = _check_libraries(environment)
    for data in nltk_data.missing(environment.folder):
        print(f"NLTK data:   {data.name} is missing: {nltk_data.cost(data.tasks)}")
    _check_programs(environment)
    isolation = probe(environment)
    print(f"isolation:   {isolation.description}")
    try_libraries(environment, isolation)
    status = 0 if complete else 2
    return _check_ground_truth(environment, given) or status if given.ground_truth else status


def _check_libraries(environment: Environment) -> bool:
    failed = check.failed_imports(environment)
    print(f"libraries:   {len(MODULES) - len(failed)} of {len(MODULES)} can be imported")
    for name, error in failed.items():
        print(f"  {name}: {error}")
    if failed:
        print(f"  Repair it: {repair(environment)}")
    return not failed


def _check_programs(environment: Environment) -> None:
    missing = check.missing_programs(environment)
    print(f"programs:    {len(PROGRAMS) - len(missing)} of {len(PROGRAMS)} that tasks may call are there")
    for program in missing:
        print(f"  {program.name} is missing: {nltk_data.cost(program.tasks)}")
    if missing:
        print(f"  Install them on Debian: {check.install_command(missing)}")


def _check_ground_truth(environment: Environment, given: argparse.Namespace) -> int:
    from bigcodebench_tasks.benchmark import dataset  # imports `datasets`, which takes seconds

    tasks = dataset.load_tasks(dataset.SUBSETS[given.subset], given.version)
    found = groundtruth.ground_truth(list(tasks), environment, fresh=given.fresh)
    passed = len(found.records) - len(found.failed)
    print(
        f"ground truth: {passed} of {len(found.records)} pass ({found.pass_rate:.4f}); "
        f"{found.executed} executed now, the others on record"
    )
    unexplained = 0
    for task_id in found.failed:
        why = groundtruth.reason(task_id, environment)
        unexplained += not why
        record = found.records[task_id]
        print(f"  {task_id}: {why or 'unexplained'} ({record.status} after {record.seconds:.1f} s: {record.message})")
    return 1 if unexplained else 0


def _path(given: argparse.Namespace) -> int:
    environment = environments.find(given.lock)
    print(environment.folder if environment else environments.expected_folder(given.lock))
    return 0


def _remove(given: argparse.Namespace) -> int:
    removed = environments.remove(given.lock)
    print("\n".join(f"removed {folder}" for folder in removed) or "there is none")
    return 0
