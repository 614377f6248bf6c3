"""A failure that was kept is believed only while nothing has changed that could cure it."""

from __future__ import annotations

import os
import sys
import venv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks import files
from bigcodebench_tasks.environment.environment import find
from bigcodebench_tasks.execution import Conditions, Environment, Limits, Prepared, Sandbox, Verdict, probe
from bigcodebench_tasks.execution.cache import VerdictCache
from bigcodebench_tasks.execution.host_fingerprint import host_fingerprint
from bigcodebench_tasks.scoring.evaluate import Evaluated, Evaluator, Sample
from tests.helpers.programs import RIGHT, WRONG, program

CONDITIONS = Conditions("official", "0" * 64, "/somewhere", Limits(), Sandbox("namespaces"))
PASS, FAIL = Verdict("pass", "passed", {}, 1.5, 2), Verdict("fail", "error", {"test_one": "no such tool"}, 0.5, 2)

PROMPT = "import subprocess\ndef task_func():\n"
ASKS_A_TOOL = "    return subprocess.run(['frobtool'], capture_output=True, text=True).stdout.strip()\n"
TASK = {
    "task_id": "X/0",
    "complete_prompt": PROMPT + '    """Ask the tool."""\n',
    "code_prompt": PROMPT,
    "canonical_solution": ASKS_A_TOOL,
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(task_func(), '1.0')\n",
}
SAMPLE = TASK["complete_prompt"] + ASKS_A_TOOL + "# sample\n"


def install_tool(folder: Path) -> None:
    tool = folder / "bin" / "frobtool"
    tool.write_text("#!/bin/sh\necho 1.0\n")
    tool.chmod(0o755)


@pytest.fixture
def own(scratch_parent: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    """A virtual environment of this Python, whose folder of programs is on the samples' PATH."""
    folder = tmp_path / "own"
    venv.create(folder, symlinks=True)
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "cache"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Environment(folder / "bin" / "python", "custom", "0" * 64, folder, version)


def evaluate(environment: Environment, *, checks_ground_truth: bool = True, network: str = "loopback") -> Evaluated:
    sandbox = probe(environment, sandbox="namespaces")
    conditions = replace(Conditions.of(environment, sandbox), sandbox=replace(sandbox, network=network))
    evaluator = Evaluator(Prepared(environment, conditions), checks_ground_truth=checks_ground_truth)
    return evaluator.evaluate([TASK], [[Sample(lambda: SAMPLE)]])


@pytest.mark.parametrize("checks_ground_truth", [True, False])
def test_a_sample_that_failed_for_want_of_a_program_passes_once_it_is_installed(
    own: Environment, checks_ground_truth: bool
) -> None:
    for _ in range(2):
        ((missing,),) = evaluate(own, checks_ground_truth=checks_ground_truth).records
        assert (missing.status, missing.reason) == ("fail", "error")
    install_tool(own.folder)
    found = evaluate(own, checks_ground_truth=checks_ground_truth)
    assert found.records[0][0].status == "pass"
    assert found.truth is None or found.truth.pass_rate == 1.0


def test_the_digest_is_the_same_until_something_is_installed_or_exchanged(own: Environment) -> None:
    assert own.site_packages.is_dir()
    seen = [host_fingerprint(own)]
    assert host_fingerprint(own) == seen[0]
    install_tool(own.folder)
    seen.append(host_fingerprint(own))
    tool = own.folder / "bin" / "frobtool"
    tool.write_text("#!/bin/sh\necho 2.0\n")
    os.utime(tool, ns=(1, 1))
    seen.append(host_fingerprint(own))
    (own.folder / "nltk_data" / "corpora" / "words").mkdir(parents=True)
    seen.append(host_fingerprint(own))
    (own.site_packages / "numpy-1.0.dist-info").mkdir()
    seen.append(host_fingerprint(own))
    assert len(set(seen)) == 5


def test_the_digest_of_the_real_environment_is_stable() -> None:
    environment = find()
    if environment is None:
        pytest.skip("needs an execution environment that is built already")
    assert host_fingerprint(environment) == host_fingerprint(environment)


@pytest.mark.parametrize(
    ("now", "network", "executed", "passes", "believed"),
    [
        ("as then", "loopback", [], True, True),
        ("as then", "loopback", ["test/1"], True, True),
        ("changed", "loopback", [], True, False),
        ("as then", "host", [], True, False),  # a remote host may have been down
        ("as then", "loopback", ["test/0"], True, False),  # nothing said before that its ground truth passes
        ("as then", "loopback", ["test/0"], False, False),
    ],
)
def test_a_kept_failure_is_believed_only_where_nothing_can_have_cured_it(
    tmp_path: Path, now: str, network: str, executed: list[str], passes: bool, believed: bool
) -> None:
    conditions = replace(CONDITIONS, sandbox=Sandbox("namespaces", network))
    before = VerdictCache(tmp_path / "verdicts.sqlite", conditions, "as then")
    before.put(program(WRONG), FAIL)
    before.put(program(RIGHT), PASS)
    before.close()
    after = VerdictCache(tmp_path / "verdicts.sqlite", conditions, now)
    after.doubt(executed, [] if passes else executed)
    assert after.get(program(WRONG)) == (FAIL if believed else None)
    assert after.get(program(RIGHT)) == PASS
    after.close()


def test_a_failure_beside_a_failing_ground_truth_is_not_kept(tmp_path: Path) -> None:
    store = VerdictCache(tmp_path / "verdicts.sqlite", CONDITIONS, "as then")
    store.doubt(["test/0"], ["test/0"])
    store.put(program(WRONG), FAIL)
    store.put(program(RIGHT), PASS)
    store.close()
    store = VerdictCache(tmp_path / "verdicts.sqlite", CONDITIONS, "as then")
    assert (store.get(program(WRONG)), store.get(program(RIGHT))) == (None, PASS)
    store.close()


def test_a_failure_of_the_version_that_kept_no_surroundings_is_not_believed(tmp_path: Path) -> None:
    store = VerdictCache(tmp_path / "verdicts.sqlite", CONDITIONS)
    store.put(program(WRONG), FAIL)
    rows: Mapping[str, Verdict | None] = {"same": store.get(program(WRONG))}
    store._execute("""UPDATE verdicts SET verdict = json_remove(verdict, '$.host_fingerprint')""")
    assert (rows["same"], store.get(program(WRONG))) == (FAIL, None)
    store.close()
