"""The paired difference against independent ways to the same numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bigcodebench_tasks.results.comparison import compare, difference
from bigcodebench_tasks.results.read import read_evaluations
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses


def outcomes(text: str) -> dict[str, list[bool]]:
    """ "1 0 11" to the outcomes of three tasks, the last with two samples."""
    return {f"Made/{n}": [char == "1" for char in word] for n, word in enumerate(text.split())}


def test_mcnemar_is_the_exact_sign_test_on_tasks_that_differ() -> None:
    result = difference(outcomes("1 1 1 1 1 1 0 1 0"), outcomes("0 0 0 0 0 0 1 1 0"))
    # Six against one: both tails of a fair coin thrown seven times.
    assert result.p == pytest.approx(2 * (math.comb(7, 0) + math.comb(7, 1)) / 2**7)
    assert result.only_first == [f"Made/{n}" for n in range(6)]
    assert result.only_second == ["Made/6"]
    assert result.mean == pytest.approx(5 / 9)


def test_the_interval_is_that_of_the_exact_distribution_of_draws() -> None:
    first, second = outcomes("1 " * 30 + "0 " * 30), outcomes("1 " * 18 + "0 " * 37 + "1 " * 5)
    wins, losses, tasks = 12, 5, 60
    distribution = np.ones(1)  # of the sum of 60 draws, from -60 to 60
    for _ in range(tasks):
        distribution = np.convolve(distribution, [losses / tasks, 1 - (wins + losses) / tasks, wins / tasks])
    low, high = np.searchsorted(np.cumsum(distribution), [0.025, 0.975]) - tasks
    result = difference(first, second)
    assert (result.low, result.high) == pytest.approx((low / tasks, high / tasks), abs=1.01 / tasks)  # one step
    assert result.mean == pytest.approx(7 / tasks)


def test_equal_models_differ_in_nothing() -> None:
    same = outcomes("1 0 11 01")
    result = difference(same, same)
    assert (result.mean, result.low, result.high, result.p) == (0.0, 0.0, 0.0, 1.0)


def test_several_samples_count_with_their_share_and_the_first_in_the_test() -> None:
    result = difference(outcomes("01 11"), outcomes("11 00"))
    assert result.mean == pytest.approx(((0.5 - 1) + (1 - 0)) / 2)
    assert (result.only_first, result.only_second) == (["Made/1"], ["Made/0"])


def test_a_seed_gives_the_same_interval_again() -> None:
    a, b = outcomes("1 0 1 1 0 1 0 0 1"), outcomes("0 0 1 0 1 1 0 1 1")
    assert difference(a, b, seed=3) == difference(a, b, seed=3)


def test_models_on_other_tasks_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        difference(outcomes("1 1"), outcomes("1"))


def test_models_are_compared_on_the_tasks_that_all_have(tmp_path: Path) -> None:
    for model, text in (("a", "110"), ("b", "10"), ("c", "011")):
        official_results(tmp_path, model, statuses(text))
    official_results(tmp_path, "a", statuses("1"), split="instruct")
    sheet = compare(read_evaluations([tmp_path]))
    (comparison,) = sheet.everything["comparisons"]
    assert {model: figures["tasks"] for model, figures in comparison["models"].items()} == {"a": 2, "b": 2, "c": 2}
    assert [(pair["first"], pair["second"]) for pair in comparison["pairs"]] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert sheet.notes == ["Full, Complete: only the 2 tasks that all models have count (a has 3; c has 3)"]
