"""``bigcodebench-tasks report``: evaluations as one HTML page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bigcodebench_tasks import evaluations, official_files
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.evaluations import Evaluation


def report_command(given: argparse.Namespace) -> int:
    official_files.refuse_existing([given.dest], given.force)
    try:
        # Its pictures need a library that other commands do not: said before any work is done.
        from bigcodebench_tasks.report.page import render
    except ModuleNotFoundError as error:
        raise OptionError(f"report needs {error.name}: pip install 'bigcodebench-tasks[report]'") from error
    found = _in_order([one.with_tasks() for one in evaluations.read(given.sources)])
    official_files.write_text(given.dest, render(found))
    several = "evaluation" if len(found) == 1 else "evaluations"
    print(f"{given.dest}: {len(found)} {several}, {given.dest.stat().st_size / 1e6:.1f} MB")
    return 0


def _in_order(found: Sequence[Evaluation]) -> list[Evaluation]:
    """Models as they were given; of each, subset by subset, Complete before Instruct: a link means the first one."""
    models = [one.model for one in found]
    return sorted(found, key=lambda one: (models.index(one.model), one.subset, one.split))
