"""``bigcodebench-tasks compare`` and ``leaderboard``: models side by side."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results import evaluation as evaluations
from bigcodebench_tasks.results.comparison import Difference, Rating, difference, elo_ratings, one_sided_models
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.tables import Table, write

NONE = "-"
"""In a cell: the model has no such evaluation."""

# How many tasks a note names; JSON and the page have them all.
SHOWN = 10

Group = dict[str, Evaluation]
"""Model to its evaluation on one split of one subset, all of the same tasks."""


def groups(found: Sequence[Evaluation]) -> dict[tuple[str, str], Group]:
    """(subset, split) to its models, each on the tasks that all of them have; says on stderr what is left out.

    Raises:
        OutputError: models of a group have no task in common.
    """
    per_key: dict[tuple[str, str], Group] = {}
    for one in found:
        per_key.setdefault((one.subset, one.split), {})[one.model] = one
    return {key: _on_common_tasks(group) for key, group in sorted(per_key.items())}


def _on_common_tasks(group: Group) -> Group:
    common = set.intersection(*(set(one.samples) for one in group.values()))
    most = max(group.values(), key=lambda one: len(one.samples))
    if not common:
        raise OutputError(f"{most.name}: {', '.join(group)} have no task in common. Compare runs of the same tasks")
    if len(common) < len(most.samples):
        few = [f"{model} has {len(one.samples)}" for model, one in group.items() if len(one.samples) != len(common)]
        print(
            f"{most.name}: only the {len(common)} tasks that all models have count ({'; '.join(few)})", file=sys.stderr
        )
    return {model: one.on(common) for model, one in group.items()}


def _score(one: Evaluation | None) -> list[str]:
    """pass@1 and its 95% interval, in percent, as two cells."""
    if one is None:
        return [NONE, NONE]
    score = one.score()
    return [_percent(score.rate), f"{_percent(score.low)} to {_percent(score.high)}"]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


# -- leaderboard -----------------------------------------------------------------------------------------


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


def leaderboard_command(given: argparse.Namespace) -> int:
    grouped = groups(evaluations.read(given.sources))
    subsets = [name for name in (*SUBSETS, CUSTOM) if any(name == subset for subset, _ in grouped)]
    entries = {subset: _entries(grouped, subset, given.seed) for subset in subsets}
    ranks = {subset: _ranks(entries[subset]) for subset in subsets}
    tables: list[Table] = []
    everything: dict[str, Any] = {}
    for subset in subsets:
        others = [ranks[other] for other in subsets if other != subset]
        columns = ["model", "rank", "Complete", "95%", "Instruct", "95%", "mean", "Elo (95%)"]
        columns += [f"rank on {other.capitalize()}" for other in subsets if other != subset]
        rows = [_row(entry, ranks[subset], others) for entry in entries[subset]]
        notes = _rating_notes(grouped.get((subset, "complete"), {}), entries[subset])
        title = f"BigCodeBench-{subset.capitalize()}"
        rates = _solve_rates(grouped, subset)
        tables += [Table(title, columns, rows, notes), *_solve_rate_tables(title, rates)]
        models = [_as_json(entry, ranks[subset]) for entry in entries[subset]]
        solved = {split: _solved_by(per_task) for split, per_task in rates.items()}
        everything[subset] = {"models": models, "tasks": solved, "solve_rates": rates}
    write(tables, everything, "BigCodeBench: leaderboard", given)
    return 0


def _entries(grouped: Mapping[tuple[str, str], Group], subset: str, seed: int) -> list[Entry]:
    """The models of a subset, the best first, those without a mean last."""
    per_split = {split: grouped.get((subset, split), {}) for split in SPLITS}
    ratings = elo_ratings({model: one.solve_rates() for model, one in per_split["complete"].items()}, seed)
    entries = []
    for model in {model: None for group in per_split.values() for model in group}:
        found = {split: group[model] for split, group in per_split.items() if model in group}
        scores = [one.score().rate for one in found.values()]
        mean = sum(scores) / len(SPLITS) if len(scores) == len(SPLITS) else None
        entries.append(Entry(model, found, mean, ratings.get(model)))
    return sorted(entries, key=lambda entry: (entry.mean is None, -(entry.mean or 0.0), entry.model))


def _ranks(entries: Sequence[Entry]) -> dict[str, int]:
    """Model to rank; models with the same mean share one, and one without a mean has none."""
    means = {entry.model: entry.mean for entry in entries if entry.mean is not None}
    return {model: 1 + sum(other > mean for other in means.values()) for model, mean in means.items()}


def _rating_notes(complete: Group, entries: Sequence[Entry]) -> list[str]:
    """What readers of the ratings have to know: why there are none, or which of them mean little."""
    if not any(entry.rating for entry in entries):
        return ["No Elo ratings: they need two models on Complete that do not solve the same tasks."]
    one_sided = one_sided_models({model: one.solve_rates() for model, one in complete.items()})
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
        *(cell for split in SPLITS for cell in _score(entry.evaluations.get(split))),
        NONE if entry.mean is None else _percent(entry.mean),
        NONE if rating is None else f"{rating.elo} ({rating.low:.0f} to {rating.high:.0f})",
        *(str(other.get(entry.model, NONE)) for other in others),
    ]


def _as_json(entry: Entry, ranks: Mapping[str, int]) -> dict[str, Any]:
    return {
        "model": entry.model,
        "rank": ranks.get(entry.model),
        **{split: _figures(one) for split, one in entry.evaluations.items()},
        "mean": entry.mean,
        "elo": None if entry.rating is None else asdict(entry.rating),
    }


def _figures(one: Evaluation) -> dict[str, Any]:
    score = one.score()
    figures = {"pass@1": score.rate, "low": score.low, "high": score.high, "tasks": score.tasks}
    return {**figures, "source": str(one.source)}


def _solve_rates(grouped: Mapping[tuple[str, str], Group], subset: str) -> dict[str, dict[str, float]]:
    """split to task_id to the mean of its solve rates over the models."""
    return {
        split: evaluations.mean_solve_rates(group.values())
        for split in SPLITS
        if (group := grouped.get((subset, split)))
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
        rows = [[task_id, _percent(rate)] for task_id, rate in per_task.items()]
        name = f"{title}, {split.capitalize()}: solve rate of each task"
        tables.append(Table(name, ["task", "solve rate"], rows, [summary], long=True))
    return tables


# -- compare ---------------------------------------------------------------------------------------------


def compare_command(given: argparse.Namespace) -> int:
    found = evaluations.read(given.sources)
    comparable = {key: group for key, group in groups(found).items() if len(group) > 1}
    if not comparable:
        there = "; ".join(f"{one.model}: {one.name}" for one in found)
        raise OutputError(
            f"there are no two models on the same split and subset to compare, only {there}. Give the results of "
            "another model; of runs of one model under one name only the newest counts"
        )
    tables, everything = [], []
    for (subset, split), group in comparable.items():
        name = next(iter(group.values())).name
        tasks = len(next(iter(group.values())).samples)
        scores = [[model, *_score(one)] for model, one in group.items()]
        tables.append(Table(f"{name}: pass@1 on {tasks} tasks", ["model", "pass@1", "95%"], scores))
        passed = {
            model: {task_id: [sample.passed for sample in samples] for task_id, samples in one.samples.items()}
            for model, one in group.items()
        }
        rows, lists, pairs = [], [], []
        for first, second in itertools.combinations(group, 2):
            pair = difference(passed[first], passed[second], given.seed)
            pairs.append({"first": first, "second": second, **asdict(pair)})
            rows.append(
                [
                    f"{first} - {second}",
                    f"{100 * pair.mean:+.1f}",
                    f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}",
                    f"{pair.p:.2g}",
                    str(len(pair.only_first)),
                    str(len(pair.only_second)),
                ]
            )
            if pair.only_first or pair.only_second:
                lists.append(_only_one_solves(name, first, second, pair))
        columns = ["pair", "difference", "95%", "McNemar p", "only the first", "only the second"]
        tables += [Table(f"{name}: differences", columns, rows), *lists]
        models = {model: _figures(one) for model, one in group.items()}
        everything.append({"subset": subset, "split": split, "models": models, "pairs": pairs})
    write(tables, {"comparisons": everything}, "BigCodeBench: comparison", given)
    return 0


def _only_one_solves(name: str, first: str, second: str, pair: Difference) -> Table:
    """The tasks that only one of two models solves: all as rows, the first few as notes."""
    rows = [[task_id, first] for task_id in pair.only_first] + [[task_id, second] for task_id in pair.only_second]
    notes = [_named(first, second, pair.only_first), _named(second, first, pair.only_second)]
    title = f"{name}: tasks that only one of {first} and {second} solves"
    return Table(title, ["task", "solved by"], rows, [note for note in notes if note], long=True)


def _named(solver: str, other: str, task_ids: Sequence[str]) -> str:
    """A note that names tasks; "" for none."""
    more = f" and {len(task_ids) - SHOWN} more (--json and --html name all)" if len(task_ids) > SHOWN else ""
    return f"{solver} solves, {other} does not: {', '.join(task_ids[:SHOWN])}{more}" if task_ids else ""
