"""Progress: a bar on a terminal, a line now and then in a file. The one place that says which."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Any, Protocol

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 60.0
"""How often a file is told. Work that takes less has no line."""


class Progress(Protocol):
    """What there is to do with progress: a part of what `tqdm` can."""

    def update(self, n: int = 1) -> Any: ...

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> Any: ...

    def close(self) -> Any: ...

    def __enter__(self) -> Any: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any: ...


class Lines:
    """Progress in a file, as under Slurm: a line on stderr now and then, and one at the end if there was another."""

    def __init__(self, total: int | None, description: str, unit: str, every: float = SECONDS_BETWEEN_LINES) -> None:
        """
        Args:
            total, description, unit: see `progress`.
            every: seconds from line to line.
        """
        self._total, self._description, self._unit, self._every = total, description, unit, every
        self._done = 0
        self._words = ""
        self._said = 0
        self._began = self._last = time.monotonic()

    def update(self, n: int = 1) -> None:
        self._done += n
        if time.monotonic() - self._last >= self._every:
            self._say()

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        self._words = s

    def close(self) -> None:
        if self._said and self._done != self._said:
            self._say()

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self) -> None:
        self._last, self._said = time.monotonic(), self._done
        of = "" if self._total is None else f" of {self._total}"
        words = f", {self._words}" if self._words else ""
        minutes, seconds = divmod(round(self._last - self._began), 60)
        line = f"{self._description}: {self._done}{of} {self._unit}s{words} ({minutes}:{seconds:02d})"
        try:
            print(line, file=sys.stderr, flush=True)
        except (OSError, ValueError):  # it is closed, or gone
            self._every = float("inf")


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal; what a user put in place of one, or closed, need not say."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def progress(total: int | None, description: str, unit: str, **settings: Any) -> Progress:
    """A bar on stderr, or `Lines` where that is no terminal; silent where the harness is told to be quiet.

    Args:
        total: units of work, None if unknown; a bar for none is silent too.
        description, unit: what is done, to what.
        settings: passed on to `tqdm`.
    """
    # Below INFO there is no level set at all (0) outside the harness, and above it the user wants warnings only.
    quiet = logging.getLogger("lm_eval").level > logging.INFO
    hidden = quiet or total == 0 or sys.stderr is None
    if not hidden and not is_terminal(sys.stderr):
        return Lines(total, description, unit)
    bar: Progress = tqdm(total=total, desc=description, unit=unit, disable=hidden, **settings)
    return bar
