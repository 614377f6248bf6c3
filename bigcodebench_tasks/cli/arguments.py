"""Arguments that several commands share, and what is read and written with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
from bigcodebench_tasks.cli.printing import warn
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import refuse_existing, write_text
from bigcodebench_tasks.leaderboard.published import STATES
from bigcodebench_tasks.options import CHOICES

if TYPE_CHECKING:
    from datasets import Dataset

    from bigcodebench_tasks.results.official_files import Samples
    from bigcodebench_tasks.results.tables import Sheet

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The type of ``add_subparsers``'s result, which has no public name."""

Tasks = dict[str, Mapping[str, str]]
"""task_id to row of the dataset."""

SOURCES = "output folder of lm_eval (--log_samples), an official ..._eval_results.json, or a folder of either"
"""Help of an argument from which `results.read` reads evaluations."""

STANDARD_OUTPUT = Path("-")


def add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def add_dataset_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset-version", default=DATASET_VERSION, metavar="V", help="(default: %(default)s)")


def add_ground_truth(parser: argparse.ArgumentParser, default: str) -> None:
    """The task option of the same name; without a value it is "check"."""
    parser.add_argument(
        "--ground-truth",
        nargs="?",
        choices=CHOICES["ground_truth"],
        const="check",
        default=default,
        help="check: execute the ground truth that is not known to pass (default: %(default)s)",
    )


# -- evaluate, sanitize, syncheck ------------------------------------------------------------------------


def add_samples(parser: argparse.ArgumentParser) -> None:
    """Samples, and the dataset that they belong to."""
    parser.add_argument(
        "samples", type=Path, metavar="SAMPLES", help="a .jsonl of task_id and solution or completion, or a folder"
    )
    parser.add_argument("--subset", choices=["full", "hard", "mini"], default="full", help="(default: %(default)s)")
    add_dataset_version(parser)


def load_rows(arguments: argparse.Namespace) -> Dataset:
    """The dataset of ``--subset`` and ``--dataset-version``."""
    from bigcodebench_tasks.benchmark import dataset

    return dataset.load_tasks(dataset.SUBSETS[arguments.subset], arguments.dataset_version)


def load_tasks(arguments: argparse.Namespace) -> Tasks:
    """The same by task_id."""
    return {task["task_id"]: task for task in load_rows(arguments)}


def read_samples(arguments: argparse.Namespace, tasks: Tasks) -> Samples:
    """The samples, at least one; every line that is no sample is reported on stderr."""
    from bigcodebench_tasks.results import official_files

    samples = official_files.read_samples(arguments.samples, tasks)
    warn(*(f"left out: {problem}" for problem in samples.problems))
    if not samples.samples:
        raise OutputError(f"{arguments.samples} holds no sample of this dataset (--subset {arguments.subset})")
    return samples


# -- report, compare, leaderboard ------------------------------------------------------------------------


def add_as_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", choices=STATES, help=f"state of the public leaderboard (default: the newest, {STATES[-1]})"
    )


def add_tables(parser: argparse.ArgumentParser) -> None:
    """The files of tables, and the seed of their intervals."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON; - is standard output")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the tables as CSV; - is standard output")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write an HTML page; - is standard output")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    add_force(parser)


def write_sheet(arguments: argparse.Namespace, sheet: Sheet) -> None:
    """Write a sheet to the files of `add_tables`, and to the terminal unless a file is standard output.

    Raises:
        OptionError: two files would go to standard output.
        OutputError: a file exists, or cannot be written.
    """
    from bigcodebench_tasks.cli.terminal import print_tables

    warn(*sheet.notes)
    formats = ((arguments.json, sheet.json), (arguments.csv, sheet.csv), (arguments.html, sheet.html))
    wanted = [(path, text) for path, text in formats if path is not None]
    printed = [text for path, text in wanted if path == STANDARD_OUTPUT]
    if len(printed) > 1:
        raise OptionError("only one of --json, --csv and --html can go to standard output (-)")
    refuse_existing([path for path, _ in wanted if path != STANDARD_OUTPUT], arguments.force)
    if printed:
        sys.stdout.write(printed[0]())
    else:
        print_tables(sheet.tables)
    for path, text in wanted:
        if path != STANDARD_OUTPUT:
            write_text(path, text())
            warn(path)
