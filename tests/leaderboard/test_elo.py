"""Ratings against independent ways to the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bigcodebench_tasks.leaderboard.elo import elo_ratings, one_sided_models


def rates(text: str) -> dict[str, float]:
    """ "1 0 11" to the solve rates of three tasks, the last with two samples."""
    return {f"Made/{n}": float(np.mean([char == "1" for char in word])) for n, word in enumerate(text.split())}


def test_the_rating_is_the_odds_of_winning_a_battle() -> None:
    better = rates(" ".join("1" * 300 + "0" * 100))
    worse = rates(" ".join("0" * 300 + "1" * 100))
    ratings = elo_ratings({"better": better, "worse": worse})
    expected = 400 * math.log10(300 / 100)
    assert ratings["better"].elo - ratings["worse"].elo == pytest.approx(expected, rel=0.03)  # regularized a little
    assert (ratings["better"].elo + ratings["worse"].elo) / 2 == pytest.approx(1000, abs=1)
    assert ratings["better"].low < ratings["better"].elo < ratings["better"].high


def test_ratings_of_several_models_are_the_fixed_point_of_zermelos_iteration() -> None:
    rng = np.random.default_rng(1)
    models = {
        f"m{n}": {f"Made/{t}": float(rng.random() < share) for t in range(400)}
        for n, share in enumerate([0.3, 0.5, 0.7])
    }
    table = np.array([list(each.values()) for each in models.values()])
    wins = np.array([[(a > b).sum() for b in table] for a in table])
    strength = np.ones(3)
    for _ in range(500):
        games = (wins + wins.T) / (strength[:, None] + strength)
        strength = wins.sum(axis=1) / games.sum(axis=1)
        strength /= np.exp(np.log(strength).mean())
    ratings = elo_ratings(models, rounds=100)
    expected = 1000 + 400 * np.log10(strength)
    assert [ratings[name].elo for name in models] == pytest.approx(list(expected), abs=10)


def test_a_model_that_wins_every_battle_has_a_finite_rating() -> None:
    ratings = elo_ratings({"better": rates("1 1 1 0"), "worse": rates("0 0 0 0")})
    assert 1000 < ratings["better"].elo < 2000
    assert ratings["worse"].elo < 1000


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
