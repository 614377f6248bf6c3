"""Verdicts that are known already, ground truths among them: a run that was interrupted continues where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
from dataclasses import asdict
from pathlib import Path

from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.verdict import Program, Verdict
from bigcodebench_tasks.files import cache_folder

log = logging.getLogger("lm_eval.bigcodebench")

# A rank waits this long while another one writes.
_BUSY_S = 60.0


def cache_file() -> Path:
    """Where runs keep their verdicts."""
    return cache_folder() / "verdicts.sqlite"


class VerdictCache:
    """Verdicts in one file, each under everything that can change it; safe for several threads and processes.

    Verdicts of programs that reported are kept, also failures. A timeout, a kill or an early exit may have
    been this machine's fault that time, so those programs run again.

    A file that cannot be read or written (somebody else's, broken, disk full) is a warning and never an error:
    after hours of generation a run does not end for want of a cache.
    """

    def __init__(self, path: Path, conditions: Conditions) -> None:
        self._conditions = conditions.key()
        # The pool's thread writes while callers read.
        self._lock = threading.Lock()
        self._path = path
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
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
        query = "SELECT verdict FROM verdicts WHERE key = ?"
        rows = self._execute(query, (self._key(program),))
        return Verdict(**json.loads(rows[0][0])) if rows else None

    def put(self, program: Program, verdict: Verdict) -> None:
        """Keep a verdict, if it is one that would come again."""
        if verdict.status != "timeout":
            row = (self._key(program), json.dumps(verdict.to_dict()))
            self._execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", row)

    def _execute(self, statement: str, values: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        """Rows of a statement; none once the file has failed."""
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return []

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
