"""The public record: the leaderboard's models, and how many of them solve each task.

The figures ship with the package (``data/published_*.jsonl``; the first line names source, commit and date;
``scripts/make_published.py`` writes them). Scores are pass@1, greedy, calibrated: percent with one decimal in the
files, 0 to 1 here. Of a model only totals are published, and of a task only the share of models that solve it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from bigcodebench_tasks.benchmark.dataset_version import TASKS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OptionError

if TYPE_CHECKING:
    from bigcodebench_tasks.results.evaluation import Evaluation

STATES = ("2024-07-18", "2025-04-17")
"""Dates of the bundled states of the leaderboard: the announcement of BigCodeBench-Hard, and the newest."""

NEWEST = STATES[-1]

PREFIX = "published:"
"""On the command line, before the name of a published model."""

SOLVE_RATES_OF = "2024-06-11"
"""Date of the published solve rates."""

LIKE_SIZE = 1.5
"""Sizes are similar if they differ by no more than this factor."""

_SIZE = re.compile(r"(?<![A-Za-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)\s?([BM])(?![A-Za-z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class PublishedModel:
    """A model of the leaderboard.

    Attributes:
        name: as on the leaderboard, with unusual settings in brackets.
        size: billions of parameters, all experts together; None if not published (all closed models).
        date: ISO date of the release; None in the state of 2024-07-18, which has none.
        prefilled: whether the assistant's turn was prefilled; None if not published.
        scores: (subset, split) to pass@1, 0 to 1, for what was evaluated.
    """

    name: str
    size: float | None
    date: str | None
    prefilled: bool | None
    scores: Mapping[tuple[str, str], float]

    @property
    def open_weights(self) -> bool:
        """The leaderboard gives a size for models with open weights, and for no others."""
        return self.size is not None

    def score(self, subset: str, split: str) -> float | None:
        """pass@1 of a split of a subset, 0 to 1; None if not published."""
        return self.scores.get((subset, split))

    def mean(self, subset: str) -> float | None:
        """The mean of Complete and Instruct, by which the leaderboard ranks; None without both."""
        scores = [self.scores[subset, split] for split in SPLITS if (subset, split) in self.scores]
        # Rounded, so that means that are equal in the published decimals are equal here.
        return round(sum(scores) / len(scores), 6) if len(scores) == len(SPLITS) else None


@cache
def published_models(as_of: str = NEWEST) -> tuple[PublishedModel, ...]:
    """The models of a state (`STATES`) of the leaderboard, in its order."""
    return tuple(_model(row) for row in _rows("models") if row["as_of"] == as_of)


def _model(row: Mapping[str, Any]) -> PublishedModel:
    scores = {
        (subset, split): round(percent / 100, 6)
        for subset in TASKS
        for split, percent in zip(SPLITS, row[subset], strict=True)
        if percent is not None
    }
    return PublishedModel(row["model"], row["size"], row["date"], row["prefill"], scores)


def find(name: str, as_of: str = NEWEST) -> PublishedModel:
    """The published model of this name, in any case. Raises OptionError, with similar names, if there is none."""
    models = {model.name.lower(): model for model in published_models(as_of)}
    wanted = name.strip().lower()
    if model := models.get(wanted):
        return model
    near = [known for known in models if wanted and wanted in known][:5]
    near += [known for known in difflib.get_close_matches(wanted, models, n=5, cutoff=0.4) if known not in near]
    similar = ", ".join(models[known].name for known in near[:5]) or "see bigcodebench-tasks leaderboard --published"
    raise OptionError(f"no published model of {as_of} is called {name!r}. Did you mean: {similar}")


@cache
def solved_by(split: str) -> tuple[int, Mapping[str, int]]:
    """The number of models evaluated on a split, and task_id to how many of them solve it."""
    (row,) = (row for row in _rows("solve_rates") if row["split"] == split)
    return row["models"], {f"BigCodeBench/{number}": solved for number, solved in enumerate(row["solved_by"])}


def solve_rates(*splits: str) -> dict[str, float]:
    """task_id to the share of models that solve it, 0 to 1, for every task of Full.

    With several splits the models are pooled: each counts once for each split.
    """
    counts = [solved_by(split) for split in splits]
    models = sum(number for number, _ in counts)
    return {task_id: sum(solved[task_id] for _, solved in counts) / models for task_id in counts[0][1]}


def size_in(name: str) -> float | None:
    """Billions of parameters in a model's name ("Qwen2.5-7B", "8x22B", "SmolLM2-135M"); None without any."""
    sizes = [
        int(experts or 1) * float(number) * (1.0 if unit in "bB" else 0.001)
        for experts, number, unit in _SIZE.findall(name.rpartition("/")[2].replace("_", "-"))
    ]
    return max(sizes, default=None)


def of_like_size(models: Iterable[PublishedModel], size: float) -> list[PublishedModel]:
    """The models of similar size (`LIKE_SIZE`)."""
    return [m for m in models if m.size is not None and size / LIKE_SIZE <= m.size <= size * LIKE_SIZE]


def not_published_notes(evaluations: Iterable[Evaluation]) -> list[str]:
    """A note for each evaluation of a subset that is not published."""
    return [
        f"{each.model}, {each.name}: this subset is not published, so it is left out"
        for each in evaluations
        if each.subset not in TASKS
    ]


@cache
def _rows(name: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of a bundled file, without its head."""
    text = (resources.files("bigcodebench_tasks.data") / f"published_{name}.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines()[1:])
