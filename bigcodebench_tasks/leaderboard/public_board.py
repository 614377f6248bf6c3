"""The ``leaderboard --published`` command: published models, Hard beside Full, with the user's runs among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bigcodebench_tasks.benchmark.dataset_version import TASKS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.leaderboard.placement import MEAN, OwnModel, Placement, own_models
from bigcodebench_tasks.leaderboard.published import NEWEST, PublishedModel, not_published_notes, published_models
from bigcodebench_tasks.leaderboard.ranking import Agreement, Filter, agreement, filtered, in_order, published_ranks
from bigcodebench_tasks.leaderboard.scatter import Point, scatter
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.noise import add_spread, unstable_figures, unstable_notes
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import NONE, Picture, Sheet, Table, percent, score_cells
from bigcodebench_tasks.scoring.leaderboard_settings import LEADERBOARD

# How many shifts a note names; JSON and the table have all.
SHIFTS = 6


def public_board(
    runs: Sequence[Evaluation], *, as_of: str = NEWEST, subset: str = "hard", by: Filter | None = None
) -> Sheet:
    """The published models in their order on a subset, with the user's among them.

    Args:
        runs: the user's runs (`read.read_runs`); empty for the published models only.
        as_of: state of the leaderboard.
        subset: "hard" or "full", by whose mean models are ranked.
        by: which published models are shown; None for all.

    Raises:
        OptionError: no model matches the filter.
    """
    models = published_models(as_of)
    shown = in_order(filtered(as_of, by or Filter()), subset)
    evaluations = newest(runs)
    own = own_models(evaluations, as_of)
    other = "full" if subset == "hard" else "hard"
    agreed = agreement(models, subset, other)
    placed = {which: published_ranks(models, which) for which in (subset, other)}
    title = f"BigCodeBench-{subset.capitalize()}: published models, {as_of}"
    tables = [_table(title, shown, own, placed, agreed, _notes(len(shown), len(models), placed, agreed))]
    if own:
        tables.append(_own_table(own, as_of, unstable_notes(evaluations)))
    everything: dict[str, Any] = {
        "as_of": as_of,
        "ranked_by": subset,
        "models": [_as_json(model, placed, agreed) for model in shown],
        "yours": [
            {
                "model": model.name,
                "subset": model.subset,
                "placements": {measure: asdict(placement) for measure, placement in model.placements.items()},
                "differs_from_leaderboard": list(model.differences),
            }
            for model in own
        ],
        "agreement": asdict(agreed),
        "unstable_tasks": unstable_figures(evaluations),
    }
    add_spread((run for run in runs if run.subset in TASKS), tables, everything)
    picture = Picture(
        f"{other.capitalize()} against {subset.capitalize()}: mean of Complete and Instruct",
        _picture(shown, own, subset, other),
    )
    heading = f"BigCodeBench: published models, {as_of}"
    return Sheet(heading, tables, everything, not_published_notes(evaluations), [picture])


# -- tables ----------------------------------------------------------------------------------------------


def _table(
    title: str,
    shown: Sequence[PublishedModel],
    own: Sequence[OwnModel],
    placed: Mapping[str, Mapping[str, int]],
    agreed: Agreement,
    notes: Sequence[str],
) -> Table:
    subset, other = placed
    columns = ["model", "size, B", "date", "rank", "Complete", "Instruct", "mean"]
    columns += [f"rank on {other.capitalize()}", f"mean on {other.capitalize()}", "shift"]
    rows: list[tuple[float | None, list[str]]] = [
        (
            model.mean(subset),
            [
                model.name,
                NONE if model.size is None else f"{model.size:g}",
                model.date or NONE,
                str(placed[subset].get(model.name, NONE)),
                *(_cell(model.score(subset, split)) for split in SPLITS),
                _mean_cell(model.mean(subset)),
                str(placed[other].get(model.name, NONE)),
                _mean_cell(model.mean(other)),
                f"{agreed.shifts[model.name]:+d}" if model.name in agreed.shifts else NONE,
            ],
        )
        for model in shown
    ]
    own_rows = [_own_row(model, _on(other, model, own)) for model in own if model.subset == subset]
    rows = sorted([*rows, *own_rows], key=lambda row: (row[0] is None, -(row[0] or 0.0), row[1][0]))
    return Table(title, columns, [cells for _, cells in rows], notes, own=[cells[0] for _, cells in own_rows])


def _on(subset: str, model: OwnModel, own: Sequence[OwnModel]) -> Placement | None:
    """The placement of a model's mean on another subset."""
    return next((each.placements.get(MEAN) for each in own if (each.name, each.subset) == (model.name, subset)), None)


