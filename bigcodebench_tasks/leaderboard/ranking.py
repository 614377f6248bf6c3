"""Ranks, filters on the published models, and how much the rankings on Hard and on Full agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.leaderboard.published import PublishedModel, published_models


def ranks(means: Mapping[str, float]) -> dict[str, int]:
    """Name to rank, from 1 on, the highest mean first; equal means share a rank."""
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}


def published_ranks(models: Sequence[PublishedModel], subset: str) -> dict[str, int]:
    """Name to rank by the mean on a subset; models without a mean have none."""
    return ranks({model.name: mean for model in models if (mean := model.mean(subset)) is not None})


def in_order(models: Sequence[PublishedModel], subset: str) -> list[PublishedModel]:
    """The best first, those without a mean last."""
    return sorted(models, key=lambda model: (model.mean(subset) is None, -(model.mean(subset) or 0.0), model.name))


@dataclass(frozen=True)
class Filter:
    """Which published models are shown. Ranks are always among all of them.

    Attributes:
        names: show names that contain one of these texts, in any case; empty for all.
        smallest, largest: billions of parameters, inclusive; models without a size (closed ones) are left out.
        since, until: ISO dates, inclusive; models without a date are left out.
        open_weights: show only models with open weights.
    """

    names: Sequence[str] = ()
    smallest: float | None = None
    largest: float | None = None
    since: str | None = None
    until: str | None = None
    open_weights: bool = False

    def matches(self, model: PublishedModel) -> bool:
        return all(self._conditions(model))

    def _conditions(self, model: PublishedModel) -> Iterator[bool]:
        yield not self.names or any(name.lower() in model.name.lower() for name in self.names)
        yield not self.open_weights or model.open_weights
        yield self.smallest is None or (model.size is not None and model.size >= self.smallest)
        yield self.largest is None or (model.size is not None and model.size <= self.largest)
        yield self.since is None or (model.date is not None and model.date >= self.since)
        yield self.until is None or (model.date is not None and model.date <= self.until)


def filtered(as_of: str, by: Filter) -> list[PublishedModel]:
    """The models of a state of the leaderboard that match. Raises OptionError if none does."""
    models = published_models(as_of)
    matching = [model for model in models if by.matches(model)]
    if matching:
        return matching
    relax = "relax --name, --min-size, --max-size, --since, --until or --open-weights"
    if (by.since or by.until) and not any(model.date for model in models):
        relax = "this state has no dates: leave --since and --until out"
    raise OptionError(f"no published model of {as_of} matches: {relax}")


@dataclass(frozen=True)
class Agreement:
    """How much the rankings on two subsets agree, over the models that have a mean on both.

    Attributes:
        tau: Kendall's tau-b of the two means, -1 to 1; None for fewer than two models.
        models: their number.
        shifts: name to (rank on the other subset - rank on the ranked one), both among these models only; positive:
            the model ranks higher on the ranked subset. The largest first.
    """

    tau: float | None
    models: int
    shifts: Mapping[str, int]


def agreement(models: Sequence[PublishedModel], subset: str, other: str) -> Agreement:
    """How much the rankings on `subset` (the ranked one) and `other` agree."""
    both = [model for model in models if model.mean(subset) is not None and model.mean(other) is not None]
    here, there = published_ranks(both, subset), published_ranks(both, other)
    shifts = {name: there[name] - rank for name, rank in here.items()}
    means = [[model.mean(which) for model in both] for which in (subset, other)]
    tau = float(stats.kendalltau(*means).statistic) if len(both) > 1 else None
    return Agreement(tau, len(both), dict(sorted(shifts.items(), key=lambda pair: -abs(pair[1]))))
