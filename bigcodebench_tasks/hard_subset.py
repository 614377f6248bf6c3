"""``bigcodebench-tasks hard-subset``: hard tasks by the criteria with which BigCodeBench-Hard was chosen.

Source: the announcement of BigCodeBench-Hard and the official ``analysis/bcb_hard.py``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bigcodebench_tasks import TASKS_PATH
from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.benchmark.domains import libraries_of
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import refuse_existing, write_jsonl, write_text
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.results import evaluation as evaluations


@dataclass(frozen=True)
class Match:
    """The query that is most like a task.

    Attributes:
        score: similarity, -1 to 1.
        question: the query.
        q_idx: its row in the archive, from 0, or what the file of matches calls it.
    """

    score: float
    question: str
    q_idx: int | str


@dataclass(frozen=True)
class Figures:
    """What the criteria look at; None where there is no input for it.

    Attributes:
        libraries: that the canonical solution uses.
        length: of the canonical solution, in characters (so the official code counts).
        solve_rate: mean over models of the share of samples that pass, 0 to 1.
        match: the best query.
    """

    libraries: int
    length: int
    solve_rate: float | None
    match: Match | None


Criterion = Callable[[Figures], bool]

Embed = Callable[[list[str]], NDArray[np.float32]]
"""Texts to an array (texts, dimensions) of unit vectors, so that dot products are cosines."""


def hard_subset_command(given: argparse.Namespace) -> int:
    _check(given)
    targets = [given.dest / name for name in ("task_ids.txt", "tasks.jsonl", *_yaml_names(given.name))]
    refuse_existing(targets, given.force)
    if given.queries and given.matches:
        raise OptionError("--queries and --matches are two ways to the same figure: give one of them")
    tasks = list(dataset.load_tasks(dataset.FULL, given.version))
    rates = _solve_rates(given.results, given.results_split) if given.results else None
    matches = _matches(tasks, given)
    figures = {
        task["task_id"]: Figures(
            libraries=len(libraries_of(task)),
            length=len(task["canonical_solution"]),
            solve_rate=None if rates is None else rates.get(task["task_id"]),
            match=None if matches is None else matches.get(task["task_id"]),
        )
        for task in tasks
    }
    criteria = _criteria(given, with_rates=rates is not None, with_matches=matches is not None)
    holds = {task_id: {name: test(one) for name, test in criteria.items()} for task_id, one in figures.items()}
    kept = [task_id for task_id, each in holds.items() if all(each.values())]
    left = set(figures)
    for name in criteria:
        left = {task_id for task_id in left if holds[task_id][name]}
        print(f"{name}: {sum(each[name] for each in holds.values())} of {len(figures)}; with those above {len(left)}")
    if not kept:
        raise OutputError("no task is left. Relax a criterion: see bigcodebench-tasks hard-subset --help")

    write_text(targets[0], "".join(f"{task_id}\n" for task_id in kept))
    rows = [
        {"task_id": task_id, **asdict(one), "holds": holds[task_id], "kept": task_id in set(kept)}
        for task_id, one in figures.items()
    ]
    write_jsonl(targets[1], rows)
    for path, text in zip(targets[2:], _yaml_texts(given.name, given.version, kept), strict=True):
        write_text(path, text)
    print(f"{given.dest}: {len(kept)} tasks")
    print(
        f"lm_eval run --tasks {given.name} --include_path {shlex.quote(str(given.dest))} --confirm_run_unsafe_code ..."
    )
    return 0


def _check(given: argparse.Namespace) -> None:
    if not re.fullmatch(r"\w[\w.-]*", given.name):
        raise OptionError(f"--name {given.name}: give letters, digits and '_', and after the first of them '-' and '.'")
    # Another set of tasks under an official name would be reported as an official score.
    taken = [name for name in _yaml_names(given.name) if (Path(TASKS_PATH) / name).exists()]
    if taken:
        raise OptionError(f"--name {given.name}: {taken[0]} is a task of this package. Give another name")
    if given.chunk < 1:
        raise OptionError(f"--chunk {given.chunk}: give at least 1, the queries that are embedded at a time")


def _criteria(given: argparse.Namespace, with_rates: bool, with_matches: bool) -> dict[str, Criterion]:
    """Name to predicate of `Figures`; a criterion without its input is left out, and named on stderr."""
    criteria: dict[str, Criterion] = {
        f"more than {given.libraries} libraries": lambda one: one.libraries > given.libraries,
        f"longer than {given.length} characters": lambda one: one.length > given.length,
    }
    if with_rates:
        criteria[f"solved by less than {given.solve_rate:g}"] = (
            # A task that no model was asked says nothing, so it is not kept for it.
            lambda one: one.solve_rate is not None and one.solve_rate < given.solve_rate
        )
    else:
        print("without --results the solve rate is no criterion", file=sys.stderr)
    if with_matches:
        criteria[f"a query more alike than {given.similarity:g}"] = lambda one: (
            one.match is not None and one.match.score > given.similarity
        )
    else:
        print("without --queries or --matches the similarity to people's queries is no criterion", file=sys.stderr)
    return criteria


def _solve_rates(paths: Sequence[Path], split: str) -> dict[str, float]:
    """task_id to its solve rate over the models that were asked it, on Full and Hard alike."""
    rates = evaluations.mean_solve_rates(one for one in evaluations.read(paths) if one.split == split)
    if not rates:
        raise OutputError(f"--results holds no evaluation of the {split} split. See --results-split")
    return rates


# -- queries ---------------------------------------------------------------------------------------------


def _matches(tasks: Sequence[Mapping[str, Any]], given: argparse.Namespace) -> dict[str, Match] | None:
    if given.matches:
        return _read_matches(given.matches)
    if given.queries:
        if not given.queries.is_file():  # said before minutes of embedding the tasks
            raise OutputError(f"cannot read queries from {given.queries}: there is no such file")
        prompts = {task["task_id"]: task[f"{given.prompt}_prompt"] for task in tasks}
        return best_matches(prompts, _queries(given.queries, given.query_column), _embedder(given.model), given.chunk)
    return None


def best_matches(prompts: Mapping[str, str], queries: Iterator[str], embed: Embed, chunk: int) -> dict[str, Match]:
    """Per task the query that is most like it, among those that are more like it than like any other task.

    Args:
        prompts: task_id to prompt.
        queries: of people.
        embed: what embeds both.
        chunk: queries embedded at a time; memory is chunk times tasks times 4 bytes.

    Returns:
        task_id to its match; a task that no query is most like has none.
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


