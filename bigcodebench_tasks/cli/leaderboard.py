"""``bigcodebench-tasks leaderboard``: rank the user's models and the published ones."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from bigcodebench_tasks.cli.arguments import SOURCES, Commands, add_as_of, add_tables, write_sheet
from bigcodebench_tasks.errors import OptionError


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "leaderboard",
        help="rank models",
        description="Rank models by the mean of Complete and Instruct, as the leaderboard does, on Full and on Hard, "
        "with 95% intervals, Elo ratings as in the official analysis, and the solve rate of each task. With "
        "--published, rank the models of the public leaderboard, and those of OUT among them.",
        epilog="example: bigcodebench-tasks leaderboard --published results --html leaderboard.html",
    )
    parser.add_argument("sources", type=Path, nargs="*", metavar="OUT", help=f"{SOURCES}; optional with --published")
    parser.add_argument("--published", action="store_true", help="rank the models of the public leaderboard")
    add_as_of(parser)
    parser.add_argument("--subset", choices=["hard", "full"], help="whose mean ranks published models (default: hard)")
    parser.add_argument("--name", action="append", default=[], metavar="TEXT", help="show names that contain TEXT")
    parser.add_argument("--min-size", type=float, metavar="B", help="show models of at least B billion parameters")
    parser.add_argument("--max-size", type=float, metavar="B", help="show models of at most B billion parameters")
    parser.add_argument("--since", type=_date, metavar="DATE", help="show models of this date (2024-06-01) and later")
    parser.add_argument("--until", type=_date, metavar="DATE", help="show models of this date and earlier")
    parser.add_argument("--open-weights", action="store_true", help="show models with open weights")
    add_tables(parser)
    parser.set_defaults(run=run)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2024-06-01") from None


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.leaderboard.own_board import own_board
    from bigcodebench_tasks.leaderboard.public_board import public_board
    from bigcodebench_tasks.leaderboard.published import NEWEST
    from bigcodebench_tasks.leaderboard.ranking import Filter
    from bigcodebench_tasks.results.read import read_runs

    by = Filter(
        arguments.name,
        arguments.min_size,
        arguments.max_size,
        arguments.since,
        arguments.until,
        arguments.open_weights,
    )
    if not arguments.published:
        if not arguments.sources:
            raise OptionError("give the results of models (OUT), or --published for those of the public leaderboard")
        if arguments.as_of or arguments.subset or by != Filter([]):
            raise OptionError("--as-of, --subset and the filters are for published models: add --published")
    runs = read_runs(arguments.sources)
    if arguments.published:
        sheet = public_board(runs, as_of=arguments.as_of or NEWEST, subset=arguments.subset or "hard", by=by)
    else:
        sheet = own_board(runs, arguments.seed)
    write_sheet(arguments, sheet)
    return 0
