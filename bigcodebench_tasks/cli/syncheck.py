"""``bigcodebench-tasks syncheck``: which samples are missing, empty or no valid Python."""

from __future__ import annotations

import argparse

from bigcodebench_tasks.cli.arguments import Commands, add_samples, load_tasks, read_samples
from bigcodebench_tasks.cli.printing import say


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "syncheck",
        help="find samples that are missing, empty or no valid Python",
        description="Check that each task has samples and that each sample compiles, as the official "
        "bigcodebench.syncheck does. Exit status 1 if not.",
        epilog="example: bigcodebench-tasks syncheck samples.jsonl --subset hard",
    )
    add_samples(parser)
    parser.add_argument("--nsample-check", type=int, metavar="N", help="also check for N samples per task")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.benchmark.sanitize import is_valid_syntax

    tasks = load_tasks(arguments)
    samples = read_samples(arguments, tasks)
    counts = dict.fromkeys(tasks, 0)
    wrong = 0
    for sample in samples.samples:
        counts[sample.task_id] += 1
        code = sample.solution(tasks[sample.task_id])
        if not code.strip() or not is_valid_syntax(code):
            wrong += 1
            say(f"{sample.where} ({sample.task_id}) {'is empty' if not code.strip() else 'is no valid Python'}")
    expected = arguments.nsample_check or 1
    few = [task_id for task_id, count in counts.items() if count < expected]
    for task_id in few:
        say(f"{task_id} has {counts[task_id] or 'no'} samples" + (f", not {expected}" if expected > 1 else ""))
    say(f"{len(tasks) - len(few)} of {len(tasks)} tasks have enough samples")
    say(f"{len(samples.samples) - wrong} of {len(samples.samples)} samples are valid Python")
    return 1 if few or wrong or samples.problems else 0
