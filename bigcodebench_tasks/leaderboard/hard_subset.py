"""Hard tasks by the criteria of BigCodeBench-Hard.

Source: the announcement of BigCodeBench-Hard and the official ``analysis/bcb_hard.py``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bigcodebench_tasks import TASKS_PATH
from bigcodebench_tasks.benchmark.domains import libraries_of
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import below, write_jsonl, write_text
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.results.evaluation import mean_solve_rates
from bigcodebench_tasks.results.read import read_evaluations


@dataclass(frozen=True)
class Match:
    """The query that is most similar to a task.

    Attributes:
        score: similarity, -1 to 1.
        question: the query.
        q_idx: its row in the file of queries, from 0, or the file of matches' own index.
    """

    score: float
    question: str
    q_idx: int | str


@dataclass(frozen=True)
class Figures:
    """The figures that the criteria use; None without input.

    Attributes:
        libraries: number of libraries that the ground truth uses.
        length: of the ground truth, in characters, as the official code counts.
        solve_rate: mean over models of the share of samples that pass, 0 to 1.
        match: the most similar query.
    """

    libraries: int
    length: int
    solve_rate: float | None
    match: Match | None


Criterion = Callable[[Figures], bool]

Embed = Callable[[list[str]], NDArray[np.float32]]
"""Texts to an array (texts, dimensions) of unit vectors, so that dot products are cosines."""


@dataclass(frozen=True)
class Criteria:
    """The criteria of a hard task; all have to hold.

    Attributes:
        libraries: the ground truth uses more.
        length: it is longer, in characters.
        solve_rate: the task's is lower, 0 to 1; None for no such criterion.
        similarity: that of a query is higher, -1 to 1; None for no such criterion.
    """

    libraries: int
    length: int
    solve_rate: float | None
    similarity: float | None

    def named(self) -> dict[str, Criterion]:
        """Description of each criterion to the criterion."""
        criteria: dict[str, Criterion] = {
            f"more than {self.libraries} libraries": lambda figures: figures.libraries > self.libraries,
            f"longer than {self.length} characters": lambda figures: figures.length > self.length,
        }
        if (limit := self.solve_rate) is not None:
            # A task without a solve rate is not kept.
            criteria[f"solve rate below {limit:g}"] = lambda figures: (
                figures.solve_rate is not None and figures.solve_rate < limit
            )
        if (bound := self.similarity) is not None:
            criteria[f"similarity to a query above {bound:g}"] = lambda figures: (
                figures.match is not None and figures.match.score > bound
            )
        return criteria


def figures_of(
    tasks: Sequence[Mapping[str, Any]], rates: Mapping[str, float] | None, matches: Mapping[str, Match] | None
) -> dict[str, Figures]:
    """task_id to its figures.

    Args:
        tasks: rows of the dataset.
        rates: task_id to solve rate (`solve_rates`); None without results.
        matches: task_id to its match (`best_matches`, `read_matches`); None without queries.
    """
    return {
        task["task_id"]: Figures(
            libraries=len(libraries_of(task)),
            length=len(task["canonical_solution"]),
            solve_rate=None if rates is None else rates.get(task["task_id"]),
            match=None if matches is None else matches.get(task["task_id"]),
        )
        for task in tasks
    }


def held_by(figures: Mapping[str, Figures], criteria: Criteria) -> dict[str, dict[str, bool]]:
    """task_id to each criterion's description and whether it holds for the task."""
    named = criteria.named()
    return {task_id: {words: holds(each) for words, holds in named.items()} for task_id, each in figures.items()}


def solve_rates(paths: Sequence[Path], split: str) -> dict[str, float]:
    """task_id to its solve rate over the models that have samples of it, on Full and Hard together.

    Raises:
        OutputError: a path holds no evaluation, or none is of this split.
    """
    rates = mean_solve_rates(evaluation for evaluation in read_evaluations(paths) if evaluation.split == split)
    if not rates:
        raise OutputError(f"--results holds no evaluation of the {split} split. See --results-split")
    return rates


# -- queries ---------------------------------------------------------------------------------------------


def best_matches(prompts: Mapping[str, str], queries: Iterator[str], embed: Embed, chunk: int) -> dict[str, Match]:
    """Each query counts for the task that it is most similar to; of these queries the most similar one per task.

    Args:
        prompts: task_id to prompt.
        queries: questions of users.
        embed: embeds both.
        chunk: queries embedded at a time; memory is chunk times tasks times 4 bytes.

    Returns:
        task_id to its match, for the tasks that have one.
    """
    task_ids = list(prompts)
    targets = embed(list(prompts.values()))
    best: dict[str, Match] = {}
    first = 0
    with progress(None, "Embedding queries", "query") as bar:
        while texts := list(islice(queries, chunk)):
            scores = embed(texts) @ targets.T
            nearest = scores.argmax(axis=1)
            for row, column in enumerate(nearest):
                task_id, score = task_ids[column], float(scores[row, column])
                if task_id not in best or score > best[task_id].score:
                    best[task_id] = Match(score, texts[row], first + row)
            first += len(texts)
            bar.update(len(texts))
    return best


