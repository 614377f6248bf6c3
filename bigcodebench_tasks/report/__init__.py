"""``bigcodebench-tasks report``: evaluations as one HTML page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.files import refuse_existing, write_text
from bigcodebench_tasks.results import evaluation as evaluations
from bigcodebench_tasks.results.evaluation import Evaluation


def report_command(given: argparse.Namespace) -> int:
    refuse_existing([given.dest], given.force)
    try:
        # Its pictures need a library that other commands do not: said before any work is done.
        from bigcodebench_tasks.report.page import render
    except ModuleNotFoundError as error:
        raise OptionError(f"report needs {error.name}: pip install 'bigcodebench-tasks[report]'") from error
    found = _in_order([one.with_tasks() for one in evaluations.read(given.sources)])
    write_text(given.dest, render(found))
    several = "evaluation" if len(found) == 1 else "evaluations"
    print(f"{given.dest}: {len(found)} {several}, {given.dest.stat().st_size / 1e6:.1f} MB")
    return 0


def _in_order(found: Sequence[Evaluation]) -> list[Evaluation]:
    """Models as they were given; of each, subset by subset, Complete before Instruct: a link means the first one."""
    models = [one.model for one in found]
    return sorted(found, key=lambda one: (models.index(one.model), one.subset, one.split))
