"""What an evaluation says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results.evaluation import Evaluation, mean_solve_rates
from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord


def evaluation(model: str, **statuses: str) -> Evaluation:
    """On tasks of the mini set: task_0="pass fail" for two samples of BigCodeBenchMini/0."""
    samples = {
        f"BigCodeBenchMini/{name.removeprefix('task_')}": [SampleRecord("", None, word, word) for word in text.split()]
        for name, text in statuses.items()
    }
    return Evaluation(model, "complete", "mini", Path("results.json"), datetime(2026, 1, 2), samples)


def test_the_score_is_the_mean_of_the_tasks_solve_rates() -> None:
    figures = evaluation("a", task_0="pass fail", task_1="pass").figures()
    assert figures["pass@1"] == 0.75
    assert figures["low"] < 0.75 < figures["high"]
    assert (figures["tasks"], figures["source"]) == (2, "results.json")


def test_a_model_counts_once_a_task_in_the_mean_over_models() -> None:
    several = [
        evaluation("a", task_0="pass", task_1="pass"),
        replace(evaluation("a", task_0="pass"), subset="hard"),
        evaluation("b", task_0="fail"),
    ]
    assert mean_solve_rates(several) == {"BigCodeBenchMini/0": 0.5, "BigCodeBenchMini/1": 1.0}


def test_the_rows_of_its_tasks_come_from_the_dataset() -> None:
    tasks = evaluation("a", task_1="pass").with_tasks().tasks
    assert list(tasks) == ["BigCodeBenchMini/1"]
    assert "def task_func" in tasks["BigCodeBenchMini/1"]["complete_prompt"]
    with pytest.raises(OutputError, match="BigCodeBenchMini/999, which is no task of mini"):
        evaluation("a", task_999="pass").with_tasks()


def test_a_program_is_the_solution_behind_the_calibration_if_there_was_one() -> None:
    sample = SampleRecord("x = 1", None, "pass", "passed")
    program = "import os\ndef task_func(x):\n    pass\nx = 1"
    run = RunRecord("complete", "mini", "chat", {"calibrated": True}, "0" * 64)
    tasks = {"Made/0": {"code_prompt": "import os\ndef task_func(x):"}}
    whole = replace(evaluation("a"), run=run, tasks=tasks)
    assert whole.program("Made/0", sample) == program
    assert program[whole.solution_start("Made/0", sample) :] == "x = 1"

    bare = replace(whole, run=replace(run, options={"calibrated": False}))
    assert bare.program("Made/0", sample) == "x = 1"
    assert bare.solution_start("Made/0", sample) == 0

    official = replace(whole, run=None, holds_programs=True)
    assert official.program("Made/0", replace(sample, solution=program)) == program
    assert program[official.solution_start("Made/0", replace(sample, solution=program)) :] == "x = 1"
