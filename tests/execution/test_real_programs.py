"""What real models wrote has here the status, and the failing tests, that the official evaluator gave it elsewhere.

60 programs of models whose outputs are under a free licence (Qwen2.5-Coder 7B and 1.5B: Apache-2.0; phi-4: MIT), read
from ../shared and never kept here. They were chosen by machine to cover reasons, exceptions and libraries, among those
that take two seconds at most and depend neither on time, chance and the network nor on the order of files:
``benchmarks/replay.py`` replays all 18,113.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.execution import Limits, Program, Verdict
from bigcodebench_tasks.execution.prepare import prepare
from tests.helpers.programs import execute
from tests.helpers.project import starts_processes

# Task and beginning of the SHA-256 of task_id, NUL and solution.
CHOSEN = """
7:50821f4bed75 21:c197efb73be0 26:25b18199853c 33:5a8c1a25e254 54:ac3c27380b03 71:3944d7fadaee 73:e9e552f1261d
81:d06050c6f191 82:85707ad31266 170:f8fa201dc67d 190:cb459afb620f 197:c70fbff0f11f 209:74de125543e0
222:7fd893681b1c 234:6c8dd9aaa71f 248:f8d9b65ab423 269:e1a9fe26def6 273:637902329367 332:a0567877f866
340:9f7ba03bf937 344:cd5721a8c876 357:bcd1e3c71316 390:ef240082dd72 402:2e9b5acb9ec1 406:a4073195f966
412:5f2788be6492 429:e67fbc9e6635 456:9041417bad25 501:bf95b054dfd8 509:e896e2f0efda 527:7cfa86f6b0e5
528:87d2f05cb1c1 546:07783bf84844 555:e8fd3b022df2 566:9247adffeb43 621:33008d88323a 662:85c441cbbd2a
683:99a13a9c4de3 714:523c953dbaa9 721:f86bfa555b0e 790:918c0bb8d369 829:ce7966d6d8ba 841:f470faa02020
851:01c5c3d7c34f 873:1f3378a7d737 883:809f9c71680c 936:0c271177ad5e 940:c14397f7b2f9 955:28f60eaa22b9
992:32043ac1f790 997:69ff882c2702 1006:31390e095a8f 1009:288e08834663 1018:4a1f4957ae9c 1093:60ef23231dcc
1109:b057b7db818a 1110:f60bc3b09d08 1124:b1330921ec2a 1137:cddbcacc37e6
"""
# Loops until its time limit. 240 s there; here it need not be so long.
LOOP = "489:5b73488ae068"
MODELS = {
    "Qwen/Qwen2.5-Coder-7B-Instruct",
    "Qwen2.5-Coder-7B-Instruct",
    "Qwen/Qwen2.5-Coder-1.5B-Instruct",
    "microsoft/phi-4",
}

Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def tasks(shared: Path) -> dict[str, Row]:
    return {row["task_id"]: row for row in _rows(shared / "data" / "BigCodeBench-v0.1.4.jsonl.gz")}


@pytest.fixture(scope="module")
def real(shared: Path) -> dict[str, Row]:
    """The chosen programs and what was said of them, by their names above."""
    file = shared / "real" / "programs.jsonl.gz"
    if not file.exists():
        pytest.skip("needs ../shared/real/programs.jsonl.gz")
    wanted = {*CHOSEN.split(), LOOP}
    rows = {_name(row): row for row in _rows(file)}  # none of these tasks has another suite in an older version
    assert wanted <= rows.keys(), "the file is another one"
    return {name: rows[name] for name in wanted}


def _rows(file: Path) -> list[Row]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _name(row: Row) -> str:
    digest = hashlib.sha256(f"{row['task_id']}\0{row['solution']}".encode()).hexdigest()
    return f"{row['task_id'].rpartition('/')[2]}:{digest[:12]}"


@pytest.fixture(scope="module")
def verdicts(real: dict[str, Row], tasks: dict[str, Row]) -> dict[str, Verdict]:
    names = CHOSEN.split()
    programs = [Program(real[n]["task_id"], real[n]["solution"], tasks[real[n]["task_id"]]["test"]) for n in names]
    return dict(zip(names, execute(programs, prepare().environment), strict=True))


def test_the_sample_is_what_it_says(real: dict[str, Row], tasks: dict[str, Row]) -> None:
    assert len(set(CHOSEN.split())) == 59
    assert {row["model"] for row in real.values()} <= MODELS
    assert {status for row in real.values() for status in row["official"]} == {"pass", "fail", "timeout"}
    libraries = {name for row in real.values() for name in ast.literal_eval(tasks[row["task_id"]]["libs"])}
    assert len(libraries) >= 50


def test_statuses_are_those_of_the_official_evaluator(real: dict[str, Row], verdicts: dict[str, Verdict]) -> None:
    different = {
        name: (real[name]["official"], verdict.status, verdict.headline())
        for name, verdict in verdicts.items()
        if {verdict.status} != set(real[name]["official"])
    }
    assert different == {}
    assert {verdict.reason for verdict in verdicts.values()} >= {"passed", "assertion", "error", "did not load"}


def test_the_same_tests_fail(real: dict[str, Row], verdicts: dict[str, Verdict]) -> None:
    different = {
        name: (real[name]["failed_tests"], sorted(verdict.details))
        for name, verdict in verdicts.items()
        if verdict.status == "fail" and set(real[name]["failed_tests"]) != set(verdict.details)
    }
    assert different == {}


@starts_processes
def test_a_real_loop_is_a_timeout(real: dict[str, Row], tasks: dict[str, Row]) -> None:
    row = real[LOOP]
    program = Program(row["task_id"], row["solution"], tasks[row["task_id"]]["test"])
    (verdict,) = execute([program], prepare().environment, limits=Limits(timeout_s=5))
    assert (verdict.status, verdict.reason) == ("timeout", "timeout")
    assert row["official"] == ["timeout"]
