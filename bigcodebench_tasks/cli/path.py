"""``bigcodebench-tasks path``: where the task YAMLs are."""

from __future__ import annotations

import argparse

from bigcodebench_tasks import TASKS_PATH
from bigcodebench_tasks.cli.arguments import Commands
from bigcodebench_tasks.results.printing import say


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "path",
        help="print the folder of the task YAMLs",
        description="Print the folder of the task YAMLs, for lm_eval's --include_path. Only needed where "
        "BIGCODEBENCH_TASKS_AUTOLOAD=0 turns the automatic discovery off.",
        epilog='example: lm_eval ls tasks --include_path "$(bigcodebench-tasks path)"',
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    say(TASKS_PATH)
    return 0
