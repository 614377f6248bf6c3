"""``bigcodebench-tasks leaderboard``: rank models."""

from __future__ import annotations

import argparse

from bigcodebench_tasks.cli.arguments import Commands, add_sources, add_tables


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "leaderboard",
        help="rank models",
        description="Rank models by the mean of Complete and Instruct, as the leaderboard does, on Full and on Hard, "
        "with 95%% intervals, Elo ratings as in the official analysis, and the solve rate of each task.",
        epilog="example: bigcodebench-tasks leaderboard results --html leaderboard.html",
    )
    add_sources(parser)
    add_tables(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.results import tables
    from bigcodebench_tasks.results.leaderboard import leaderboard
    from bigcodebench_tasks.results.read import read_evaluations

    tables.write(
        leaderboard(read_evaluations(arguments.sources), arguments.seed),
        json_file=arguments.json,
        csv_file=arguments.csv,
        html_file=arguments.html,
        force=arguments.force,
    )
    return 0
