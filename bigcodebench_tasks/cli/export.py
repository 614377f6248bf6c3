"""``bigcodebench-tasks export``: a run of lm_eval as the official evaluator's files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bigcodebench_tasks.cli.arguments import Commands, add_force
from bigcodebench_tasks.cli.printing import say, warn
from bigcodebench_tasks.files import below, refuse_existing, refuse_unwritable, write_jsonl

if TYPE_CHECKING:
    from bigcodebench_tasks.results.harness_output import TaskRun


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "export",
        help="write a run of lm_eval as the official evaluator's files",
        description="From what lm_eval wrote with --output_path and --log_samples, write for each BigCodeBench task "
        "the files of the official evaluator, under their official names: ..._sanitized_calibrated.jsonl, "
        "..._eval_results.json and ..._pass_at_k.json. The newest run of each model and task counts.",
        epilog="example: bigcodebench-tasks export out --dest bcb_results",
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="folder given to lm_eval as --output_path")
    parser.add_argument("--dest", type=Path, default=Path("bcb_results"), help="folder to write (default: %(default)s)")
    add_force(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.results import harness_output
    from bigcodebench_tasks.results.official_files import ResultFiles, write_results

    runs = harness_output.read(arguments.output)
    targets = [below(arguments.dest, f"{_stem(task_run)}.jsonl") for task_run in runs]
    written = [path for target in targets for path in (target, *ResultFiles.of(target).paths)]
    for path in written:
        below(arguments.dest, path.name)
    refuse_existing(written, arguments.force)
    refuse_unwritable(arguments.dest)
    for task_run, target in zip(runs, targets, strict=True):
        write_jsonl(target, _lines(task_run))
        say(target)
        if task_run.executed:
            write_results(target, task_run.samples, task_run.tasks, task_run.record, date=task_run.date)
            say(*ResultFiles.of(target).paths)
        else:
            warn(f"{task_run.name} was not executed: bigcodebench-tasks evaluate {target} ...")
    return 0


def _stem(task_run: TaskRun) -> str:
    from bigcodebench_tasks.results import official_files

    return official_files.stem(
        task_run.model,
        split=task_run.split,
        subset=task_run.subset,
        loader=task_run.loader,
        revision=task_run.revision,
        temperature=task_run.temperature,
        n_samples=task_run.record.options.n_samples,
        prefill=task_run.record.options.prefill,
    )


def _lines(task_run: TaskRun) -> Iterator[dict[str, str | None]]:
    for task_id, records in task_run.samples.items():
        for record in records:
            yield {"task_id": task_id, "solution": record.solution, "raw_solution": record.response}
