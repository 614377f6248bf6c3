"""``bigcodebench-tasks inspect``: tasks of a run in the terminal, or as files."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.cli.arguments import SOURCES, Commands, add_force
from bigcodebench_tasks.errors import OptionError

if TYPE_CHECKING:
    from bigcodebench_tasks.results.evaluation import Evaluation


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "inspect",
        help="show tasks of a run in the terminal, or write them as files",
        description="Without TASK, list the tasks that were not solved, with the reason of each. With tasks "
        "(BigCodeBench/17, or 17), show for each the prompt, the executed program, the tracebacks and the ground "
        "truth. With --write, write a folder per task as the official bigcodebench.inspect does: ground_truth.py, "
        "test_case.py, and for each sample completion_<n>.py and complete_<n>_execution_trace.txt.",
        epilog="example: bigcodebench-tasks inspect out 17 --split complete",
    )
    parser.add_argument("source", type=Path, metavar="OUT", help=SOURCES)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="task_id, or its number")
    parser.add_argument("--split", choices=SPLITS, help="if OUT holds both (default: both)")
    parser.add_argument("--model", help="if OUT holds several (default: all)")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write files to this folder, print nothing")
    add_force(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.cli.inspection import list_unsolved, show, write_folder
    from bigcodebench_tasks.cli.terminal import console
    from bigcodebench_tasks.results.read import read_evaluations

    evaluations = _chosen(read_evaluations([arguments.source]), arguments.split, arguments.model)
    wanted = [_task_id(word, evaluations) for word in arguments.tasks]
    output = console()
    for evaluation in evaluations:
        if arguments.write:
            write_folder(evaluation.with_tasks(), wanted, arguments.write, arguments.force)
        elif not wanted:
            list_unsolved(evaluation, output)
        elif here := [task_id for task_id in wanted if task_id in evaluation.samples]:
            complete = evaluation.with_tasks()
            for task_id in here:
                show(complete, task_id, output)
    return 0


def _chosen(evaluations: Sequence[Evaluation], split: str | None, model: str | None) -> list[Evaluation]:
    chosen = [each for each in evaluations if split in (None, each.split) and model in (None, each.model)]
    if not chosen:
        there = "; ".join(sorted(f"{each.model}: {each.split}" for each in evaluations))
        raise OptionError(f"nothing matches --split and --model. There is {there}")
    return chosen


def _task_id(word: str, evaluations: Sequence[Evaluation]) -> str:
    """The task that a word means: its id, or the number at its end."""
    known = dict.fromkeys(task_id for evaluation in evaluations for task_id in evaluation.samples)
    matches = [task_id for task_id in known if word in (task_id, task_id.rpartition("/")[2])]
    if not matches:
        close = difflib.get_close_matches(word, known, n=3) or list(known)[:3]
        raise OptionError(f"there is no sample of a task {word!r}. There are {len(known)}, such as {', '.join(close)}")
    return matches[0]
