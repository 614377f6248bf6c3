"""Models ranked as the official leaderboard ranks them, and what ``leaderboard`` shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.leaderboard.elo import Rating, elo_ratings, one_sided_models
from bigcodebench_tasks.leaderboard.ranks import ranks
from bigcodebench_tasks.results.comparison import groups
from bigcodebench_tasks.results.evaluation import Evaluation, mean_solve_rates
from bigcodebench_tasks.results.noise import repeated, spread_table, unstable_notes
from bigcodebench_tasks.results.read import newest
from bigcodebench_tasks.results.tables import NONE, Sheet, Table, percent, score_cells


@dataclass(frozen=True)
class Entry:
    """A model on one subset.

    Attributes:
        evaluations: split to its evaluation, where there is one.
        mean: of both splits' pass@1, by which the leaderboard ranks; None where a split is missing.
        rating: on the Complete split; None where there is none.
    """

    model: str
    evaluations: Mapping[str, Evaluation]
    mean: float | None
    rating: Rating | None


def leaderboard(runs: Sequence[Evaluation], seed: int = 0) -> Sheet:
    """The models of each subset in their order, with ranks, intervals and ratings, and the solve rate of each task.

    Args:
        runs: of a model, split and subset the newest one counts, on the tasks that all models of its group have;
            several that differ by chance alone have a table of their own.
        seed: of the ratings' bootstrap.

    Raises:
        OutputError: models of a split and subset have no task in common.
    """
    evaluations = newest(runs)
    grouped = groups(evaluations)
    subsets = [name for name in (*SUBSETS, CUSTOM) if any(group.subset == name for group in grouped)]
    models = {
        subset: {group.split: group.evaluations for group in grouped if group.subset == subset} for subset in subsets
    }
    entries = {subset: _entries(models[subset], seed) for subset in subsets}
    ranks = {subset: _ranks(entries[subset]) for subset in subsets}
    tables: list[Table] = []
    everything: dict[str, Any] = {}
    for subset in subsets:
        others = {other: ranks[other] for other in subsets if other != subset}
        columns = ["model", "rank", "Complete", "95%", "Instruct", "95%", "mean", "Elo (95%)"]
        columns += [f"rank on {other.capitalize()}" for other in others]
        rows = [_row(entry, ranks[subset], list(others.values())) for entry in entries[subset]]
        notes = _rating_notes(models[subset].get("complete", {}), entries[subset])
        notes += unstable_notes(each for each in evaluations if each.subset == subset)
        title = f"BigCodeBench-{subset.capitalize()}"
        rates = {split: mean_solve_rates(models[subset][split].values()) for split in SPLITS if split in models[subset]}
        tables += [Table(title, columns, rows, notes), *_solve_rate_tables(title, rates)]
        everything[subset] = {
            "models": [_as_json(entry, ranks[subset]) for entry in entries[subset]],
            "tasks": {split: _solved_by(per_task) for split, per_task in rates.items()},
            "solve_rates": rates,
        }
    if several := repeated(runs):
        tables.append(spread_table(several))
        everything["runs"] = [each.to_dict() for each in several]
    return Sheet("BigCodeBench: leaderboard", tables, everything, [group.note for group in grouped if group.note])


def _entries(models: Mapping[str, Mapping[str, Evaluation]], seed: int) -> list[Entry]:
    """The models of a subset, the best first, those without a mean last.

    Args:
        models: split to model to its evaluation; not every split has to be there.
    """
    per_split = {split: models.get(split, {}) for split in SPLITS}
    ratings = elo_ratings({model: each.solve_rates() for model, each in per_split["complete"].items()}, seed)
    entries = []
    for model in dict.fromkeys(model for evaluations in per_split.values() for model in evaluations):
        of_model = {split: evaluations[model] for split, evaluations in per_split.items() if model in evaluations}
        scores = [evaluation.score().rate for evaluation in of_model.values()]
        mean = sum(scores) / len(SPLITS) if len(scores) == len(SPLITS) else None
        entries.append(Entry(model, of_model, mean, ratings.get(model)))
    return sorted(entries, key=lambda entry: (entry.mean is None, -(entry.mean or 0.0), entry.model))


def _ranks(entries: Sequence[Entry]) -> dict[str, int]:
    """Model to rank; one without a mean has none."""
    return ranks({entry.model: entry.mean for entry in entries if entry.mean is not None})


def _rating_notes(complete: Mapping[str, Evaluation], entries: Sequence[Entry]) -> list[str]:
    """What readers of the ratings have to know: why there are none, or which of them mean little."""
    if not any(entry.rating for entry in entries):
        return ["No Elo ratings: they need two models on Complete that do not solve the same tasks."]
    one_sided = one_sided_models({model: evaluation.solve_rates() for model, evaluation in complete.items()})
    if not one_sided:
        return []
    return [
        f"Won, or lost, every battle on Complete: {', '.join(one_sided)}. Such a rating and its interval are set "
        "by the regularization, not by the data."
    ]


def _row(entry: Entry, ranks: Mapping[str, int], others: Sequence[Mapping[str, int]]) -> list[str]:
    rating = entry.rating
    return [
        entry.model,
        str(ranks.get(entry.model, NONE)),
        *(cell for split in SPLITS for cell in _score(entry, split)),
        NONE if entry.mean is None else percent(entry.mean),
        NONE if rating is None else f"{rating.elo} ({rating.low:.0f} to {rating.high:.0f})",
        *(str(other.get(entry.model, NONE)) for other in others),
    ]


def _score(entry: Entry, split: str) -> list[str]:
    evaluation = entry.evaluations.get(split)
    return score_cells(None if evaluation is None else evaluation.score())


def _as_json(entry: Entry, ranks: Mapping[str, int]) -> dict[str, Any]:
    return {
        "model": entry.model,
        "rank": ranks.get(entry.model),
        **{split: evaluation.figures() for split, evaluation in entry.evaluations.items()},
        "mean": entry.mean,
        "elo": None if entry.rating is None else asdict(entry.rating),
    }


def _solved_by(per_task: Mapping[str, float]) -> dict[str, int]:
    """How many tasks there are, and how many no model and every model solves with all its samples."""
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
