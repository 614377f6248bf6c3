"""Verdicts of earlier runs in one file: an interrupted run continues where it stopped, and nothing runs twice."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import msgspec

from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.verdict import Program, Verdict
from bigcodebench_tasks.files import cache_folder, others_who_may_write

log = logging.getLogger("bigcodebench_tasks")

# A process waits this long while another one writes.
_BUSY_S = 60.0

# SQLite calls back every so many steps. The statements below take some hundred; more than a million means that the file
# holds a view or a trigger under the table's name, which may never end.
_STEPS, _MAX_CALLS = 10_000, 100


def cache_file() -> Path:
    """The file of cached verdicts. Raises OptionError as `files.cache_folder` does."""
    return cache_folder() / "verdicts.sqlite"


class _Row(msgspec.Struct):
    """The fields of a cached verdict; all are required."""

    status: Literal["pass", "fail"]
    reason: str
    details: dict[str, str]
    seconds: float
    tests_run: int


class VerdictCache:
    """Verdicts by program and `Conditions`. Several threads and processes may use one file.

    Passes and failures are kept, except those that may end otherwise the next time:

    - timeouts, kills and early exits: the machine may have caused them;
    - failures of programs that can reach the internet: a remote host may have been down.

    A file that cannot be used (no permission, damaged, disk full), or that another user may change, is a warning and
    never an error: a run does not lose hours of generation to its cache. A row that is no verdict counts as absent.
    """

    def __init__(self, path: Path, conditions: Conditions) -> None:
        """
        Args:
            path: the file; created if it is missing.
            conditions: under which the programs run.
        """
        self._conditions = conditions.key()
        self._keeps_failures = conditions.sandbox.network == "loopback"
        self._lock = threading.Lock()  # the pool's thread writes while others read
        self._path = path
        self._calls = 0
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if why := others_who_may_write(path):
                raise PermissionError(why)
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.set_progress_handler(self._is_endless, _STEPS)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
        self._execute("PRAGMA journal_mode=WAL")
        self._execute("PRAGMA synchronous=NORMAL")  # a verdict that a power cut loses is executed again
        self._execute("CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL)")

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def get(self, program: Program) -> Verdict | None:
        """The verdict of an equal program that ran under equal conditions."""
        rows = self._execute("SELECT verdict FROM verdicts WHERE key = ?", (self._key(program),))
        try:
            return Verdict(**msgspec.structs.asdict(msgspec.json.decode(rows[0][0], type=_Row))) if rows else None
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
            return None

    def put(self, program: Program, verdict: Verdict) -> None:
        """Keep a verdict, unless it may be another one the next time."""
        if verdict.passed or (verdict.status == "fail" and self._keeps_failures):
            values = self._key(program), json.dumps(verdict.to_dict())
            self._execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", values)

    def _execute(self, statement: str, values: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement; none once the file has failed."""
        with self._lock:
            if self._connection is None:
                return []
            self._calls = 0
            try:
                return self._connection.execute(statement, values).fetchall()
            except (sqlite3.Error, ValueError, OverflowError) as error:  # the last two: text that is not Unicode
                self._give_up(error)
                return []

    def _is_endless(self) -> int:
        self._calls += 1
        return int(self._calls > _MAX_CALLS)

    def _give_up(self, error: Exception) -> None:
        log.warning("verdicts are not kept, so an interrupted run would start anew: %s: %s", self._path, error)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _key(self, program: Program) -> str:
        text = json.dumps([asdict(program), self._conditions], sort_keys=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()
