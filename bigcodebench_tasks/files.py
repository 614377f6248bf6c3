"""Files of ours: the cache folder, and writing all or nothing, never over what exists unless it was asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from bigcodebench_tasks import options
from bigcodebench_tasks.errors import OutputError

CACHE_VARIABLE = options.CACHE.name


def cache_folder() -> Path:
    """Where environments and verdicts are kept: ``BIGCODEBENCH_CACHE``, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).absolute() if chosen else platformdirs.user_cache_path("bigcodebench-tasks")


def refuse_existing(paths: Iterable[Path], force: bool) -> None:
    """Raises OutputError if a file would be overwritten, unless `force`."""
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise OutputError(f"{', '.join(there)} exists already. Use --force to write it anew, or another folder")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=2))


def write_text(path: Path, text: str) -> None:
    """All of it or nothing: a file that was there stays whole until the new one is."""
    new = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            new.write_text(text, encoding="utf-8", errors="backslashreplace")
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error}") from error
