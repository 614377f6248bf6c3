"""Reading results that anyone may have made: content of the wrong shape or type is one clear error.

Types come from annotations: `convert` checks plain JSON types against a dataclass or a `msgspec.Struct`.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bigcodebench_tasks.benchmark.dataset import REQUIRED_COLUMNS
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.files import others_who_may_write

log = logging.getLogger("bigcodebench_tasks")

BROKEN = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading broken content can raise."""

T = TypeVar("T")


def read(file: Path, kind: type[T], what: str) -> T:
    """The content of a JSON file as a type. Raises OutputError, which names the file and `what` it should be."""
    try:
        return convert(loads(file.read_text(encoding="utf-8")), kind)
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as {what}: {error}") from error


def loads(text: str) -> Any:
    """JSON without the numbers that JSON does not have (infinity, NaN). Raises ValueError, RecursionError."""
    # The decoder of msgspec refuses lone surrogates, which tracebacks can hold.
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number


def convert(content: Any, kind: type[T]) -> T:
    """Plain JSON types as a dataclass, a struct or a container of them. Raises ValueError; the message has the path."""
    return msgspec.convert(content, kind)


def row_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the dataset that a log holds beside a response. Raises ValueError if a column is not text."""
    wrong = [name for name in REQUIRED_COLUMNS if not isinstance(content.get(name), str)]
    if wrong or not isinstance(content.get("libs", ""), str):
        raise ValueError(f"{', '.join(wrong) or 'libs'} of a task is no text")
    return content


def warn_if_others_may_write(path: Path) -> None:
    """Log a warning if other users may have changed these results."""
    if path.exists() and (why := others_who_may_write(path)):
        log.warning("other users may have changed these results: %s", why)
