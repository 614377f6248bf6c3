"""The one place that prints: results on standard output; messages and log records on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bigcodebench_tasks.errors import printable


def say(*lines: object) -> None:
    """Print lines on standard output, made printable (`errors.printable`)."""
    for line in lines:
        print(printable(str(line)))


def warn(*lines: object) -> None:
    """The same on standard error, without delay."""
    for line in lines:
        print(printable(str(line)), file=sys.stderr, flush=True)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())


@contextmanager
def logs_printed() -> Iterator[None]:
    """Print what the package logs, from INFO on: the rest of the package does not print."""
    log, handler = logging.getLogger("bigcodebench_tasks"), _Handler()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
