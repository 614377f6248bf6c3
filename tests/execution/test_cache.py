"""Known verdicts are not computed again, unless something that can change them did."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import venv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks import files
from bigcodebench_tasks.benchmark.known_tasks import SystemProgram
from bigcodebench_tasks.environment import verify
from bigcodebench_tasks.execution import Conditions, Environment, Sandbox, Verdict, cache_file
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.prepare import Prepared, probe
from bigcodebench_tasks.scoring.evaluate import Evaluated, Evaluator, Sample
from tests.helpers.programs import LIMITS, RIGHT, WRONG, execute, program
from tests.helpers.project import starts_processes


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


@pytest.mark.parametrize(
    ("network", "verdict", "kept"),
    [
        ("loopback", Verdict("pass", "passed"), True),
        ("loopback", Verdict("fail", "error", {"test_one": "no"}), True),
        ("loopback", Verdict("timeout", "timeout"), False),
        ("host", Verdict("pass", "passed"), True),
        ("host", Verdict("fail", "error", {"test_one": "no"}), False),  # a remote host may have been down
    ],
)
def test_what_may_end_otherwise_the_next_time_is_not_kept(
    network: str, verdict: Verdict, kept: bool, conditions: Conditions, tmp_path: Path
) -> None:
    conditions = replace(conditions, sandbox=Sandbox("namespaces", network))
    store = VerdictCache(tmp_path / "verdicts.sqlite", conditions)
    store.put(program(RIGHT), verdict)
    assert store.get(program(RIGHT)) == (verdict if kept else None)
    store.close()


def test_a_cache_folder_that_was_moved_keeps_its_verdicts(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also those of an environment that lies in it."""

    def cache(folder: Path) -> VerdictCache:
        monkeypatch.setenv(files.CACHE_VARIABLE, str(folder))
        there = replace(environment, python=folder / "official" / "bin" / "python", folder=folder / "official")
        return VerdictCache(cache_file(), Conditions.of(there, Sandbox("namespaces")))

    store = cache(tmp_path / "before")
    store.put(program(WRONG), Verdict("fail", "assertion"))
    store.close()
    (tmp_path / "before").rename(tmp_path / "after")
    store = cache(tmp_path / "after")
    assert store.get(program(WRONG)) == Verdict("fail", "assertion")
    store.close()


PROMPT = "import subprocess\ndef task_func():\n"
CALLS_A_PROGRAM = "    return subprocess.run(['frobtool'], capture_output=True, text=True).stdout.strip()\n"
TASK = {
    "task_id": "X/0",
    "complete_prompt": PROMPT + '    """Call the program."""\n',
    "code_prompt": PROMPT,
    "canonical_solution": CALLS_A_PROGRAM,
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(task_func(), '1.0')\n",
}
SAMPLE = TASK["complete_prompt"] + CALLS_A_PROGRAM + "# sample\n"


@starts_processes
@pytest.mark.parametrize("checks_ground_truth", [True, False])
def test_a_sample_that_failed_for_want_of_a_program_passes_once_it_is_installed(
    checks_ground_truth: bool, scratch_parent: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(verify, "PROGRAMS", (SystemProgram("frobtool", "frobtools"),))
    folder = tmp_path / "own"  # its folder of programs is on the samples' PATH
    venv.create(folder, symlinks=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    own = Environment(folder / "bin" / "python", "custom", "0" * 64, folder, version)

    def evaluate() -> Evaluated:
        prepared = Prepared(own, Conditions.of(own, probe(own, sandbox="namespaces")))
        evaluator = Evaluator(prepared, checks_ground_truth=checks_ground_truth)
        return evaluator.evaluate([TASK], [[Sample(lambda: SAMPLE)]])

    for _ in range(2):
        ((missing,),) = evaluate().records
        assert (missing.status, missing.reason) == ("fail", "error")
    tool = folder / "bin" / "frobtool"
    tool.write_text("#!/bin/sh\necho 1.0\n")
    tool.chmod(0o755)
    found = evaluate()
    assert found.records[0][0].status == "pass"
    assert found.truth is None or found.truth.pass_rate == 1.0


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
