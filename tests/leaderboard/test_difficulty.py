"""Surprises, and expected against observed by difficulty."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from bigcodebench_tasks.cli.inspection import list_unsolved, show
from bigcodebench_tasks.leaderboard.difficulty import EASY, RARE, deciles, published_rates, surprises
from bigcodebench_tasks.leaderboard.published import solve_rates
from tests.helpers.made import task
from tests.helpers.records import evaluation


def test_a_run_that_is_the_opposite_of_the_published_models_is_all_surprises() -> None:
    rates = solve_rates("complete")
    found = surprises(evaluation({task_id: rate < 0.5 for task_id, rate in rates.items()}))
    assert found.failed == {task_id: rate for task_id, rate in rates.items() if rate >= EASY}
    assert found.solved == {task_id: rate for task_id, rate in rates.items() if rate <= RARE}
    assert list(found.failed.values()) == sorted(found.failed.values(), reverse=True)
    assert list(found.solved.values()) == sorted(found.solved.values())
    usual = surprises(evaluation({task_id: rate >= 0.5 for task_id, rate in rates.items()}))
    assert (usual.failed, usual.solved) == ({}, {})


def test_a_split_has_its_own_rates_and_unknown_tasks_have_none() -> None:
    run = {"BigCodeBench/2": True, "Made/1": True}
    assert published_rates(evaluation(run)) == {"BigCodeBench/2": pytest.approx(52 / 60)}
    assert published_rates(evaluation(run, split="instruct")) == {"BigCodeBench/2": pytest.approx(10 / 35)}


def test_deciles_have_the_same_number_of_tasks_and_grow_easier() -> None:
    rates = solve_rates("complete")
    found = deciles(evaluation({task_id: rate >= 0.5 for task_id, rate in rates.items()}))
    assert [each.observed.tasks for each in found] == [114] * 10
    assert [each.expected for each in found] == sorted(each.expected for each in found)
    assert (found[0].observed.rate, found[-1].observed.rate) == (0.0, 1.0)
    assert sum(each.expected for each in found) / 10 == pytest.approx(sum(rates.values()) / 1140)


def test_inspect_shows_a_tasks_published_solve_rate(capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluation({"BigCodeBench/2": False, "Made/1": False})
    row = task(2)
    list_unsolved(run, Console(width=200))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:3] for line in lines if line[0] in run.samples] == [
        ["BigCodeBench/2", "0/1", "87%"],
        ["Made/1", "0/1", "-"],
    ]
    show(replace(run, tasks={"BigCodeBench/2": row}), "BigCodeBench/2", Console(width=200))
    assert "87% of 60 published models solve it (2024-06-11)" in capsys.readouterr().out


def test_few_tasks_have_no_deciles() -> None:
    assert deciles(evaluation({f"BigCodeBench/{number}": True for number in range(9)})) == []
    assert len(deciles(evaluation({f"BigCodeBench/{number}": True for number in range(13)}))) == 10
