"""The ``bigcodebench-tasks`` command: its parser, and the exit status of what it runs.

Each command has a file of this folder, in which ``add_command`` adds its arguments and names the function that takes
them, parsed, and returns the exit status.
"""

# The files of this folder import at their top what parsing needs, and libraries inside the functions that use them:
# `datasets`, `scipy`, `sklearn` or `rich` take up to seconds, for which --help and the other commands need not wait.

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from bigcodebench_tasks import __version__
from bigcodebench_tasks.cli import (
    compare,
    env,
    evaluate,
    export,
    hard_subset,
    inspect,
    leaderboard,
    path,
    report,
    sanitize,
    syncheck,
)
from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.results.printing import warn


def main(words: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        words: the command line without the program's name; ``sys.argv`` by default.

    Returns:
        Exit status: 0 for success, 2 for an error that the message explains, 130 for an interrupt; 1 is said by the
        commands that know it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # one that knows less than Unicode is given codes
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(words)
    try:
        status: int = arguments.run(arguments)
        return status
    except BigCodeBenchError as error:
        warn(f"bigcodebench-tasks: {error}")
        return 2
    except KeyboardInterrupt:
        warn("bigcodebench-tasks: interrupted")
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; the parsed arguments hold the command's function as ``run``."""
    parser = argparse.ArgumentParser(
        prog="bigcodebench-tasks",
        description="BigCodeBench as tasks of lm-evaluation-harness. Tasks run with lm_eval; "
        "this command looks after what they need.",
        epilog="example: bigcodebench-tasks env create && "
        "lm_eval run --model bigcodebench-ground-truth --tasks bigcodebench_mini --confirm_run_unsafe_code",
    )
    parser.add_argument("--version", action="version", version=f"bigcodebench-tasks {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    # In the order of --help: what runs need, samples and files, then results.
    path.add_command(commands)
    env.add_command(commands)
    export.add_command(commands)
    evaluate.add_command(commands)
    sanitize.add_command(commands)
    syncheck.add_command(commands)
    report.add_command(commands)
    inspect.add_command(commands)
    compare.add_command(commands)
    leaderboard.add_command(commands)
    hard_subset.add_command(commands)
    return parser
