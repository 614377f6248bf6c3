"""Responses are executed while the model generates, and nothing but the time depends on it."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM, CacheHook

from bigcodebench_tasks.execution.prepare import prepare
from bigcodebench_tasks.harness.run import HarnessRun
from bigcodebench_tasks.scoring import evaluate as scoring
from bigcodebench_tasks.scoring.records import SampleRecord
from tests.helpers import harness
from tests.helpers.programs import assert_gone, processes_of
from tests.helpers.project import ROOT, starts_processes

pytestmark = starts_processes

TASKS = [harness.COMPLETE, harness.INSTRUCT]
ANSWERS = 4
"""Two rows of two tasks are asked."""


class Model(harness.FakeModel):
    """A loader that answers with canonical solutions, or with nothing useful, and reports answers as loaders do."""

    def __init__(self, after: Callable[[int], None] = lambda _number: None, report: str = "as returned") -> None:
        super().__init__()
        self._after, self._report = after, report

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        answers = []
        for number, request in enumerate(requests, start=1):
            row = request.doc
            code = row["complete_prompt"] + row["canonical_solution"] if number % 2 else "def task_func(*_): pass"
            answers.append(f"```python\n{code}\n```")
            if self._report == "as returned":
                self.cache_hook.add_partial("generate_until", request.args, answers[-1])
            elif self._report == "another answer":
                self.cache_hook.add_partial("generate_until", request.args, "```python\nraise SystemExit\n```")
            self._after(number)
        return answers


def evaluate(model: LM, **options: Any) -> dict[str, list[SampleRecord]]:
    """The records of each task."""
    results = harness.evaluate(model, *TASKS, options={"prefill": False, **options}, limit=2, apply_chat_template=True)
    return {name: [sample["filtered_resps"][0][0].record for sample in results["samples"][name]] for name in TASKS}


def without_seconds(records: dict[str, list[SampleRecord]]) -> dict[str, list[SampleRecord]]:
    return {
        name: [replace(record, verdict=replace(record.verdict, seconds=0.0)) for record in each if record.verdict]
        for name, each in records.items()
    }


@pytest.fixture(autouse=True)
def verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of verdicts, and scratch in a place where nothing may be left."""
    prepared = prepare()  # before the cache moves, which holds the environment too
    monkeypatch.setattr("bigcodebench_tasks.scoring.evaluate.prepare", lambda *_: prepared)
    monkeypatch.setenv("BIGCODEBENCH_CACHE", str(tmp_path))
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o711)
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield tmp_path / "verdicts.sqlite"
        assert_gone(Path(place))
        assert [path.name for path in Path(place).iterdir() if path.name.startswith("bigcodebench")] == []


def known(file: Path) -> int:
    """How many verdicts are kept."""
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        count: int = connection.execute("SELECT count(*) FROM verdicts").fetchone()[0]
    except sqlite3.OperationalError:  # the table is just being made
        count = 0
    finally:
        connection.close()
    return count


def test_answers_and_ground_truth_are_executed_before_the_last_answer_is_there(verdicts: Path) -> None:
    def wait(number: int) -> None:
        # The canonical solutions of two rows, and two programs: the third answer says what the first one said.
        while number == ANSWERS - 1 and known(verdicts) < 2 + 2:
            time.sleep(0.05)

    records = evaluate(Model(wait))
    assert [record.status for record in records[TASKS[0]]] == ["pass", "fail"]


def test_every_record_is_the_same_without_it(verdicts: Path) -> None:
    without = evaluate(Model(), cache=False, head_start=False)
    assert known(verdicts) == 0
    with_it = evaluate(Model())
    assert without_seconds(with_it) == without_seconds(without)
    assert {record.status for records in without.values() for record in records} == {"pass", "fail"}


@pytest.mark.parametrize("report", ["nothing", "another answer"])
def test_what_a_loader_returns_counts_whatever_it_reported(report: str, verdicts: Path) -> None:
    honest = evaluate(Model(), cache=False, head_start=False)
    assert without_seconds(evaluate(Model(report=report))) == without_seconds(honest)


def test_the_hook_is_the_harnesss_own_again_when_the_run_has_ended() -> None:
    original = CacheHook.add_partial
    replaced: list[bool] = []
    evaluate(Model(lambda _number: replaced.append(CacheHook.add_partial is not original)), ground_truth="skip")
    assert replaced == [True] * ANSWERS
    assert CacheHook.add_partial is original
    assert HarnessRun.current() is None


def test_a_loader_that_raises_leaves_no_process_and_no_hook(verdicts: Path) -> None:
    original = CacheHook.add_partial

    def fail(number: int) -> None:
        if number == 3:
            raise ValueError("the loader is broken")

    with pytest.raises(ValueError, match="the loader is broken"):
        evaluate(Model(fail))
    gc.collect()
    # What still holds the tasks of the broken run, such as a traceback, does not keep the next one from being whole.
    records = evaluate(Model())
    assert [record.status for record in records[TASKS[1]]] == ["pass", "fail"]
    assert CacheHook.add_partial is original
    assert HarnessRun.current() is None


def test_runs_in_two_threads_do_not_end_each_other() -> None:
    original = CacheHook.add_partial
    generating = threading.Barrier(2)
    records: dict[str, list[SampleRecord]] = {}

    def run(name: str) -> None:
        def wait(number: int) -> None:
            if number == 1:  # both runs are prepared, and neither is scored
                generating.wait(300)

        model = Model(wait)
        results = harness.evaluate(model, name, options={"prefill": False}, limit=2, apply_chat_template=True)
        records[name] = [sample["filtered_resps"][0][0].record for sample in results["samples"][name]]

    threads = [threading.Thread(target=run, args=(name,)) for name in TASKS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = {name: [record.status for record in each] for name, each in records.items()}
    assert statuses == {name: ["pass", "fail"] for name in TASKS}
    assert CacheHook.add_partial is original


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_while_it_generates_leaves_nothing_and_keeps_its_verdicts(
    how: signal.Signals, verdicts: Path
) -> None:
    script = (
        "import signal, time\nfrom tests.harness.test_head_start import Model, evaluate\n"
        # In the background of a shell, where tests may run, it is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "evaluate(Model(lambda number: number < 3 or time.sleep(600)))\n"
    )
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o711)
        python = str(scoring.Evaluator.prepare().prepared.environment.python)  # of the fixture
        variables = {**os.environ, "TMPDIR": place, "BIGCODEBENCH_PYTHON": python, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, env=variables, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            while known(verdicts) < 3:
                assert process.poll() is None
                time.sleep(0.05)
            assert processes_of(Path(place))
            process.send_signal(how)
        assert process.returncode != 0
        assert_gone(Path(place))
    assert known(verdicts) >= 3
