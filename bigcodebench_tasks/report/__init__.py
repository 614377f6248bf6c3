"""``bigcodebench-tasks report``: evaluations as one HTML page."""

from __future__ import annotations

import argparse

from bigcodebench_tasks import evaluations, official_files
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.report.page import render


def report_command(given: argparse.Namespace) -> int:
    official_files.refuse_existing([given.dest], given.force)
    try:
        import matplotlib  # noqa: F401 (the pictures need it; said before any work is done)
    except ImportError as error:
        raise OptionError("report needs matplotlib: pip install 'bigcodebench-tasks[report]'") from error
    found = [one.with_tasks() for one in evaluations.read(given.sources)]
    official_files.write_text(given.dest, render(found))
    print(f"{given.dest}: {len(found)} evaluations, {given.dest.stat().st_size / 1e6:.1f} MB")
    return 0
