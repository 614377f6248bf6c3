"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.leaderboard.published import STATES
from bigcodebench_tasks.results.printing import warn

if TYPE_CHECKING:
    from datasets import Dataset

    from bigcodebench_tasks.results.official_files import Samples
    from bigcodebench_tasks.results.tables import Sheet

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What ``add_subparsers`` returns; argparse has no public name for it."""

Tasks = dict[str, Mapping[str, str]]
"""task_id to row of the dataset."""

SOURCES = "output folder of lm_eval (--log_samples), an official ..._eval_results.json, or a folder of either"
"""What is said of an argument from which `results.read` takes evaluations."""


def add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", default=DATASET_VERSION, help="dataset version (default: %(default)s)")


# -- evaluate, sanitize, syncheck ------------------------------------------------------------------------


def add_samples(parser: argparse.ArgumentParser) -> None:
    """Samples that were made elsewhere, and the dataset that they belong to."""
    parser.add_argument(
        "samples", type=Path, metavar="SAMPLES", help="a .jsonl of task_id and solution or completion, or a folder"
    )
    parser.add_argument("--subset", choices=["full", "hard", "mini"], default="full", help="(default: %(default)s)")
    add_version(parser)


def load_rows(arguments: argparse.Namespace) -> Dataset:
    """The dataset that ``--subset`` and ``--version`` mean."""
    from bigcodebench_tasks.benchmark import dataset

    return dataset.load_tasks(dataset.SUBSETS[arguments.subset], arguments.version)


def load_tasks(arguments: argparse.Namespace) -> Tasks:
    """The same by task_id."""
    return {task["task_id"]: task for task in load_rows(arguments)}


def read_samples(arguments: argparse.Namespace, tasks: Tasks) -> Samples:
    """The samples, at least one; every line that is none is named on stderr."""
    from bigcodebench_tasks.results import official_files

    samples = official_files.read_samples(arguments.samples, tasks)
    for problem in samples.problems:
        warn(f"left out: {problem}")
    if not samples.samples:
        raise OutputError(f"{arguments.samples} holds no sample of this dataset (--subset {arguments.subset})")
    return samples


# -- report, compare, leaderboard ------------------------------------------------------------------------


def add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", type=Path, nargs="+", metavar="OUT", help=SOURCES)


def add_as_of(parser: argparse.ArgumentParser) -> None:
    """Which state of the public leaderboard published models are taken from."""
    parser.add_argument(
        "--as-of", choices=STATES, help=f"state of the public leaderboard (default: the newest, {STATES[-1]})"
    )


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Where tables go, and the seed of their intervals."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON; - is standard output")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV; - is standard output")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    add_force(parser)


def write_sheet(arguments: argparse.Namespace, sheet: Sheet) -> None:
    """Show tables, or write them where the arguments of `add_tables` say.

    Raises:
        OptionError, OutputError: as `results.tables.write`.
    """
    from bigcodebench_tasks.results import tables

    tables.write(
        sheet,
        json_file=arguments.json,
        csv_file=arguments.csv,
        html_file=arguments.html,
        force=arguments.force,
    )