def embedder(name: str) -> Embed:
    """A sentence-transformers model, by name or path.

    Raises:
        OptionError: the library is not installed, or cannot load the model.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise OptionError(
            "--queries needs sentence-transformers: pip install 'bigcodebench-tasks[hard-subset]'"
        ) from error
    try:
        model = SentenceTransformer(name)
    except (OSError, ValueError) as error:
        raise OptionError(f"--model {name}: sentence-transformers cannot load it: {error}") from error

    def embed(texts: list[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return vectors

    return embed


def read_queries(file: Path, column: str) -> Iterator[str]:
    """The queries of a file, read lazily.

    Args:
        file: Parquet or JSONL (also ``.gz``), a query per row.
        column: of its text.

    Raises:
        OutputError: the file cannot be read, or a row has no such text; while iterating.
    """
    try:
        for number, row in enumerate(_rows(file), start=1):
            if not isinstance(row, Mapping) or not isinstance(row.get(column), str):
                raise OutputError(f"{file}, row {number} has no text in the column {column!r}. See --query-column")
            yield row[column]
    except (OSError, EOFError, ValueError) as error:
        raise OutputError(f"cannot read queries from {file}: {error}") from error


def _rows(file: Path) -> Iterator[Any]:
    """The rows of a Parquet or JSONL file (also ``.gz``); a line of JSON may be anything."""
    if file.suffix == ".parquet":
        import pyarrow.parquet  # comes with datasets

        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(1000):
            yield from batch.to_pylist()
    else:
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def read_matches(file: Path) -> dict[str, Match]:
    """task_id to its best match in a file of known ones (``task_id``, ``question``, ``q_idx``, ``score``).

    Raises:
        OutputError: the file cannot be read, or a row is no match.
    """
    best: dict[str, Match] = {}
    try:
        for number, row in enumerate(_rows(file), start=1):
            try:
                match = Match(float(row["score"]), str(row["question"]), row["q_idx"])
                task_id = str(row["task_id"])
            except (KeyError, TypeError, ValueError) as error:
                raise OutputError(
                    f"{file}, row {number} needs task_id, question, q_idx and a number as score"
                ) from error
            if task_id not in best or match.score > best[task_id].score:
                best[task_id] = match
    except (OSError, EOFError, ValueError) as error:
        raise OutputError(f"cannot read matches from {file}: {error}") from error
    return best


# -- files -----------------------------------------------------------------------------------------------


def subset_files(folder: Path, name: str) -> list[Path]:
    """The files of `write_subset`: task ids, figures, and the YAML files of a group of lm_eval tasks.

    Raises:
        OutputError: a link in the folder leads out of it.
    """
    return [below(folder, file) for file in ("task_ids.txt", "tasks.jsonl", *yaml_names(name))]


def write_subset(
    folder: Path, name: str, version: str, figures: Mapping[str, Figures], held: Mapping[str, Mapping[str, bool]]
) -> list[str]:
    """Write the tasks for which every criterion holds, the figures of all tasks, and lm_eval tasks that run them.

    Args:
        folder: created if it is missing.
        name: of the group of lm_eval tasks.
        version: dataset version, such as "v0.1.4".
        figures: task_id to figures, every task of the dataset.
        held: from `held_by`, of the same tasks.

    Returns:
        The task_ids that were kept.

    Raises:
        OutputError: no task is left, or a file cannot be written.
    """
    kept = [task_id for task_id, each in held.items() if all(each.values())]
    if not kept:
        raise OutputError("no task is left. Relax a criterion: see bigcodebench-tasks hard-subset --help")
    ids_file, figures_file, *yaml_files = subset_files(folder, name)
    write_text(ids_file, "".join(f"{task_id}\n" for task_id in kept))
    rows = [
        {"task_id": task_id, **asdict(each), "holds": held[task_id], "kept": task_id in set(kept)}
        for task_id, each in figures.items()
    ]
    write_jsonl(figures_file, rows)
    for file, text in zip(yaml_files, _yaml_texts(name, version, kept), strict=True):
        write_text(file, text)
    return kept


def yaml_names(name: str) -> list[str]:
    """Files of a group of tasks: the group's, then one per split."""
    return [f"{name}.yaml", *(f"{name}_{split}.yaml" for split in SPLITS)]


def _yaml_texts(name: str, version: str, task_ids: Sequence[str]) -> list[str]:
    """Contents of `yaml_names`. They include no other file, so that the folder can be moved."""
    # Made from the package's files: the group of Hard, and what all tasks share.
    group = (Path(TASKS_PATH) / "bigcodebench_hard.yaml").read_text(encoding="utf-8")
    base = (Path(TASKS_PATH) / "_base.yaml").read_text(encoding="utf-8")
    lines = [f"test_split: {version}" if line.startswith("test_split:") else line for line in base.splitlines()]
    ids = ["task_ids:", *(f"  - {task_id}" for task_id in task_ids)]
    tasks = [[*lines, f"task: {name}_{split}", f"split: {split}", *ids] for split in SPLITS]
    return [group.replace("bigcodebench_hard", name), *("\n".join(text) + "\n" for text in tasks)]
