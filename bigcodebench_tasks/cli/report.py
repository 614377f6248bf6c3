"""``bigcodebench-tasks report``: evaluations as one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path

from bigcodebench_tasks.cli.arguments import SOURCES, Commands, add_force
from bigcodebench_tasks.cli.printing import say
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.files import refuse_existing, refuse_unwritable, write_text


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "report",
        help="write one HTML page with every task of a run",
        description="Write the results of a run as one HTML file that needs no network: scores, pass rates per domain "
        "and library, and per task the prompt, the response, the executed program, the tracebacks and the ground "
        "truth. With several models, a page for each is simpler to read: give one OUT at a time.",
        epilog="example: bigcodebench-tasks report out --dest report.html",
    )
    parser.add_argument("sources", type=Path, nargs="+", metavar="OUT", help=SOURCES)
    parser.add_argument("--dest", type=Path, default=Path("report.html"), help="(default: %(default)s)")
    add_force(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.report import in_order
    from bigcodebench_tasks.results.read import read_evaluations

    refuse_existing([arguments.dest], arguments.force)
    refuse_unwritable(arguments.dest.parent)
    try:  # before any work: only this command needs matplotlib
        from bigcodebench_tasks.report.page import render
    except ModuleNotFoundError as error:
        raise OptionError(f"report needs {error.name}: pip install 'bigcodebench-tasks[report]'") from error
    evaluations = in_order([evaluation.with_tasks() for evaluation in read_evaluations(arguments.sources)])
    write_text(arguments.dest, render(evaluations))
    noun = "evaluation" if len(evaluations) == 1 else "evaluations"
    say(f"{arguments.dest}: {len(evaluations)} {noun}, {arguments.dest.stat().st_size / 1e6:.1f} MB")
    return 0
