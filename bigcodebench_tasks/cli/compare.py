"""``bigcodebench-tasks compare``: models task by task, or beside published ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from bigcodebench_tasks.cli.arguments import SOURCES, Commands, add_as_of, add_tables, write_sheet


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare models task by task",
        description="Put models side by side: pass@1 of each, the difference of every pair with a paired bootstrap "
        "interval and McNemar's test, and the tasks that one solves and the other does not. Each split and subset "
        "that several models have is compared on the tasks that all of them have. Tasks whose verdict is known to be "
        "unstable are named, and several runs of one model have mean and spread. Of published models "
        "(published:NAME) only totals are known, so they are compared by these, without a paired test.",
        epilog="examples: bigcodebench-tasks compare out_a out_b --json -; bigcodebench-tasks compare out "
        "published:DeepSeek-V2-Chat",
    )
    parser.add_argument("sources", nargs="+", metavar="OUT", help=f"{SOURCES}; or published:NAME, a published model")
    add_as_of(parser)
    add_tables(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.leaderboard.comparison import compare_with_published
    from bigcodebench_tasks.leaderboard.published import NEWEST, PREFIX, find
    from bigcodebench_tasks.results.comparison import compare
    from bigcodebench_tasks.results.read import read_runs

    names = [source.removeprefix(PREFIX) for source in arguments.sources if source.startswith(PREFIX)]
    published = [find(name, arguments.as_of or NEWEST) for name in dict.fromkeys(names)]
    runs = read_runs(Path(source) for source in arguments.sources if not source.startswith(PREFIX))
    sheet = compare_with_published(published, runs, arguments.seed) if published else compare(runs, arguments.seed)
    write_sheet(arguments, sheet)
    return 0
