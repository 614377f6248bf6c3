"""Known verdicts are not computed again, unless something that can change them did."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Conditions, Environment, Limits, Verdict, execute, probe
from bigcodebench_tasks.execution.cache import VerdictCache
from tests.helpers.programs import RIGHT, WRONG, program

LIMITS = Limits(timeout_s=20)


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

    known = VerdictCache(cache, Conditions.of(environment, probe(environment), LIMITS))
    again = [p.task_id for p in programs if known.get(p) is None]
    known.close()
    assert again == ["test/1"]
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
