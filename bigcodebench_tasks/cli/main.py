"""The ``bigcodebench-tasks`` command: its parser and exit statuses.

Each command has a module: ``add_command`` adds its arguments, and ``run`` takes them and returns the exit status.
"""

# The modules of commands import at their top only what parsing needs. Libraries that take seconds to import (datasets,
# scipy, sklearn, rich) are imported in functions, so that --help and the other commands need not wait.

from __future__ import annotations

import argparse
import errno
import io
import os
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
    report,
    sanitize,
    syncheck,
)
from bigcodebench_tasks.cli.printing import logs_printed, warn
from bigcodebench_tasks.errors import BigCodeBenchError

# Errors of printing: the reader of a pipe has gone, or the disk is full.
_NOT_PRINTED = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        words: the command line without the program's name; ``sys.argv`` by default.

    Returns:
        Exit status: 0 success, 1 a finding that the command documents, 2 an error with a message, 130 an interrupt.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # its encoding may not be Unicode
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(words)
    with logs_printed():
        try:
            status: int = arguments.run(arguments)
            sys.stdout.flush()
            return status
        except BigCodeBenchError as error:
            warn(f"bigcodebench-tasks: {error}")
            return 2
        except OSError as error:
            if error.errno not in _NOT_PRINTED:
                raise
            if error.errno != errno.EPIPE:
                warn(f"bigcodebench-tasks: cannot write: {error}")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
            return 2
        except KeyboardInterrupt:
            warn("bigcodebench-tasks: interrupted")
            return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; the parsed arguments hold the command's function as ``run``."""
    parser = argparse.ArgumentParser(
        prog="bigcodebench-tasks",
        description="BigCodeBench as tasks of lm-evaluation-harness. lm_eval runs the tasks; this command manages the "
        "execution environment, scores samples and shows results.",
        epilog="example: bigcodebench-tasks env create && "
        "lm_eval run --model bigcodebench-ground-truth --tasks bigcodebench_mini --confirm_run_unsafe_code",
    )
    parser.add_argument("--version", action="version", version=f"bigcodebench-tasks {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    # In the order of --help: the environment, samples and files, results.
    for module in (
        env,
        export,
        evaluate,
        sanitize,
        syncheck,
        report,
        inspect,
        compare,
        leaderboard,
        hard_subset,
    ):
        module.add_command(commands)
    return parser
