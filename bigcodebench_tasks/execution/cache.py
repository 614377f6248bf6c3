"""Verdicts that are known already, ground truths among them: a run that was interrupted continues where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import sqlite3
import threading
from collections.abc import Collection
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

_HOST_FINGERPRINT = "host_fingerprint"
"""Key of a kept failure beside the verdict's own fields."""


def cache_file() -> Path:
    """Where runs keep their verdicts. Raises OptionError as `files.cache_folder` does."""
    return cache_folder() / "verdicts.sqlite"


class VerdictCache:
    """Verdicts in one file, each under everything that can change it; safe for several threads and processes.

    What passed is believed. What failed is believed only while nothing has changed that could cure it: the failure was
    kept under the same host (`host_fingerprint.host_fingerprint`), programs cannot reach the internet, and the task's
    canonical solution gives no reason to doubt it (`doubt`). A timeout, a kill or an early exit may have been this
    machine's fault that time, so those programs always run again.

    A file that cannot be read or written (somebody else's, broken, disk full) or that another user may change is a
    warning and never an error: after hours of generation a run does not end for want of a cache. A row that is no
    verdict is taken for none.
    """

    def __init__(self, path: Path, conditions: Conditions, host_fingerprint: str = "") -> None:
        """
        Args:
            path: the file, made where it is missing.
            conditions: under which the programs run.
            host_fingerprint: what the machine offers to programs now.
        """
        self._conditions = conditions.key()
        self._host_fingerprint = host_fingerprint
        self._keeps_failures = conditions.sandbox.network == "loopback"
        self._not_taken: frozenset[str] = frozenset()
        self._not_kept: frozenset[str] = frozenset()
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

    def doubt(self, executed: Collection[str], failing: Collection[str]) -> None:
        """Believe no kept failure of some tasks any more.

        Args:
            executed: task_ids of canonical solutions that had to be executed now, since none was known to pass:
                whatever kept them from passing before may have failed the samples of that time, too.
            failing: those of them that do not pass even now: failures of their samples are not kept either.
        """
        self._not_taken |= frozenset(executed)
        self._not_kept |= frozenset(failing)

    def get(self, program: Program) -> Verdict | None:
        """The verdict of an equal program that ran under equal conditions, if it is to be believed."""
        rows = self._execute("SELECT verdict FROM verdicts WHERE key = ?", (self._key(program),))
        content = _mapping(rows[0][0]) if rows else {}
        verdict = _verdict(content)
        if verdict is None or verdict.passed:
            return verdict
        same = content.get(_HOST_FINGERPRINT) == self._host_fingerprint
        return verdict if same and self._keeps_failures and program.task_id not in self._not_taken else None

    def put(self, program: Program, verdict: Verdict) -> None:
        """Keep a verdict, if it is one that would come again."""
        if verdict.status == "timeout":
            return
        content = verdict.to_dict()
        if not verdict.passed:
            if not self._keeps_failures or program.task_id in self._not_kept:
                return
            content[_HOST_FINGERPRINT] = self._host_fingerprint
        self._execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", (self._key(program), json.dumps(content)))

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
