"""What an evaluation says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.results.evaluation import Evaluation, mean_solve_rates
from tests.helpers.records import evaluation, run_record, sample_record


def of_mini(model: str, **statuses: str) -> Evaluation:
    """On tasks of the mini set: task_0="pass fail" for two samples of BigCodeBenchMini/0."""
    outcomes = {f"BigCodeBenchMini/{name.removeprefix('task_')}": text.split() for name, text in statuses.items()}
    return evaluation(outcomes, model, subset="mini")


def test_the_score_is_the_mean_of_the_tasks_solve_rates() -> None:
    figures = of_mini("a", task_0="pass fail", task_1="pass").figures()
    assert figures["pass@1"] == 0.75
    assert figures["low"] < 0.75 < figures["high"]
    assert (figures["tasks"], figures["source"]) == (2, "results.json")


def test_a_model_counts_once_a_task_in_the_mean_over_models() -> None:
    several = [
        of_mini("a", task_0="pass", task_1="pass"),
        replace(of_mini("a", task_0="pass"), subset="hard"),
        of_mini("b", task_0="fail"),
    ]
    assert mean_solve_rates(several) == {"BigCodeBenchMini/0": 0.5, "BigCodeBenchMini/1": 1.0}


def test_the_rows_of_its_tasks_come_from_the_dataset() -> None:
    tasks = of_mini("a", task_1="pass").with_tasks().tasks
    assert list(tasks) == ["BigCodeBenchMini/1"]
    assert "def task_func" in tasks["BigCodeBenchMini/1"]["complete_prompt"]
    with pytest.raises(OutputError, match="BigCodeBenchMini/999, which is no task of mini"):
        of_mini("a", task_999="pass").with_tasks()


def test_a_program_is_the_solution_behind_the_calibration_if_there_was_one() -> None:
    sample = sample_record(solution="x = 1")
    program = "import os\ndef task_func(x):\n    pass\nx = 1"
    run = run_record()
    tasks = {"Made/0": {"code_prompt": "import os\ndef task_func(x):"}}
    whole = replace(of_mini("a"), run=run, tasks=tasks)
    assert whole.program("Made/0", sample) == program
    assert program[whole.solution_start("Made/0", sample) :] == "x = 1"

    bare = replace(whole, run=replace(run, options=Options(calibrated=False)))
    assert bare.program("Made/0", sample) == "x = 1"
    assert bare.solution_start("Made/0", sample) == 0

    official = replace(whole, run=None, holds_programs=True)
    assert official.program("Made/0", replace(sample, solution=program)) == program
    assert program[official.solution_start("Made/0", replace(sample, solution=program)) :] == "x = 1"
