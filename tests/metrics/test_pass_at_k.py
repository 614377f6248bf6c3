"""The metric outside the harness, as `evaluate` loads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import bigcodebench_tasks
from bigcodebench_tasks.benchmark.dataset import MINI, load_tasks

if TYPE_CHECKING:
    import evaluate

TASKS = list(load_tasks(MINI, "v1"))
REFERENCES = [{name: task[name] for name in ("task_id", "code_prompt", "test")} for task in TASKS]


@pytest.fixture
def metric(processes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> evaluate.Metric:
    import evaluate  # takes seconds

    monkeypatch.setenv("HF_HOME", str(tmp_path))
    return evaluate.load(bigcodebench_tasks.METRIC_PATH, cache_dir=str(tmp_path))


def right(task: dict[str, str]) -> str:
    return f"{task['code_prompt']}{task['canonical_solution']}\n"


def test_solutions_are_executed_and_estimated(metric: evaluate.Metric) -> None:
    wrong = "def task_func(*args):\n    return None\n"
    result = metric.compute(
        predictions=[[right(TASKS[0]), wrong], [wrong, wrong]], references=REFERENCES[:2], k=[1, 2, 5]
    )
    assert result["pass@1"] == 0.25
    assert result["pass@2"] == 0.5
    assert "pass@5" not in result
    statuses = [[verdict["status"] for verdict in task] for task in result["verdicts"]]
    assert statuses == [["pass", "fail"], ["fail", "fail"]]
    assert "test_example" in result["verdicts"][0][1]["details"]


def test_calibration_lends_a_solution_its_imports(metric: evaluate.Metric) -> None:
    task = TASKS[6]  # its tests import nothing that its solution needs
    body = task["code_prompt"].splitlines()[-1] + "\n" + task["canonical_solution"] + "\n"
    given = {"predictions": [[body]], "references": [REFERENCES[6]], "k": [1]}
    assert metric.compute(**given)["pass@1"] == 1.0
    assert metric.compute(**given, calibrated=False)["pass@1"] == 0.0
