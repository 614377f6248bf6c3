"""``bigcodebench-tasks compare``: models task by task, or beside published ones."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bigcodebench_tasks.cli.arguments import SOURCES, Commands, add_as_of, add_tables, write_sheet
from bigcodebench_tasks.errors import OptionError

if TYPE_CHECKING:
    from bigcodebench_tasks.results.evaluation import Evaluation


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare models task by task",
        description="Compare models on the tasks that all of them have: pass@1 of each, the difference of every pair "
        "with a paired bootstrap interval and McNemar's test, and the tasks that only one of a pair solves. Unstable "
        "tasks are named, and several runs of one model get mean and spread. Of published models (published:NAME) "
        "only totals are known, so there is no paired test.",
        epilog="examples: bigcodebench-tasks compare out_a out_b --json -; bigcodebench-tasks compare before=out_a "
        "after=out_b; bigcodebench-tasks compare out published:DeepSeek-V2-Chat",
    )
    parser.add_argument(
        "sources", nargs="+", metavar="OUT", help=f"{SOURCES}; NAME=OUT renames its model; published:NAME is a model"
    )
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
    sources = [_named(source) for source in arguments.sources if not source.startswith(PREFIX)]
    runs = read_runs([path for name, path in sources if not name])
    runs += [run for name, path in sources if name for run in _renamed(name, read_runs([path]))]
    sheet = compare_with_published(published, runs, arguments.seed) if published else compare(runs, arguments.seed)
    write_sheet(arguments, sheet)
    return 0


def _renamed(name: str, runs: Sequence[Evaluation]) -> list[Evaluation]:
    """Runs of one model under another name. Raises OptionError if they are of several models."""
    models = dict.fromkeys(run.model for run in runs)
    if len(models) > 1:
        raise OptionError(f"{name}=...: the results have several models: {', '.join(models)}")
    return [replace(run, model=name) for run in runs]


def _named(source: str) -> tuple[str, Path]:
    """NAME=OUT as name and path; a path that exists has no name ("")."""
    name, equals, path = source.partition("=")
    return (name, Path(path)) if equals and not Path(source).exists() else ("", Path(source))
