"""Known verdicts are not computed again, unless something that can change them did."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Environment, Limits, Verdict, execute, probe
from bigcodebench_tasks.execution.cache import VerdictCache
from tests.helpers.programs import RIGHT, WRONG, program

LIMITS = Limits(timeout_s=20)


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

    known = VerdictCache(cache, environment, LIMITS, probe(environment))
    again = [p.task_id for p in programs if known.get(p) is None]
    known.close()
    assert again == ["test/1"]
    verdicts = execute(programs, environment, limits=LIMITS, cache=cache)

    assert [verdict.status for verdict in verdicts] == ["pass", "fail", "pass"]


def test_what_can_change_a_verdict_is_in_the_key(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    isolation = probe(environment)
    verdict = Verdict("fail", "assertion", {"test_a": "é\n"}, 1.5, 2)
    store = VerdictCache(path, environment, LIMITS, isolation)
    store.put(program(RIGHT), verdict)

    assert store.get(program(RIGHT)) == verdict
    assert store.get(program(WRONG)) is None
    assert store.get(program(RIGHT, task_id="test/1")) is None
    for changed in (
        VerdictCache(path, replace(environment, lock_sha256="1" * 64), LIMITS, isolation),
        VerdictCache(path, environment, replace(LIMITS, timeout_s=21), isolation),
        VerdictCache(path, environment, LIMITS, replace(isolation, level="none")),
        VerdictCache(path, environment, LIMITS, replace(isolation, network="host")),
    ):
        assert changed.get(program(RIGHT)) is None
        changed.close()
    store.close()


@pytest.mark.parametrize("how", ["no folder", "no database", "no longer a database"])
def test_a_cache_that_cannot_be_used_is_a_warning_and_costs_no_verdict(
    how: str, environment: Environment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"not a database, and longer than the header of one would be " * 20)
    path = tmp_path / "file" / "verdicts.sqlite" if how == "no folder" else tmp_path / "file"
    if how == "no longer a database":
        path = tmp_path / "verdicts.sqlite"
        store = VerdictCache(path, environment, LIMITS, probe(environment))
        with sqlite3.connect(path) as other:
            other.execute("DROP TABLE verdicts")
        store.put(program(RIGHT), Verdict("pass", "passed"))
        assert store.get(program(RIGHT)) is None
        store.close()
    else:
        programs = [program(RIGHT), program(WRONG)]
        verdicts = execute(programs, environment, limits=LIMITS, cache=path)
        assert [verdict.status for verdict in verdicts] == ["pass", "fail"]
    assert len([record for record in caplog.records if "verdicts are not kept" in record.message]) == 1


def test_timeouts_are_tried_again(environment: Environment, tmp_path: Path) -> None:
    store = VerdictCache(tmp_path / "verdicts.sqlite", environment, LIMITS, probe(environment))
    store.put(program(RIGHT), Verdict("timeout", "timeout"))
    assert store.get(program(RIGHT)) is None
    store.close()