def _embedder(name: str) -> Embed:
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
        found: NDArray[np.float32] = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return found

    return embed


def _queries(file: Path, column: str) -> Iterator[str]:
    """The queries of a file, read as they are needed."""
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


def _read_matches(file: Path) -> dict[str, Match]:
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


# -- tasks of the harness --------------------------------------------------------------------------------


def _yaml_names(name: str) -> list[str]:
    return [f"{name}.yaml", *(f"{name}_{split}.yaml" for split in SPLITS)]


def _yaml_texts(name: str, version: str, task_ids: Sequence[str]) -> list[str]:
    """The group's file, and a file per split that is whole: it includes nothing, so its folder can be moved."""
    # Our own files are the pattern: the group of Hard, and what all tasks share.
    group = (Path(TASKS_PATH) / "bigcodebench_hard.yaml").read_text(encoding="utf-8")
    base = (Path(TASKS_PATH) / "_base.yaml").read_text(encoding="utf-8")
    lines = [f"test_split: {version}" if line.startswith("test_split:") else line for line in base.splitlines()]
    ids = ["task_ids:", *(f"  - {task_id}" for task_id in task_ids)]
    tasks = [[*lines, f"task: {name}_{split}", f"split: {split}", *ids] for split in SPLITS]
    return [group.replace("bigcodebench_hard", name), *("\n".join(text) + "\n" for text in tasks)]
