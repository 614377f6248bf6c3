"""What the arguments of several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

from bigcodebench_tasks import DATASET_VERSION


def add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", default=DATASET_VERSION, help="dataset version (default: %(default)s)")


def run_later(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """A command of this package that is imported when it runs: it needs libraries that other commands do not.

    Args:
        module: of this package, without the package's name.
        function: takes the parsed arguments and returns the exit status.
    """

    def run(given: argparse.Namespace) -> int:
        status: int = getattr(import_module(f"bigcodebench_tasks.{module}"), function)(given)
        return status

    return run
