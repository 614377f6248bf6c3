"""Known verdicts are not computed again, unless something that can change them did."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.execution import Conditions, Environment, Verdict, execute, probe
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.host_fingerprint import host_fingerprint
from tests.helpers.programs import LIMITS, RIGHT, WRONG, program


@pytest.fixture
def conditions(environment: Environment) -> Conditions:
    return Conditions.of(environment, probe(environment), LIMITS)


def test_an_interrupted_run_goes_on_where_it_stopped(environment: Environment, tmp_path: Path) -> None:
    cache = tmp_path / "verdicts.sqlite"
    programs = [program(RIGHT), program(WRONG), program(RIGHT, task_id="test/1")]
    seen: list[int] = []

    def stop_after_two(index: int, verdict: Verdict) -> None:
        seen.append(index)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(programs, environment, limits=LIMITS, workers=1, cache=cache, on_verdict=stop_after_two)
    assert len(seen) == 2

    known = VerdictCache(cache, Conditions.of(environment, probe(environment), LIMITS), host_fingerprint(environment))
    again = [p.task_id for p in programs if known.get(p) is None]
    known.close()
    # The third may have had its verdict, too, before the interrupt was there.
    assert set(again) <= {"test/1"}
    verdicts = execute(programs, environment, limits=LIMITS, cache=cache)

    assert [verdict.status for verdict in verdicts] == ["pass", "fail", "pass"]


@pytest.mark.parametrize("how", ["no folder", "no database", "no longer a database"])
def test_a_cache_that_cannot_be_used_is_a_warning_and_costs_no_verdict(
    how: str, environment: Environment, conditions: Conditions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"not a database, and longer than the header of one would be " * 20)
    path = tmp_path / "file" / "verdicts.sqlite" if how == "no folder" else tmp_path / "file"
    if how == "no longer a database":
        path = tmp_path / "verdicts.sqlite"
        store = VerdictCache(path, conditions)
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE verdicts")
        store.put(program(RIGHT), Verdict("pass", "passed"))
        assert store.get(program(RIGHT)) is None
        store.close()
    else:
        programs = [program(RIGHT), program(WRONG)]
        verdicts = execute(programs, environment, limits=LIMITS, cache=path)
        assert [verdict.status for verdict in verdicts] == ["pass", "fail"]
    assert len([record for record in caplog.records if "verdicts are not kept" in record.message]) == 1


def test_timeouts_are_tried_again(conditions: Conditions, tmp_path: Path) -> None:
    store = VerdictCache(tmp_path / "verdicts.sqlite", conditions)
    store.put(program(RIGHT), Verdict("timeout", "timeout"))
    assert store.get(program(RIGHT)) is None
    store.close()


WHOLE: dict[str, Any] = {"status": "pass", "reason": "passed", "details": {}, "seconds": 1.0, "tests_run": 2}


@pytest.mark.parametrize(
    "row",
    [
        "x",
        "[]",
        "{}",
        "null",
        "7",
        "[" * 100_000,
        b"\x00\xff",
        json.dumps({**WHOLE, "status": "won"}),
        json.dumps({**WHOLE, "status": ["pass"]}),
        json.dumps({**WHOLE, "reason": None}),
        json.dumps({**WHOLE, "details": [1]}),
        json.dumps({**WHOLE, "details": {"test_a": 1}}),
        json.dumps({**WHOLE, "seconds": "1"}),
        json.dumps({**WHOLE, "seconds": 10**400}),
        json.dumps({**WHOLE, "seconds": float("nan")}),
        json.dumps({**WHOLE, "tests_run": True}),
        json.dumps({name: value for name, value in WHOLE.items() if name != "details"}),
    ],
    ids=str,
)
def test_a_row_that_is_no_verdict_counts_as_absent(row: str | bytes, conditions: Conditions, tmp_path: Path) -> None:
    store = VerdictCache(tmp_path / "verdicts.sqlite", conditions)
    store.put(program(RIGHT), Verdict("pass", "passed"))
    with contextlib.closing(sqlite3.connect(tmp_path / "verdicts.sqlite")) as other, other:
        other.execute("UPDATE verdicts SET verdict = ?", (row,))
    assert store.get(program(RIGHT)) is None
    store.put(program(RIGHT), Verdict("pass", "passed"))
    assert store.get(program(RIGHT)) == Verdict("pass", "passed")
    store.close()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"


@pytest.mark.parametrize(
    "schema",
    [
        f"CREATE VIEW verdicts AS {ENDLESS.format('NULL AS key, i AS verdict')}",
        "CREATE TABLE verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL); "
        f"CREATE TRIGGER endless BEFORE INSERT ON verdicts BEGIN SELECT * FROM ({ENDLESS.format('max(i)')}); END",
        "CREATE TABLE verdicts (key TEXT)",
    ],
    ids=["view", "trigger", "other columns"],
)
def test_a_file_of_another_making_is_a_warning_and_never_hangs(
    schema: str, conditions: Conditions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "verdicts.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript(schema)
    store = VerdictCache(path, conditions)
    store.put(program(RIGHT), Verdict("pass", "passed"))
    assert store.get(program(RIGHT)) is None
    store.close()
    assert len([record for record in caplog.records if "verdicts are not kept" in record.message]) == 1


@pytest.mark.parametrize("what", ["the file", "its folder", "another user's"])
def test_a_file_that_another_user_may_change_is_not_used(
    what: str, conditions: Conditions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cache" / "verdicts.sqlite"
    store = VerdictCache(path, conditions)
    store.put(program(RIGHT), Verdict("pass", "passed"))
    store.close()
    if what == "another user's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(path, 12345, 12345)
    else:
        (path if what == "the file" else path.parent).chmod(0o777)
    store = VerdictCache(path, conditions)
    assert store.get(program(RIGHT)) is None
    store.close()
    (record,) = [record for record in caplog.records if "verdicts are not kept" in record.message]
    said = record.getMessage()
    assert ("belongs to another user (number 12345)" if "another" in what else "other users may write to") in said
