"""The rank that a user's run would have among the published models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bigcodebench_tasks.benchmark.dataset_version import TASKS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.leaderboard.published import NEWEST, PublishedModel, of_like_size, published_models, size_in
from bigcodebench_tasks.results.evaluation import Evaluation, mean_of_splits
from bigcodebench_tasks.scoring.intervals import Estimate
from bigcodebench_tasks.scoring.leaderboard_settings import differences

MEAN = "mean"
"""The measure beside the splits: their mean, by which the leaderboard ranks."""

NEIGHBOURS = 3
"""How many published models are named on either side."""


@dataclass(frozen=True)
class Placement:
    """A score among the published ones.

    Attributes:
        measure: a split, or `MEAN`.
        score: pass@1 with its 95% interval.
        rank: 1 + the number of published models that are better.
        best, worst: the rank at the upper and at the lower end of the interval.
        among: number of published models with such a score.
        size: billions of parameters in the model's name; None if the name has none.
        like_rank, like_among: the same rank among models of similar size; None without a size.
        above, below: the nearest published models (name, score) that are better, and that are not; the nearest first.
    """

    measure: str
    score: Estimate
    rank: int
    best: int
    worst: int
    among: int
    size: float | None
    like_rank: int | None
    like_among: int | None
    above: Sequence[tuple[str, float]]
    below: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class OwnModel:
    """A user's model on one published subset.

    Attributes:
        name: the model's name.
        subset: "full" or "hard".
        placements: measure to placement, for the measures that were evaluated.
        differences: how the settings of its evaluations differ from the leaderboard's.
    """

    name: str
    subset: str
    placements: Mapping[str, Placement]
    differences: Sequence[str]


def own_models(evaluations: Sequence[Evaluation], as_of: str = NEWEST) -> list[OwnModel]:
    """The models of these evaluations on the published subsets, in their order; other subsets are left out.

    Args:
        evaluations: one of each model, split and subset.
        as_of: state of the leaderboard.
    """
    per_model: dict[tuple[str, str], list[Evaluation]] = {}
    for evaluation in evaluations:
        if evaluation.subset in TASKS:
            per_model.setdefault((evaluation.model, evaluation.subset), []).append(evaluation)
    return [_own_model(name, subset, each, as_of) for (name, subset), each in per_model.items()]


def _own_model(name: str, subset: str, evaluations: Sequence[Evaluation], as_of: str) -> OwnModel:
    scores = {evaluation.split: evaluation.score() for evaluation in evaluations}
    if mean := mean_of_splits(evaluations):
        scores[MEAN] = mean
    placements = {
        measure: _placement(scores[measure], name, subset, measure, as_of)
        for measure in (*SPLITS, MEAN)
        if measure in scores
    }
    different = [words for each in evaluations for words in differences(each.run, len(each.samples), each.subset)]
    return OwnModel(name, subset, placements, list(dict.fromkeys(different)))


def published_score(model: PublishedModel, subset: str, measure: str) -> float | None:
    """A published model's score, 0 to 1, by measure (a split, or `MEAN`); None if it is not published."""
    return model.mean(subset) if measure == MEAN else model.score(subset, measure)


def _placement(score: Estimate, name: str, subset: str, measure: str, as_of: str) -> Placement:
    models = published_models(as_of)
    scores = _scores(models, subset, measure)
    size = size_in(name)
    alike = None if size is None else _scores(of_like_size(models, size), subset, measure)
    order = sorted(scores.items(), key=lambda pair: pair[1])
    return Placement(
        measure=measure,
        score=score,
        rank=_rank(score.rate, scores),
        best=_rank(score.high, scores),
        worst=_rank(score.low, scores),
        among=len(scores),
        size=size,
        like_rank=None if alike is None else _rank(score.rate, alike),
        like_among=None if alike is None else len(alike),
        above=[pair for pair in order if _better(pair[1], score.rate)][:NEIGHBOURS],
        below=[pair for pair in reversed(order) if not _better(pair[1], score.rate)][:NEIGHBOURS],
    )


def _scores(models: Sequence[PublishedModel], subset: str, measure: str) -> dict[str, float]:
    scores = {model.name: published_score(model, subset, measure) for model in models}
    return {name: score for name, score in scores.items() if score is not None}


def _rank(score: float, others: Mapping[str, float]) -> int:
    return 1 + sum(_better(other, score) for other in others.values())


def _better(published: float, own: float) -> bool:
    # Published scores have three decimals: a score that rounds to the same is not worse.
    return published > own + 0.0005
