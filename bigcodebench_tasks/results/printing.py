"""Lines for people, on standard output and standard error: whatever they hold, a terminal can show them."""

from __future__ import annotations

import sys

from bigcodebench_tasks.errors import printable


def say(*lines: object) -> None:
    """Print lines, each made printable (`errors.printable`); nothing for none."""
    for line in lines:
        print(printable(str(line)))


def warn(*lines: object) -> None:
    """The same on standard error, at once."""
    for line in lines:
        print(printable(str(line)), file=sys.stderr, flush=True)
