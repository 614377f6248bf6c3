"""Progress: a bar on a terminal, or a line every minute in a file."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Any, Protocol

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 60.0
"""Work that takes less has no line."""


class Progress(Protocol):
    """A part of the interface of `tqdm`."""

    def update(self, n: int = 1) -> Any: ...

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> Any: ...

    def close(self) -> Any: ...

    def __enter__(self) -> Any: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any: ...


class Lines:
    """Progress in a file, as under Slurm: a line on stderr every minute, and one at the end if there was another."""

    def __init__(self, total: int | None, description: str, unit: str, every: float = SECONDS_BETWEEN_LINES) -> None:
        """
        Args:
            total, description, unit: see `progress`.
            every: seconds between lines.
        """
        self._total, self._description, self._unit, self._every = total, description, unit, every
        self._done = 0
        self._words = ""
        self._shown = 0
        self._began = self._last = time.monotonic()

    def update(self, n: int = 1) -> None:
        self._done += n
        if time.monotonic() - self._last >= self._every:
            self._print()

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        self._words = s

    def close(self) -> None:
        if self._shown and self._done != self._shown:
            self._print()

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _print(self) -> None:
        self._last, self._shown = time.monotonic(), self._done
        of = "" if self._total is None else f" of {self._total}"
        words = f", {self._words}" if self._words else ""
        minutes, seconds = divmod(round(self._last - self._began), 60)
        line = f"{self._description}: {self._done}{of} {self._unit}s{words} ({minutes}:{seconds:02d})"
        try:
            print(line, file=sys.stderr, flush=True)
        except (OSError, ValueError):  # it is closed
            self._every = float("inf")


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal. A user's replacement of one may have no `isatty`, and a closed one raises."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def progress(total: int | None, description: str, unit: str, **settings: Any) -> Progress:
    """A bar on stderr, or `Lines` if that is no terminal; nothing if the harness's log level is above INFO.

    Args:
        total: units of work, None if unknown; nothing is shown for 0.
        description, unit: what is done, and in which unit.
        settings: passed on to `tqdm`.
    """
    # Outside the harness the level is not set (0).
    quiet = logging.getLogger("lm_eval").level > logging.INFO
    hidden = quiet or total == 0 or sys.stderr is None
    if not hidden and not is_terminal(sys.stderr):
        return Lines(total, description, unit)
    bar: Progress = tqdm(total=total, desc=description, unit=unit, disable=hidden, **settings)
    return bar
