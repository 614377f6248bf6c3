"""``bigcodebench-tasks env``: build, check, locate and remove the execution environment."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bigcodebench_tasks.cli.arguments import Commands, add_dataset_version, add_ground_truth
from bigcodebench_tasks.cli.printing import say, warn
from bigcodebench_tasks.environment.locks import NAMES
from bigcodebench_tasks.options import CACHE, PYTHON

if TYPE_CHECKING:
    from bigcodebench_tasks.environment.environment import Environment
    from bigcodebench_tasks.execution.prepare import Prepared


def add_command(commands: Commands) -> None:
    env = commands.add_parser(
        "env",
        help="build, check, locate or remove the execution environment",
        description="The execution environment is a second Python with the pinned packages that BigCodeBench's tasks "
        "import. lm_eval builds it when a task first needs it; these commands build it beforehand. It is in the user's "
        f"cache folder, or in the folder that {CACHE.name} names. {PYTHON.name} replaces it with an interpreter that "
        "has the libraries.",
        epilog="example: bigcodebench-tasks env create && bigcodebench-tasks env check",
    )
    actions = env.add_subparsers(metavar="ACTION", required=True)

    create = actions.add_parser(
        "create",
        help="build it, unless it exists",
        description="Build the execution environment from its lock: one to two minutes, 2.2 GB of disk, no compiler.",
        epilog="example: bigcodebench-tasks env create --lock official --python /usr/bin/python3.10",
    )
    _add_lock(create, "official if a Python 3.10 is found or can be downloaded, else current")
    create.add_argument("--python", type=Path, metavar="PATH", help="interpreter to build it with (default: searched)")
    create.add_argument("--force", action="store_true", help="build it again, to repair it")
    create.set_defaults(run=_create)

    checks = actions.add_parser(
        "check",
        help="compare it with its lock, import every library, look for data and programs",
        description="Compare what is installed with the lock, import every library that tasks import, look for the "
        "data and the system's programs that tasks use, and try the sandbox. Exit status 0: no problem; 1: the ground "
        "truth of a task fails without a known reason; 2: the message names the problem and its repair.",
        epilog="example: bigcodebench-tasks env check --ground-truth --subset hard",
    )
    _add_lock(checks, "the one that runs would use")
    add_ground_truth(checks, "skip")
    checks.add_argument("--subset", choices=["hard", "full"], default="full", help="of it (default: %(default)s)")
    add_dataset_version(checks)
    checks.add_argument("--fresh", action="store_true", help="execute the ground truth that is known to pass too")
    checks.set_defaults(run=_check)

    path = actions.add_parser("path", help="print its location", epilog="example: bigcodebench-tasks env path")
    _add_lock(path, "the one that runs would use")
    path.set_defaults(run=_path)

    remove = actions.add_parser("remove", help="delete it", epilog="example: bigcodebench-tasks env remove")
    _add_lock(remove, "all of them")
    remove.set_defaults(run=_remove)


def _add_lock(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--lock", choices=NAMES, help=f"which lock (default: {default})")


def _create(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.environment import environment as environments

    say(environments.create(arguments.lock, arguments.python, force=arguments.force).folder)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.environment import environment as environments
    from bigcodebench_tasks.environment import nltk_data
    from bigcodebench_tasks.environment.verify import verify
    from bigcodebench_tasks.execution.prepare import prepare

    environment = environments.find(arguments.lock)
    if environment is None:
        warn("there is no execution environment yet. Build it: bigcodebench-tasks env create")
        return 2
    verify(environment)
    say(f"interpreter: {environment.python}")
    say(f"lock:        {environment.lock}, {environment.lock_sha256[:12]}, Python {environment.version}")
    complete = _check_libraries(environment)
    for data in nltk_data.missing(environment.folder):
        say(f"NLTK data:   {data.name} is missing: {nltk_data.cost(data.tasks)}")
    _check_programs(environment)
    prepared = prepare(environment=environment)
    say(f"sandbox:     {prepared.sandbox_line}")
    status = 0 if complete else 2
    if arguments.ground_truth == "skip":
        return status
    return _check_ground_truth(prepared, arguments) or status


def _check_libraries(environment: Environment) -> bool:
    from bigcodebench_tasks.benchmark.known_tasks import MODULES
    from bigcodebench_tasks.environment.verify import failed_imports, repair

    failed = failed_imports(environment)
    say(f"libraries:   {len(MODULES) - len(failed)} of {len(MODULES)} can be imported")
    say(*(f"  {name}: {error}" for name, error in failed.items()))
    if failed:
        say(f"  Repair it: {repair(environment)}")
    return not failed


def _check_programs(environment: Environment) -> None:
    from bigcodebench_tasks.benchmark.known_tasks import PROGRAMS
    from bigcodebench_tasks.environment.nltk_data import cost
    from bigcodebench_tasks.environment.verify import install_command, missing_programs

    missing = missing_programs(environment)
    say(f"programs:    {len(PROGRAMS) - len(missing)} of {len(PROGRAMS)} that tasks may call are installed")
    say(*(f"  {program.name} is missing: {cost(program.tasks)}" for program in missing))
    if missing:
        say(f"  Install them on Debian: {install_command(missing)}")


def _check_ground_truth(prepared: Prepared, arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.cli.arguments import load_rows
    from bigcodebench_tasks.scoring.evaluate import Evaluator
    from bigcodebench_tasks.scoring.ground_truth import reason

    truth = Evaluator(prepared).ground_truth(list(load_rows(arguments)), fresh=arguments.fresh)
    say(
        f"ground truth: {len(truth.verdicts) - len(truth.failed)} of {len(truth.verdicts)} pass "
        f"({truth.pass_rate:.4f}); {truth.executed} executed now, the others cached"
    )
    unexplained = 0
    for task_id in truth.failed:
        why = reason(task_id, prepared.environment)
        unexplained += not why
        verdict = truth.verdicts[task_id]
        error = verdict.headline()[:500]
        say(f"  {task_id}: {why or 'unexplained'} ({verdict.status} after {verdict.seconds:.1f} s: {error})")
    return 1 if unexplained else 0


def _path(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.environment import environment as environments

    environment = environments.find(arguments.lock)
    say(environment.folder if environment else environments.expected_folder(arguments.lock))
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.environment import environment as environments

    removed = environments.remove(arguments.lock)
    say(*[f"removed {folder}" for folder in removed] or ["there is none"])
    return 0
