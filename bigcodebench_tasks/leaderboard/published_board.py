"""What ``leaderboard --published`` shows: published models, Hard beside Full, and one's own runs among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.leaderboard.placement import MEAN, OwnModel, Placement, own_models
from bigcodebench_tasks.leaderboard.published import NEWEST, TASKS, PublishedModel, published_models
from bigcodebench_tasks.leaderboard.published_ranking import (
    Agreement,
    Choice,
    agreement,
    chosen,
    in_order,
    published_ranks,
)
from bigcodebench_tasks.leaderboard.scatter import Point, scatter
from bigcodebench_tasks.options import LEADERBOARD
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.noise import repeated, spread_table, unstable_figures, unstable_notes
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import NONE, Picture, Sheet, Table, percent, score_cells

# How many shifts a note names; JSON and the table have all.
SHIFTS = 6


def published_board(
    runs: Sequence[Evaluation], *, as_of: str = NEWEST, subset: str = "hard", choice: Choice | None = None
) -> Sheet:
    """The published models in their order on a subset, with one's own among them.

    Args:
        runs: one's own, all of them (`read.read_runs`); none for the published alone.
        as_of: the state of the leaderboard.
        subset: "hard" or "full", by whose mean models are ranked.
        choice: which published models are shown; None for all.

    Raises:
        OptionError: the choice leaves no model.
    """
    models = published_models(as_of)
    shown = chosen(as_of, choice or Choice())
    yours = own_models(newest(runs), as_of)
    other = "full" if subset == "hard" else "hard"
    agreed = agreement(models, subset, other)
    placed = {which: published_ranks(models, which) for which in (subset, other)}
    tables = [_table(shown, yours, subset, other, as_of)]
    if yours:
        tables.append(_own_table(yours, as_of, unstable_notes(newest(runs))))
    several = repeated(run for run in runs if run.subset in TASKS)
    if several:
        tables.append(spread_table(several))
    everything = {
        "as_of": as_of,
        "ranked_by": subset,
        "models": [_as_json(model, placed, agreed) for model in in_order(shown, subset)],
        "yours": [
            {
                "model": own.name,
                "subset": own.subset,
                "placements": {measure: placement.to_dict() for measure, placement in own.placements.items()},
                "differs_from_leaderboard": list(own.differences),
            }
            for own in yours
        ],
        "agreement": asdict(agreed),
        "unstable_tasks": unstable_figures(newest(runs)),
        "runs": [each.to_dict() for each in several],
    }
    notes = [
        f"{run.model}, {run.name} is no published subset: it stands beside none of these"
        for run in newest(runs)
        if run.subset not in TASKS
    ]
    title = f"{other.capitalize()} against {subset.capitalize()}: mean of Complete and Instruct"
    picture = Picture(title, _picture(shown, yours, subset, other))
    return Sheet(f"BigCodeBench: published models, {as_of}", tables, everything, notes, [picture])


# -- tables ----------------------------------------------------------------------------------------------


def _table(shown: Sequence[PublishedModel], yours: Sequence[OwnModel], subset: str, other: str, as_of: str) -> Table:
    models = published_models(as_of)
    placed, beside, agreed = (
        published_ranks(models, subset),
        published_ranks(models, other),
        agreement(models, subset, other),
    )
    columns = ["model", "size, B", "date", "rank", "Complete", "Instruct", "mean"]
    columns += [f"rank on {other.capitalize()}", f"mean on {other.capitalize()}", "shift"]
    rows = [
        (
            model.mean(subset),
            [
                model.name,
                NONE if model.size is None else f"{model.size:g}",
                model.date or NONE,
                str(placed.get(model.name, NONE)),
                *(_cell(model.score(subset, split)) for split in SPLITS),
                _mean_cell(model.mean(subset)),
                str(beside.get(model.name, NONE)),
                _mean_cell(model.mean(other)),
                f"{agreed.shifts[model.name]:+d}" if model.name in agreed.shifts else NONE,
            ],
        )
        for model in shown
    ]
    placed_own = [_own_row(own, yours, other) for own in yours if own.subset == subset]
    rows += placed_own
    rows.sort(key=lambda row: (row[0] is None, -(row[0] or 0.0), row[1][0]))
    title = f"BigCodeBench-{subset.capitalize()}: published models, {as_of}"
    own = [cells[0] for _, cells in placed_own]
    return Table(title, columns, [cells for _, cells in rows], _notes(shown, models, subset, other, agreed), own=own)


def _own_row(own: OwnModel, yours: Sequence[OwnModel], other: str) -> tuple[float | None, list[str]]:
    """The mean of one's own model, by which it is put in its place, and its cells."""
    mean = own.placements.get(MEAN)
    beside = next((each.placements.get(MEAN) for each in yours if (each.name, each.subset) == (own.name, other)), None)
    size = next(iter(own.placements.values())).size
    cells = [
        f"{own.name} ({'yours' if not own.differences else f'yours, not {LEADERBOARD}'})",
        NONE if size is None else f"{size:g}",
        NONE,
        _rank_cell(mean),
        *(_cell(own.placements[split].score.rate if split in own.placements else None) for split in SPLITS),
        _mean_cell(None if mean is None else mean.score.rate),
        _rank_cell(beside),
        _mean_cell(None if beside is None else beside.score.rate),
        NONE,
    ]
    return (None if mean is None else mean.score.rate), cells


