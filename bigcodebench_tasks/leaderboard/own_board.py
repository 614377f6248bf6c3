"""The ``leaderboard`` command without ``--published``: user's runs ranked as on the official leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.leaderboard.elo import Rating, elo_ratings, one_sided_models
from bigcodebench_tasks.leaderboard.ranking import ranks
from bigcodebench_tasks.results.comparison import groups
from bigcodebench_tasks.results.evaluation import Evaluation, mean_solve_rates
from bigcodebench_tasks.results.noise import add_spread, unstable_notes
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import NONE, Sheet, Table, percent, score_cells

_Models = Mapping[str, Mapping[str, Evaluation]]
"""Split to model to its evaluation, of one subset."""


@dataclass(frozen=True)
class _Entry:
    """A model on one subset.

    Attributes:
        evaluations: split to its evaluation, for the splits that it has.
        mean: of both splits' pass@1, by which the leaderboard ranks; None without both.
        rank: by the mean; None without one.
        rating: Elo on the Complete split; None without one.
    """

    model: str
    evaluations: Mapping[str, Evaluation]
    mean: float | None
    rank: int | None
    rating: Rating | None


def own_board(runs: Sequence[Evaluation], seed: int = 0) -> Sheet:
    """The models of each subset with ranks, intervals, Elo ratings, and the solve rate of each task.

    Args:
        runs: of a model, split and subset the newest one counts, on the tasks that all models of its group have;
            repeated runs get a table of mean and spread.
        seed: of the ratings' bootstrap.

    Raises:
        OutputError: models of a split and subset have no task in common.
    """
    evaluations = newest(runs)
    grouped = groups(evaluations)
    models: dict[str, _Models] = {
        subset: {group.split: group.evaluations for group in grouped if group.subset == subset}
        for subset in (*SUBSETS, CUSTOM)
        if any(group.subset == subset for group in grouped)
    }
    entries = {subset: _entries(models[subset], seed) for subset in models}
    tables: list[Table] = []
    everything: dict[str, Any] = {}
    for subset in models:
        title = f"BigCodeBench-{subset.capitalize()}"
        rates = {split: mean_solve_rates(models[subset][split].values()) for split in SPLITS if split in models[subset]}
        notes = _rating_notes(models[subset].get("complete", {}), entries[subset])
        notes += unstable_notes(each for each in evaluations if each.subset == subset)
        others = {other: entries[other] for other in models if other != subset}
        tables += [_table(title, entries[subset], others, notes), *_solve_rate_tables(title, rates)]
        everything[subset] = {
            "models": [_as_json(entry) for entry in entries[subset]],
            "tasks": {split: _solved_by(per_task) for split, per_task in rates.items()},
            "solve_rates": rates,
        }
    add_spread(runs, tables, everything)
    return Sheet("BigCodeBench: leaderboard", tables, everything, [group.note for group in grouped if group.note])


def _entries(models: _Models, seed: int) -> list[_Entry]:
    """The models of a subset, the best first, those without a mean last."""
    complete = models.get("complete", {})
    ratings = elo_ratings({model: each.solve_rates() for model, each in complete.items()}, seed)
    per_model: dict[str, dict[str, Evaluation]] = {}
    for split in SPLITS:
        for model, evaluation in models.get(split, {}).items():
            per_model.setdefault(model, {})[split] = evaluation
    means = {
        model: sum(evaluation.score().rate for evaluation in splits.values()) / len(SPLITS)
        for model, splits in per_model.items()
        if len(splits) == len(SPLITS)
    }
    placed = ranks(means)
    entries = [
        _Entry(model, splits, means.get(model), placed.get(model), ratings.get(model))
        for model, splits in per_model.items()
    ]
    return sorted(entries, key=lambda entry: (entry.mean is None, -(entry.mean or 0.0), entry.model))


def _table(
    title: str, entries: Sequence[_Entry], others: Mapping[str, Sequence[_Entry]], notes: Sequence[str]
) -> Table:
    columns = ["model", "rank", "Complete", "95%", "Instruct", "95%", "mean", "Elo (95%)"]
    columns += [f"rank on {other.capitalize()}" for other in others]
    elsewhere = [{entry.model: entry.rank for entry in other} for other in others.values()]
    rows = [
        [
            entry.model,
            str(entry.rank or NONE),
            *(
                cell
                for split in SPLITS
                for cell in score_cells(entry.evaluations[split].score() if split in entry.evaluations else None)
            ),
            NONE if entry.mean is None else percent(entry.mean),
            NONE if (elo := entry.rating) is None else f"{elo.elo} ({elo.low:.0f} to {elo.high:.0f})",
            *(str(other.get(entry.model) or NONE) for other in elsewhere),
        ]
        for entry in entries
    ]
    return Table(title, columns, rows, notes)


def _rating_notes(complete: Mapping[str, Evaluation], entries: Sequence[_Entry]) -> list[str]:
    """Why there are no ratings, or which of them mean little."""
    if not any(entry.rating for entry in entries):
        return ["No Elo ratings: they need two models on Complete that do not solve the same tasks."]
    one_sided = one_sided_models({model: evaluation.solve_rates() for model, evaluation in complete.items()})
    if not one_sided:
        return []
    return [
        f"Won, or lost, every battle on Complete: {', '.join(one_sided)}. Such a rating and its interval are set "
        "by the regularization, not by the data."
    ]


def _as_json(entry: _Entry) -> dict[str, Any]:
    return {
        "model": entry.model,
        "rank": entry.rank,
        **{split: evaluation.figures() for split, evaluation in entry.evaluations.items()},
        "mean": entry.mean,
        "elo": None if entry.rating is None else asdict(entry.rating),
    }


def _solved_by(per_task: Mapping[str, float]) -> dict[str, int]:
    """The number of tasks, and of those that no model and every model solves with all its samples."""
    none, every = (sum(rate == limit for rate in per_task.values()) for limit in (0.0, 1.0))
    return {"tasks": len(per_task), "solved_by_none": none, "solved_by_all": every}


def _solve_rate_tables(title: str, rates: Mapping[str, Mapping[str, float]]) -> list[Table]:
    tables = []
    for split, per_task in rates.items():
        solved = _solved_by(per_task)
        none, every = solved["solved_by_none"], solved["solved_by_all"]
        summary = f"{len(per_task)} tasks: {none} solved by no model, {every} by all"
        rows = [[task_id, percent(rate)] for task_id, rate in per_task.items()]
        name = f"{title}, {split.capitalize()}: solve rate of each task"
        tables.append(Table(name, ["task", "solve rate"], rows, [summary], long=True))
    return tables
