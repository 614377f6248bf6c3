"""The statistics against independent ways to the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bigcodebench_tasks.results.comparison import difference, elo_ratings, one_sided_models


def outcomes(text: str) -> dict[str, list[bool]]:
    """ "1 0 11" to the outcomes of three tasks, the last with two samples."""
    return {f"Made/{n}": [char == "1" for char in word] for n, word in enumerate(text.split())}


def test_mcnemar_is_the_exact_sign_test_on_tasks_that_differ() -> None:
    found = difference(outcomes("1 1 1 1 1 1 0 1 0"), outcomes("0 0 0 0 0 0 1 1 0"))
    # Six against one: both tails of a fair coin thrown seven times.
    assert found.p == pytest.approx(2 * (math.comb(7, 0) + math.comb(7, 1)) / 2**7)
    assert found.only_first == [f"Made/{n}" for n in range(6)]
    assert found.only_second == ["Made/6"]
    assert found.mean == pytest.approx(5 / 9)


def test_the_interval_is_that_of_the_exact_distribution_of_draws() -> None:
    first, second = outcomes("1 " * 30 + "0 " * 30), outcomes("1 " * 18 + "0 " * 37 + "1 " * 5)
    wins, losses, tasks = 12, 5, 60
    distribution = np.ones(1)  # of the sum of 60 draws, from -60 to 60
    for _ in range(tasks):
        distribution = np.convolve(distribution, [losses / tasks, 1 - (wins + losses) / tasks, wins / tasks])
    low, high = np.searchsorted(np.cumsum(distribution), [0.025, 0.975]) - tasks
    found = difference(first, second)
    assert (found.low, found.high) == pytest.approx((low / tasks, high / tasks), abs=1.01 / tasks)  # one step
    assert found.mean == pytest.approx(7 / tasks)


def test_equal_models_differ_in_nothing() -> None:
    same = outcomes("1 0 11 01")
    found = difference(same, same)
    assert (found.mean, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_several_samples_count_with_their_share_and_the_first_in_the_test() -> None:
    found = difference(outcomes("01 11"), outcomes("11 00"))
    assert found.mean == pytest.approx(((0.5 - 1) + (1 - 0)) / 2)
    assert (found.only_first, found.only_second) == (["Made/1"], ["Made/0"])


def test_a_seed_gives_the_same_interval_again() -> None:
    a, b = outcomes("1 0 1 1 0 1 0 0 1"), outcomes("0 0 1 0 1 1 0 1 1")
    assert difference(a, b, seed=3) == difference(a, b, seed=3)


def test_models_on_other_tasks_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        difference(outcomes("1 1"), outcomes("1"))


def rates(text: str) -> dict[str, float]:
    return {task_id: float(np.mean(each)) for task_id, each in outcomes(text).items()}


def test_the_rating_is_the_odds_of_winning_a_battle() -> None:
    better = rates(" ".join("1" * 300 + "0" * 100))
    worse = rates(" ".join("0" * 300 + "1" * 100))
    found = elo_ratings({"better": better, "worse": worse})
    expected = 400 * math.log10(300 / 100)
    assert found["better"].elo - found["worse"].elo == pytest.approx(expected, rel=0.03)  # regularized a little
    assert (found["better"].elo + found["worse"].elo) / 2 == pytest.approx(1000, abs=1)
    assert found["better"].low < found["better"].elo < found["better"].high


def test_ratings_of_several_models_are_the_fixed_point_of_zermelos_iteration() -> None:
    rng = np.random.default_rng(1)
    models = {
        f"m{n}": {f"Made/{t}": float(rng.random() < share) for t in range(400)}
        for n, share in enumerate([0.3, 0.5, 0.7])
    }
    table = np.array([list(rates_.values()) for rates_ in models.values()])
    wins = np.array([[(a > b).sum() for b in table] for a in table])
    strength = np.ones(3)
    for _ in range(500):
        games = (wins + wins.T) / (strength[:, None] + strength)
        strength = wins.sum(axis=1) / games.sum(axis=1)
        strength /= np.exp(np.log(strength).mean())
    found = elo_ratings(models, rounds=100)
    expected = 1000 + 400 * np.log10(strength)
    assert [found[name].elo for name in models] == pytest.approx(list(expected), abs=10)


def test_a_model_that_wins_every_battle_has_a_finite_rating() -> None:
    found = elo_ratings({"better": rates("1 1 1 0"), "worse": rates("0 0 0 0")})
    assert 1000 < found["better"].elo < 2000
    assert found["worse"].elo < 1000


def test_models_that_won_or_lost_every_battle_are_named() -> None:
    models = {"first": rates("1 1 1"), "middle": rates("0 1 0"), "last": rates("0 0 0")}
    assert one_sided_models(models) == ["first", "last"]
    assert one_sided_models({"a": rates("1 0"), "b": rates("0 1")}) == []
    assert one_sided_models({"a": rates("1 0"), "b": rates("1 0")}) == []


def test_the_order_in_which_models_are_named_changes_no_rating() -> None:
    models = {"a": rates("1 1 0 1 0 1"), "b": rates("0 1 0 1 1 0"), "c": rates("1 0 0 0 0 1")}
    forward, backward = elo_ratings(models), elo_ratings(dict(reversed(models.items())))
    assert all(abs(forward[name].elo - backward[name].elo) < 40 for name in models)
    assert sorted(models, key=lambda name: forward[name].elo) == sorted(models, key=lambda name: backward[name].elo)


def test_no_battle_gives_no_rating() -> None:
    assert elo_ratings({"a": rates("1 0"), "b": rates("1 0")}) == {}
    assert elo_ratings({"a": rates("1 0")}) == {}
    assert elo_ratings({}) == {}