def _own_table(yours: Sequence[OwnModel], as_of: str, more: Sequence[str]) -> Table:
    """Where one's own models stand, measure by measure."""
    columns = [
        "model",
        "subset",
        "measure",
        "pass@1",
        "95%",
        "rank",
        "rank range",
        "of",
        "like size",
        "better",
        "not better",
    ]
    rows = [
        [
            own.name,
            own.subset.capitalize(),
            measure.capitalize() if measure != MEAN else MEAN,
            *score_cells(placement.score),
            str(placement.rank),
            f"{placement.best} to {placement.worst}",
            str(placement.among),
            NONE if placement.like_rank is None else f"{placement.like_rank} of {placement.like_among}",
            _neighbour(placement.above),
            _neighbour(placement.below),
        ]
        for own in yours
        for measure, placement in own.placements.items()
    ]
    notes = [f"{own.name}, {own.subset.capitalize()}: {_settings(own)}" for own in yours]
    notes.append(
        f"A rank is 1 and how many published models are better ({as_of}); its range is that of the 95% interval. "
        "Published scores have an interval as wide as yours."
    )
    return Table("Your runs among them", columns, rows, [*notes, *more])


def _settings(own: OwnModel) -> str:
    if not own.differences:
        return f"settings {LEADERBOARD}"
    return f"settings not known to be those of {LEADERBOARD}, so the rank means less: {'; '.join(own.differences)}"


def _neighbour(models: Sequence[tuple[str, float]]) -> str:
    return f"{models[0][0]} {percent(models[0][1])}" if models else NONE


def _rank_cell(placement: Placement | None) -> str:
    return NONE if placement is None else f"{placement.rank} ({placement.best} to {placement.worst})"


def _cell(score: float | None) -> str:
    return NONE if score is None else percent(score)


def _mean_cell(mean: float | None) -> str:
    """With two decimals: halves of the last published one are what tells ranks apart."""
    return NONE if mean is None else f"{100 * mean:.2f}"


def _notes(
    shown: Sequence[PublishedModel], models: Sequence[PublishedModel], subset: str, other: str, agreed: Agreement
) -> list[str]:
    ranked = sum(model.mean(subset) is not None for model in models)
    notes = [f"{len(shown)} of {len(models)} models. Ranks are among the {ranked} that have both splits."]
    if agreed.tau is not None:
        largest = [f"{name} {shift:+d}" for name, shift in list(agreed.shifts.items())[:SHIFTS]]
        notes.append(
            f"Ranks on {subset.capitalize()} and {other.capitalize()}: Kendall's tau {agreed.tau:.3f} over the "
            f"{agreed.models} models that have both. A shift above zero stands higher on {subset.capitalize()}; "
            f"the largest: {', '.join(largest)}."
        )
    return notes


def _as_json(model: PublishedModel, placed: Mapping[str, Mapping[str, int]], agreed: Agreement) -> dict[str, Any]:
    return {
        "model": model.name,
        "size": model.size,
        "date": model.date,
        "prefilled": model.prefilled,
        "open_weights": model.open_weights,
        **{
            subset: {
                "rank": in_subset.get(model.name),
                **{split: model.score(subset, split) for split in SPLITS},
                "mean": model.mean(subset),
            }
            for subset, in_subset in placed.items()
        },
        "shift": agreed.shifts.get(model.name),
    }


def _picture(shown: Sequence[PublishedModel], yours: Sequence[OwnModel], subset: str, other: str) -> str:
    points = [
        Point(model.name, 100 * x, 100 * y)
        for model in shown
        if (x := model.mean(subset)) is not None and (y := model.mean(other)) is not None
    ]
    for own in yours:
        beside = [each for each in yours if (each.name, each.subset) == (own.name, other) and MEAN in each.placements]
        if own.subset == subset and MEAN in own.placements and beside:
            rates = [each.placements[MEAN].score.rate for each in (own, beside[0])]
            points.append(Point(own.name, 100 * rates[0], 100 * rates[1], own=True))
    return scatter(points, f"mean on {subset.capitalize()}, %", f"mean on {other.capitalize()}, %")
