"""The ``bigcodebench-tasks`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bigcodebench_tasks import TASKS_PATH, __version__
from bigcodebench_tasks.cli import env as environment_cli
from bigcodebench_tasks.cli import results_cli, samples_cli
from bigcodebench_tasks.errors import BigCodeBenchError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; ``sys.argv`` by default.

    Returns:
        Exit status: 0 for success, 2 for an error that the message explains.
    """
    given = _parser().parse_args(arguments)
    try:
        status: int = given.run(given)
        return status
    except BigCodeBenchError as error:
        print(f"bigcodebench-tasks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bigcodebench-tasks: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bigcodebench-tasks",
        description="BigCodeBench as tasks of lm-evaluation-harness. Tasks run with lm_eval; "
        "this command looks after what they need.",
        epilog="example: bigcodebench-tasks env create && "
        "lm_eval run --model bigcodebench-ground-truth --tasks bigcodebench_mini --confirm_run_unsafe_code",
    )
    parser.add_argument("--version", action="version", version=f"bigcodebench-tasks {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    path = commands.add_parser(
        "path",
        help="print the folder of the task YAMLs",
        description="Print the folder of the task YAMLs, for lm_eval's --include_path. Only needed where "
        "BIGCODEBENCH_TASKS_AUTOLOAD=0 turns the automatic discovery off.",
        epilog='example: lm_eval ls tasks --include_path "$(bigcodebench-tasks path)"',
    )
    path.set_defaults(run=_print_path)
    environment_cli.add_commands(commands)
    samples_cli.add_commands(commands)
    results_cli.add_commands(commands)
    return parser


def _print_path(_given: argparse.Namespace) -> int:
    print(TASKS_PATH)
    return 0
