"""The published models chosen and ranked, and how much rankings on Hard and on Full agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.leaderboard.published import PublishedModel, published_models
from bigcodebench_tasks.leaderboard.ranks import ranks


@dataclass(frozen=True)
class Choice:
    """Which published models are shown. Ranks are among all, whatever is chosen.

    Attributes:
        names: text that a name contains, in any case; one of several is enough; none for all.
        smallest, largest: billions of parameters, both included; closed models have no size and so are left out.
        since, until: ISO dates, both included; models without a date are left out.
        open_weights: only models whose weights can be had.
    """

    names: Sequence[str] = ()
    smallest: float | None = None
    largest: float | None = None
    since: str | None = None
    until: str | None = None
    open_weights: bool = False

    def holds(self, model: PublishedModel) -> bool:
        return all(self._answers(model))

    def _answers(self, model: PublishedModel) -> Iterator[bool]:
        yield not self.names or any(name.lower() in model.name.lower() for name in self.names)
        yield not self.open_weights or model.open_weights
        yield self.smallest is None or (model.size is not None and model.size >= self.smallest)
        yield self.largest is None or (model.size is not None and model.size <= self.largest)
        yield self.since is None or (model.date is not None and model.date >= self.since)
        yield self.until is None or (model.date is not None and model.date <= self.until)


@dataclass(frozen=True)
class Agreement:
    """How much a ranking on Hard and one on Full agree, over the models that have a mean on both.

    Attributes:
        tau: Kendall's tau-b of the two means, -1 to 1; None for fewer than two models.
        models: how many there are.
        shifts: name to its rank on the other subset minus its rank on the ranked one, both among these models alone:
            above zero it stands higher on the ranked one; the largest first.
    """

    tau: float | None
    models: int
    shifts: Mapping[str, int]


def chosen(as_of: str, choice: Choice) -> list[PublishedModel]:
    """The models of a state of the leaderboard that a choice holds.

    Raises:
        OptionError: it holds none; the message says what to relax.
    """
    models = published_models(as_of)
    held = [model for model in models if choice.holds(model)]
    if held:
        return held
    relax = "relax --name, --min-size, --max-size, --since, --until or --open-weights"
    if (choice.since or choice.until) and not any(model.date for model in models):
        relax = "this state names no dates, so leave --since and --until out"
    raise OptionError(f"no published model of {as_of} is left: {relax}")


def published_ranks(models: Sequence[PublishedModel], subset: str) -> dict[str, int]:
    """Name to rank by the mean on a subset; those without a mean have none."""
    return ranks({model.name: mean for model in models if (mean := model.mean(subset)) is not None})


def agreement(models: Sequence[PublishedModel], subset: str, other: str) -> Agreement:
    """How much the rankings on two subsets agree."""
    both = [model for model in models if model.mean(subset) is not None and model.mean(other) is not None]
    ours, theirs = published_ranks(both, subset), published_ranks(both, other)
    shifts = {name: theirs[name] - rank for name, rank in ours.items()}
    means = [[model.mean(which) for model in both] for which in (subset, other)]
    tau = float(stats.kendalltau(*means).statistic) if len(both) > 1 else None
    return Agreement(tau, len(both), dict(sorted(shifts.items(), key=lambda pair: -abs(pair[1]))))


def in_order(models: Sequence[PublishedModel], subset: str) -> list[PublishedModel]:
    """The best first, those without a mean last."""
    return sorted(models, key=lambda model: (model.mean(subset) is None, -(model.mean(subset) or 0.0), model.name))
