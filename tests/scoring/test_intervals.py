"""Intervals, domains, and the summary of a run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bigcodebench_tasks.benchmark.domains import DOMAINS, domains_of, libraries_of
from bigcodebench_tasks.scoring.intervals import mean_interval
from bigcodebench_tasks.scoring.summary import summary


@pytest.mark.parametrize(("passed", "tasks"), [(0, 148), (1, 148), (48, 148), (148, 148), (700, 1140)])
def test_with_one_sample_per_task_it_is_wilsons_interval(passed: int, tasks: int) -> None:
    found = mean_interval([1.0] * passed + [0.0] * (tasks - passed))
    expected = stats.binomtest(passed, tasks).proportion_ci(method="wilson")
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_with_several_samples_it_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    solve_rates = rng.beta(0.5, 1.0, size=(2000, 150))  # tasks of very different difficulty
    seen = rng.binomial(10, solve_rates) / 10
    inside = [low <= 1 / 3 <= high for low, high in map(mean_interval, seen.tolist())]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_two_tasks_that_are_alike_are_still_only_two() -> None:
    low, high = mean_interval([0.6, 0.7])
    assert low < 0.2
    assert high > 0.9


def test_no_task_says_nothing() -> None:
    assert mean_interval([]) == (0.0, 1.0)


def test_a_task_is_in_the_domains_of_its_libraries() -> None:
    assert domains_of({"libs": "['os', 'numpy', 'pandas', 'no_such']"}) == ["Computation", "System"]
    assert libraries_of({"libs": "['os', 'numpy']"}) == ["os", "numpy"]
    assert domains_of({}) == domains_of({"libs": "not a list ("}) == []


def test_the_domains_are_the_papers(shared: Path) -> None:
    data = shared / "data"
    published = json.loads((data / "task2domain.json").read_text())
    with gzip.open(data / "BigCodeBench-v0.1.4.jsonl.gz", "rt", encoding="utf-8") as lines:
        tasks = [json.loads(line) for line in lines]
    assert {task["task_id"]: domains_of(task) for task in tasks} == {
        task_id: [domain for domain in DOMAINS if domain in domains] for task_id, domains in published.items()
    }


def test_the_summary_says_what_people_ask() -> None:
    records = [[{"status": "pass", "reason": "passed"}] * 2, [{"status": "fail", "reason": "assertion"}] * 2]
    run = {"isolation": "landlock", "environment": {"lock": "official"}, "ground_truth": {"pass_rate": 0.5}}
    text = summary(records, run, 12.3)
    for words in (
        "pass@1 0.5000 (95% interval 0.0945 to 0.9055)",
        "2 of 4 samples of 2 tasks",
        "passed 2, assertion 2",
        "ground truth 0.5000",
        "isolation landlock; libraries of the official lock; sanitized and executed in 12 s",
        "bigcodebench-tasks report",
    ):
        assert words in text


def test_ground_truth_is_named_where_it_was_checked_or_left_out() -> None:
    records = [[{"status": "pass", "reason": "passed"}]]
    run: dict[str, Any] = {
        "isolation": "namespaces",
        "environment": {"lock": "official"},
        "options": {"ground_truth": "skip"},
    }
    assert "ground truth not checked" in summary(records, run, 1.0)
    run["options"] = {"ground_truth": "check"}  # the model that answers with it
    assert "ground truth" not in summary(records, run, 1.0)
