"""``bigcodebench-tasks sanitize``: extract the code from responses."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bigcodebench_tasks.cli.arguments import Commands, add_force, add_samples, load_tasks, read_samples
from bigcodebench_tasks.cli.printing import say
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.files import refuse_existing, refuse_unwritable

if TYPE_CHECKING:
    from bigcodebench_tasks.results.official_files import SampleLine


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "sanitize",
        help="extract the code from responses",
        description="Write the samples with sanitized solutions, into ...-sanitized.jsonl beside them (a folder: "
        "...-sanitized), as the official bigcodebench.sanitize does. Other fields of the samples are kept.",
        epilog="example: bigcodebench-tasks sanitize samples.jsonl --calibrate",
    )
    add_samples(parser)
    parser.add_argument("--inplace", action="store_true", help="replace the samples themselves")
    parser.add_argument("--calibrate", action="store_true", help="put the prompt before indented code in a fence")
    add_force(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.benchmark.sanitize import sanitize
    from bigcodebench_tasks.progress import progress
    from bigcodebench_tasks.results.official_files import write_samples

    tasks = load_tasks(arguments)
    target: Path = arguments.samples
    if not arguments.inplace:
        target = _beside(arguments.samples, arguments.calibrate)
        refuse_existing([target], arguments.force)
    refuse_unwritable(target.parent)
    samples = read_samples(arguments, tasks)
    if arguments.inplace and samples.problems:
        raise OutputError("--inplace would drop the lines named above. Fix them, or leave --inplace out")
    solutions = []
    changed = 0
    with progress(len(samples.samples), "Sanitizing", "sample") as bar:
        for sample in samples.samples:
            task = tasks[sample.task_id]
            before = _before_sanitizing(sample, task, arguments.calibrate)
            solution = sanitize(before, task["entry_point"])
            solutions.append(solution)
            changed += solution != before
            bar.update()
    write_samples(target, samples.samples, solutions, arguments.samples)
    say(f"{len(solutions)} samples sanitized, {changed} of them changed: {target}")
    return 1 if samples.problems else 0


def _beside(samples: Path, calibrate: bool) -> Path:
    """The target, with the official tool's name."""
    from bigcodebench_tasks.results.official_files import without_ending

    suffix = "-sanitized-calibrated" if calibrate else "-sanitized"
    return samples.with_name(without_ending(samples) + suffix + ("" if samples.is_dir() else ".jsonl"))


def _before_sanitizing(sample: SampleLine, task: Mapping[str, str], calibrate: bool) -> str:
    text = sample.solution(task, joint="\n")
    if calibrate and sample.is_solution:
        text = text.replace("```python\n    ", "```python\n" + task["complete_prompt"] + "    ")
    return text
