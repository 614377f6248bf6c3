"""Everything that a verdict depends on is in the conditions, and so in the cache, the ground truth and the results."""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.known_tasks import SystemProgram
from bigcodebench_tasks.environment import nltk_data, verify
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, Sandbox, Verdict
from bigcodebench_tasks.execution import conditions as conditions_module
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.conditions import _sha256_of_code, code_sha256, missing_on_machine
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.ground_truth import submit_ground_truth
from bigcodebench_tasks.scoring.records import RunRecord
from tests.helpers.programs import SUITE, WRONG, program

CONDITIONS = Conditions("official", "0" * 64, Limits(), Sandbox("namespaces"))

CHANGES: dict[str, Any] = {
    "lock": "current",
    "lock_sha256": "1" * 64,
    "speed": "fast",
    "missing": ("ping",),
    "code": "1" * 64,
}
SANDBOX_CHANGES: dict[str, Any] = {
    "kind": "landlock",
    "network": "host",
    "degraded": "no loopback of their own",
}
LIMIT_CHANGES: dict[str, Any] = {
    "timeout_s": 241.0,
    "memory_mib": 1,
    "tree_memory_mib": 1,
    "stack_mib": 1,
    "scratch_mib": 1,
    "processes": 1,
    "open_files": 1,
    "output_bytes": 1,
}
CHANGED = [replace(CONDITIONS, **{name: value}) for name, value in CHANGES.items()]
CHANGED += [
    replace(CONDITIONS, sandbox=replace(CONDITIONS.sandbox, **{name: value})) for name, value in SANDBOX_CHANGES.items()
]
CHANGED += [replace(CONDITIONS, limits=replace(Limits(), **{name: value})) for name, value in LIMIT_CHANGES.items()]


def test_the_changes_below_are_of_every_field() -> None:
    assert {*CHANGES, "limits", "sandbox"} == {field.name for field in fields(Conditions)}
    assert SANDBOX_CHANGES.keys() == {field.name for field in fields(Sandbox)}
    assert LIMIT_CHANGES.keys() == {field.name for field in fields(Limits)}
    assert len({conditions.key() for conditions in [CONDITIONS, *CHANGED]}) == 1 + len(CHANGED)


@pytest.mark.parametrize("changed", CHANGED, ids=[*CHANGES, *SANDBOX_CHANGES, *LIMIT_CHANGES])
def test_a_change_of_any_field_is_followed_by_cache_ground_truth_and_results(
    changed: Conditions, environment: Environment, tmp_path: Path
) -> None:
    verdict = Verdict("pass", "passed", {}, 1.5, 2)
    canonical = program("def task_func():\n\n    return 'right'", task_id="Made/0")
    task = {
        "task_id": "Made/0",
        "complete_prompt": "def task_func():\n",
        "canonical_solution": "    return 'right'",
        "test": SUITE,
    }
    path = tmp_path / "verdicts.sqlite"
    store = VerdictCache(path, CONDITIONS)
    store.put(canonical, verdict)
    assert store.get(canonical) == verdict
    assert store.get(program(WRONG)) is None
    assert store.get(replace(canonical, task_id="Made/1")) is None
    store.close()

    # The cache.
    other = VerdictCache(path, changed)
    assert other.get(canonical) is None
    other.close()
    # The ground truth: under the same conditions nothing is executed, so none of this needs to exist here.
    with Engine(environment, CONDITIONS, cache=path) as engine:
        assert submit_ground_truth([task], engine).result().executed == 0
    with Engine(environment, changed, cache=path) as engine:
        assert engine.lookup(canonical) is None
    # What the run says of itself.
    run = RunRecord("complete", "hard", "chat", Options(), "0" * 64, CONDITIONS)
    assert replace(run, conditions=changed).to_dict() != run.to_dict()


def test_equal_conditions_have_the_same_key_in_every_process() -> None:
    assert CONDITIONS.key() == replace(CONDITIONS).key()
    assert len(CONDITIONS.key()) == 64
    assert CONDITIONS.to_dict()["limits"]["timeout_s"] == 240.0


def test_they_say_what_was_found_and_chosen(environment: Environment) -> None:
    sandbox = probe(environment)
    conditions = Conditions.of(environment, sandbox, Limits(timeout_s=7))
    assert (conditions.lock, conditions.lock_sha256) == (environment.lock, environment.lock_sha256)
    assert conditions.sandbox == sandbox
    assert conditions.limits.timeout_s == 7
    assert conditions.limits.tree_memory_mib is None, "the machine's share is no choice"


def test_missing_programs_and_data_are_named_until_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "PROGRAMS", (SystemProgram("sh", "dash"), SystemProgram("frobtool", "frobtools")))
    monkeypatch.setattr(nltk_data, "SYSTEM_FOLDERS", (tmp_path / "system",))
    monkeypatch.setattr(nltk_data, "DATA_SETS", nltk_data.DATA_SETS[:2])
    own = Environment(tmp_path / "own" / "bin" / "python", "custom", "0" * 64, tmp_path / "own")
    assert missing_on_machine(own) == ("frobtool", "NLTK data stopwords", "NLTK data punkt")
    (tmp_path / "own" / "bin").mkdir(parents=True)
    (tmp_path / "own" / "bin" / "frobtool").touch(0o755)
    (tmp_path / "own" / "nltk_data" / "corpora" / "stopwords").mkdir(parents=True)
    assert missing_on_machine(own) == ("NLTK data punkt",)
    (tmp_path / "system" / "nltk_data" / "tokenizers").mkdir(parents=True)
    (tmp_path / "system" / "nltk_data" / "tokenizers" / "punkt.zip").touch()
    assert missing_on_machine(own) == ()


@pytest.mark.parametrize(
    ("file", "differs"),
    [("../__init__.py", False), ("engine.py", False), ("judge.py", True), ("worker/sandbox/seccomp.py", True)],
)
def test_a_release_keeps_all_verdicts_unless_the_code_that_runs_or_judges_programs_changed(
    file: str, differs: bool, tmp_path: Path
) -> None:
    here = Path(conditions_module.__file__).parent
    package = tmp_path / "package"
    shutil.copytree(here.parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.jsonl"))
    assert _sha256_of_code(package / "execution") == code_sha256()
    with open(package / "execution" / file, "a") as source:
        source.write("# another release\n")
    assert (_sha256_of_code(package / "execution") != code_sha256()) is differs
