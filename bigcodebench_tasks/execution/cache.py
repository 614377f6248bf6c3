"""Verdicts that are known already, ground truths among them: a run that was interrupted continues where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import sqlite3
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.verdict import Program, Verdict
from bigcodebench_tasks.files import cache_folder, others_who_may_write

log = logging.getLogger("lm_eval.bigcodebench")

# A rank waits this long while another one writes.
_BUSY_S = 60.0

# A statement of ours takes SQLite some hundred steps. One that takes more than a million is not ours: the file holds a
# view or a trigger under our table's name, which may be endless.
_STEPS, _STEPS_AT_MOST = 10_000, 100


def cache_file() -> Path:
    """Where runs keep their verdicts. Raises OptionError as `files.cache_folder` does."""
    return cache_folder() / "verdicts.sqlite"


class VerdictCache:
    """Verdicts in one file, each under everything that can change it; safe for several threads and processes.

    Passes and failures are kept, with two exceptions, because these may end otherwise the next time:

    - timeouts, kills and early exits: the machine may have caused them;
    - failures of programs that can reach the internet: a remote host may have been down.

    A file that cannot be read or written (somebody else's, broken, disk full) or that another user may change is a
    warning and never an error: after hours of generation a run does not end for want of a cache. A row that is no
    verdict is taken for none.
    """

    def __init__(self, path: Path, conditions: Conditions) -> None:
        """
        Args:
            path: the file, made where it is missing.
            conditions: under which the programs run.
        """
        self._conditions = conditions.key()
        self._keeps_failures = conditions.sandbox.network == "loopback"
        # The pool's thread writes while callers read.
        self._lock = threading.Lock()
        self._path = path
        self._steps = 0
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if why := others_who_may_write(path):
                raise PermissionError(why)
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.set_progress_handler(self._too_many_steps, _STEPS)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
        self._execute("PRAGMA journal_mode=WAL")
        # A verdict that a power cut loses is only run again.
        self._execute("PRAGMA synchronous=NORMAL")
        self._execute("CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL)")

    def close(self) -> None:
        with self._lock:
            self._drop()

    def get(self, program: Program) -> Verdict | None:
        """The verdict of an equal program that ran under equal conditions."""
        rows = self._execute("SELECT verdict FROM verdicts WHERE key = ?", (self._key(program),))
        return _verdict(_mapping(rows[0][0])) if rows else None

    def put(self, program: Program, verdict: Verdict) -> None:
        """Keep a verdict, if it is one that would come again."""
        if verdict.passed or (verdict.status == "fail" and self._keeps_failures):
            values = self._key(program), json.dumps(verdict.to_dict())
            self._execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", values)

    def _execute(self, statement: str, values: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement; none once the file has failed."""
        with self._lock:
            if self._connection is None:
                return []
            self._steps = 0
            try:
                return self._connection.execute(statement, values).fetchall()
            except (sqlite3.Error, ValueError, OverflowError) as error:  # the latter: text that is no Unicode
                self._give_up(error)
                return []

    def _too_many_steps(self) -> int:
        self._steps += 1
        return int(self._steps > _STEPS_AT_MOST)

    def _give_up(self, error: Exception) -> None:
        log.warning("verdicts are not kept, so an interrupted run would start anew: %s: %s", self._path, error)
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _key(self, program: Program) -> str:
        text = json.dumps([asdict(program), self._conditions], sort_keys=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def _mapping(stored: Any) -> dict[str, Any]:
    """The JSON object that a row holds; an empty one where it holds something else."""
    try:
        content = json.loads(stored)
    except (TypeError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _verdict(content: dict[str, Any]) -> Verdict | None:
    """The verdict that a row holds; None if a field is missing or is not what a verdict has there."""
    try:
        verdict = Verdict(**{name: content[name] for name in Verdict.__dataclass_fields__})
        whole = (
            verdict.status in ("pass", "fail")
            and isinstance(verdict.reason, str)
            and all(isinstance(text, str) for text in verdict.details.values())
            and type(verdict.tests_run) is int
            and type(verdict.seconds) in (int, float)
            and math.isfinite(verdict.seconds)
        )
    except (KeyError, TypeError, AttributeError, OverflowError):
        return None
    return verdict if whole else None
