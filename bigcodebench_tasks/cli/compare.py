"""``bigcodebench-tasks compare``: models task by task."""

from __future__ import annotations

import argparse

from bigcodebench_tasks.cli.arguments import Commands, add_sources, add_tables


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare models task by task",
        description="Put models side by side: pass@1 of each, the difference of every pair with a paired bootstrap "
        "interval and McNemar's test, and the tasks that one solves and the other does not. Each split and subset "
        "that several models have is compared on the tasks that all of them have.",
        epilog="example: bigcodebench-tasks compare out_a out_b --json -",
    )
    add_sources(parser)
    add_tables(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.results import tables
    from bigcodebench_tasks.results.comparison import compare
    from bigcodebench_tasks.results.read import read_evaluations

    tables.write(
        compare(read_evaluations(arguments.sources), arguments.seed),
        json_file=arguments.json,
        csv_file=arguments.csv,
        html_file=arguments.html,
        force=arguments.force,
    )
    return 0