def _own_row(model: OwnModel, elsewhere: Placement | None) -> tuple[float | None, list[str]]:
    """The mean of a user's model, by which it is sorted, and its cells."""
    mean = model.placements.get(MEAN)
    size = next(iter(model.placements.values())).size
    cells = [
        f"{model.name} ({f'yours, not {LEADERBOARD}' if model.differences else 'yours'})",
        NONE if size is None else f"{size:g}",
        NONE,
        _rank_cell(mean),
        *(_cell(model.placements[split].score.rate if split in model.placements else None) for split in SPLITS),
        _mean_cell(_rate(mean)),
        _rank_cell(elsewhere),
        _mean_cell(_rate(elsewhere)),
        NONE,
    ]
    return _rate(mean), cells


def _rate(placement: Placement | None) -> float | None:
    return None if placement is None else placement.score.rate


def _own_table(own: Sequence[OwnModel], as_of: str, more: Sequence[str]) -> Table:
    """The placements of the user's models, measure by measure."""
    columns = ["model", "subset", "measure", "pass@1", "95%", "rank", "rank range", "of", "like size"]
    columns += ["better", "not better"]
    rows = [
        [
            model.name,
            model.subset.capitalize(),
            measure if measure == MEAN else measure.capitalize(),
            *score_cells(placement.score),
            str(placement.rank),
            f"{placement.best} to {placement.worst}",
            str(placement.among),
            NONE if placement.like_rank is None else f"{placement.like_rank} of {placement.like_among}",
            _neighbour(placement.above),
            _neighbour(placement.below),
        ]
        for model in own
        for measure, placement in model.placements.items()
    ]
    notes = [f"{model.name}, {model.subset.capitalize()}: {_settings(model)}" for model in own]
    notes.append(
        f"Rank: 1 + the number of published models that are better ({as_of}); the range is that of the 95% interval. "
        "Published scores have an interval as wide as yours."
    )
    return Table("Your runs among them", columns, rows, [*notes, *more])


def _settings(model: OwnModel) -> str:
    if not model.differences:
        return f"settings {LEADERBOARD}"
    return f"settings not known to be those of {LEADERBOARD}, so the rank means less: {'; '.join(model.differences)}"


def _neighbour(models: Sequence[tuple[str, float]]) -> str:
    return f"{models[0][0]} {percent(models[0][1])}" if models else NONE


def _rank_cell(placement: Placement | None) -> str:
    return NONE if placement is None else f"{placement.rank} ({placement.best} to {placement.worst})"


def _cell(score: float | None) -> str:
    return NONE if score is None else percent(score)


def _mean_cell(mean: float | None) -> str:
    """Two decimals: the mean of two published scores can end in half of their last decimal."""
    return NONE if mean is None else f"{100 * mean:.2f}"


def _notes(shown: int, models: int, placed: Mapping[str, Mapping[str, int]], agreed: Agreement) -> list[str]:
    subset, other = placed
    notes = [f"{shown} of {models} models. Ranks are among the {len(placed[subset])} that have both splits."]
    if agreed.tau is not None:
        largest = [f"{name} {shift:+d}" for name, shift in list(agreed.shifts.items())[:SHIFTS]]
        notes.append(
            f"Ranks on {subset.capitalize()} and {other.capitalize()}: Kendall's tau {agreed.tau:.3f} over the "
            f"{agreed.models} models that have both. A positive shift ranks higher on {subset.capitalize()}; "
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


def _picture(shown: Sequence[PublishedModel], own: Sequence[OwnModel], subset: str, other: str) -> str:
    points = [
        Point(model.name, 100 * x, 100 * y)
        for model in shown
        if (x := model.mean(subset)) is not None and (y := model.mean(other)) is not None
    ]
    for model in own:
        here, there = _on(subset, model, [model]), _on(other, model, own)
        if here and there:
            points.append(Point(model.name, 100 * here.score.rate, 100 * there.score.rate, own=True))
    return scatter(points, f"mean on {subset.capitalize()}, %", f"mean on {other.capitalize()}, %")
