"""The public record: the leaderboard's models, and how many of them solve each task.

The figures ship with the package (``data/published_*.jsonl``, whose first line names source, commit and date;
``scripts/make_published.py`` writes them). They are of the public leaderboard: pass@1, greedy, calibrated, in percent
with one decimal there and as a share of 0 to 1 here. Of a published model only totals are known, and of a task only the
share of models that solve it: which model solves which task is not.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OptionError

STATES = ("2024-07-18", "2025-04-17")
"""Dates of the states of the leaderboard that are bundled: that of BigCodeBench-Hard's announcement, and the newest."""

NEWEST = STATES[-1]

PREFIX = "published:"
"""Before a name on the command line: the published model, and not a folder."""

TASKS = {"full": 1140, "hard": 148}
"""The subsets that are published, and how many tasks each has."""

SOLVE_RATES_OF = "2024-06-11"
"""Date of the published solve rates."""

LIKE_SIZE = 1.5
"""Models whose sizes differ by no more than this factor are of like size."""

_SIZE = re.compile(r"(?<![A-Za-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)\s?([BM])(?![A-Za-z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class PublishedModel:
    """A model of the leaderboard.

    Attributes:
        name: as the leaderboard calls it; settings that differ from its usual ones stand there in brackets.
        size: billions of parameters, all experts together; None where it is not published, as of all closed models.
        date: ISO date of the release; None in the state of 2024-07-18, which names none.
        prefilled: whether the assistant's turn was opened; None where it is not said.
        scores: (subset, split) to pass@1, 0 to 1; what was not evaluated is missing.
    """

    name: str
    size: float | None
    date: str | None
    prefilled: bool | None
    scores: Mapping[tuple[str, str], float]

    @property
    def open_weights(self) -> bool:
        """Whether its weights can be had: the leaderboard gives a size for these models, and for no others."""
        return self.size is not None

    def score(self, subset: str, split: str) -> float | None:
        """pass@1 of a split of a subset, 0 to 1; None where it is not published."""
        return self.scores.get((subset, split))

    def mean(self, subset: str) -> float | None:
        """The mean of Complete and Instruct, by which the leaderboard ranks; None where one is missing."""
        scores = [self.scores[subset, split] for split in SPLITS if (subset, split) in self.scores]
        # Rounded: means that are equal in the published decimals are equal here.
        return round(sum(scores) / len(scores), 6) if len(scores) == len(SPLITS) else None


@cache
def published_models(as_of: str = NEWEST) -> tuple[PublishedModel, ...]:
    """The models of a state of the leaderboard, in its order.

    Args:
        as_of: one of `STATES`.
    """
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
    """The published model of this name; upper and lower case are the same.

    Raises:
        OptionError: there is none; the message holds the names that are most like it.
    """
    models = {model.name.lower(): model for model in published_models(as_of)}
    if model := models.get(name.strip().lower()):
        return model
    wanted = name.strip().lower()
    near = [known for known in models if wanted and wanted in known][:5]
    near += [known for known in difflib.get_close_matches(wanted, models, n=5, cutoff=0.4) if known not in near]
    said = ", ".join(models[known].name for known in near[:5]) or "see bigcodebench-tasks leaderboard --published"
    raise OptionError(f"no published model of {as_of} is called {name!r}. Did you mean: {said}")


@cache
def solved_by(split: str) -> tuple[int, Mapping[str, int]]:
    """How many models were asked a split, and task_id to how many of them solve it.

    Args:
        split: "complete" or "instruct".
    """
    (row,) = (row for row in _rows("solve_rates") if row["split"] == split)
    return row["models"], {f"BigCodeBench/{number}": solved for number, solved in enumerate(row["solved_by"])}


def solve_rates(*splits: str) -> dict[str, float]:
    """task_id to the share of models that solve it, 0 to 1, for every task of Full.

    Args:
        splits: one, or several whose models are pooled: each model counts once for each split that it was asked.
    """
    counts = [solved_by(split) for split in splits]
    models = sum(number for number, _ in counts)
    return {task_id: sum(solved[task_id] for _, solved in counts) / models for task_id in counts[0][1]}


def size_in(name: str) -> float | None:
    """Billions of parameters by a model's name ("Qwen2.5-7B", "8x22B", "SmolLM2-135M"); None where it says none."""
    sizes = [
        int(experts or 1) * float(number) * (1.0 if unit in "bB" else 0.001)
        for experts, number, unit in _SIZE.findall(name.rpartition("/")[2].replace("_", "-"))
    ]
    return max(sizes, default=None)


def of_like_size(models: Iterable[PublishedModel], size: float) -> list[PublishedModel]:
    """The models whose size differs from this one by no more than the factor `LIKE_SIZE`."""
    return [m for m in models if m.size is not None and size / LIKE_SIZE <= m.size <= size * LIKE_SIZE]


@cache
def _rows(name: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of a bundled file, without its head."""
    text = (resources.files("bigcodebench_tasks.data") / f"published_{name}.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines()[1:])
