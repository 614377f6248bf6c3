"""``bigcodebench-tasks env``: build, check, locate and remove the execution environment."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bigcodebench_tasks.execution import environment as environments
from bigcodebench_tasks.execution import nltk_data
from bigcodebench_tasks.execution.sandbox import probe


def add_commands(commands: Any) -> None:
    """Add ``env`` and what follows it to the commands of the command line (argparse's subparsers)."""
    env = commands.add_parser(
        "env",
        help="build, check, locate or remove the execution environment",
        description="The execution environment is a second Python with the 167 pinned packages that "
        "BigCodeBench's tasks import. lm_eval builds it by itself when a task first needs it; with these commands "
        "you do it beforehand. It lies in the user's cache folder, or in the folder that "
        f"{environments.CACHE_VARIABLE} names. {environments.PYTHON_VARIABLE} replaces it with an interpreter that "
        "has the libraries already.",
        epilog="example: bigcodebench-tasks env create && bigcodebench-tasks env check",
    )
    actions = env.add_subparsers(metavar="ACTION", required=True)

    create = actions.add_parser(
        "create",
        help="build it, unless it is there",
        description="Build the execution environment from its lock: one to two minutes, 3 GB of disk, no compiler.",
        epilog="example: bigcodebench-tasks env create --python /usr/bin/python3.10",
    )
    create.add_argument("--python", type=Path, help="Python 3.10 to build it with (default: searched, or downloaded)")
    create.add_argument("--force", action="store_true", help="build anew even if it is there: repairs it")
    create.set_defaults(run=_create)

    check = actions.add_parser(
        "check",
        help="compare it with its lock, and try the isolation",
        description="Compare what is installed with the lock, import a few libraries, and try what isolates programs "
        "on this machine. Exit status 0: all is well; 2: the message says what is wrong and how to repair it.",
        epilog="example: bigcodebench-tasks env check",
    )
    check.set_defaults(run=_check)

    path = actions.add_parser(
        "path", help="print where it is, or would be", epilog="example: bigcodebench-tasks env path"
    )
    path.set_defaults(run=_path)

    remove = actions.add_parser("remove", help="delete it", epilog="example: bigcodebench-tasks env remove")
    remove.set_defaults(run=_remove)


def _create(given: argparse.Namespace) -> int:
    print(environments.create(given.python, force=given.force).folder)
    return 0


def _check(_given: argparse.Namespace) -> int:
    environment = environments.find()
    if environment is None:
        print("there is no execution environment yet. Build it: bigcodebench-tasks env create", file=sys.stderr)
        return 2
    environments.verify(environment)
    print(f"interpreter: {environment.python}")
    print(f"lock:        {environment.lock}, {environment.lock_sha256[:12]}, as promised")
    for data in nltk_data.missing(environment.folder):
        tasks = ", ".join(map(str, data.tasks))
        print(f"NLTK data:   {data.name} could not be had; tasks that need it fail: {tasks}")
    print(f"isolation:   {probe(environment).description}")
    return 0


def _path(_given: argparse.Namespace) -> int:
    environment = environments.find()
    print(environment.folder if environment else environments.folder())
    return 0


def _remove(_given: argparse.Namespace) -> int:
    removed = environments.remove()
    print("removed" if removed else "there is none")
    return 0
