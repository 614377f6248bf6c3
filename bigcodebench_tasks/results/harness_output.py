"""Reading what lm_eval wrote with ``--output_path`` and ``--log_samples``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import as_name
from bigcodebench_tasks.results.untrusted import (
    BROKEN,
    convert,
    loads,
    row_of,
    warn_if_others_may_write,
)
from bigcodebench_tasks.results.untrusted import read as read_as
from bigcodebench_tasks.scoring.records import RUN_KEY, RunRecord, SampleRecord

log = logging.getLogger("bigcodebench_tasks")

# lm_eval's names of results files: results_<date>.json, or <name>_<date>.json; colons of the date are replaced.
_RESULTS_NAME = re.compile(r"^results_.*\.json$|_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?\.json$")

_DEFAULT_REVISION = "main"

# What ``--seed`` sets.
_SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")

# lm_eval takes the model's name from one of these model arguments; without any it makes up a random name.
_NAMING_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")


class _TaskConfig(msgspec.Struct):
    """``configs[task]`` of a results file."""

    metadata: dict[str, Any] | None = None
    generation_kwargs: dict[str, Any] | None = None


class _Results(msgspec.Struct, rename={"n_samples": "n-samples"}):
    """A results file of lm_eval, as far as it is used here."""

    config: dict[str, Any] = {}
    configs: dict[str, _TaskConfig] = {}
    model_name: str | None = None
    date: float = 0.0
    n_samples: dict[str, dict[str, Any]] = {}

    @property
    def loader(self) -> str:
        return str(self.config.get("model") or "unknown")

    @property
    def model_arguments(self) -> dict[str, Any]:
        arguments = self.config.get("model_args") or {}
        if isinstance(arguments, str):
            return dict(pair.split("=", 1) for pair in arguments.split(",") if "=" in pair)
        return convert(arguments, dict[str, Any])


class _LogLine(msgspec.Struct):
    """A line of a sample log: a task, and its records, one list per request."""

    doc: dict[str, Any]
    filtered_resps: list[list[str]]


@dataclass(frozen=True)
class TaskRun:
    """One BigCodeBench task in one run of lm_eval.

    Attributes:
        file: the results file.
        name: lm_eval's name of the task.
        split, subset: "complete" or "instruct"; "full", "hard", "mini" or "custom".
        model, loader: the model's name, and lm_eval's name of its loader.
        revision: of the model.
        temperature: of sampling; 0.0 is greedy.
        date: start of the run, local time.
        options: of the task.
        record: what the score depends on.
        tasks: task_id to row of the dataset, in the order of the log.
        samples: task_id to the records of its samples.
    """

    file: Path
    name: str
    split: prompts.Split
    subset: str
    model: str
    loader: str
    revision: str
    temperature: float
    date: datetime
    record: RunRecord
    tasks: Mapping[str, Mapping[str, Any]]
    samples: Mapping[str, list[SampleRecord]]

    @property
    def named(self) -> str:
        """The model's name, with its revision unless that is the default one."""
        return self.model if self.revision == _DEFAULT_REVISION else f"{self.model}/{self.revision}"

    @property
    def executed(self) -> bool:
        """Whether there are verdicts; false with ``--predict_only``."""
        return all(sample.executed for samples in self.samples.values() for sample in samples)


def results_files(path: Path) -> list[Path]:
    """The results files of lm_eval in a folder, at any depth; the path itself if it is a file."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*.json") if _RESULTS_NAME.search(file.name))


def read(folder: Path) -> list[TaskRun]:
    """Every BigCodeBench task in an output folder or a results file; of repeated runs of a model the newest.

    Older runs may be broken: each broken file is named in a warning.

    Raises:
        OutputError: there is no such task, no log of its samples, or the newest run is broken.
    """
    if not folder.exists():
        raise OutputError(f"{folder} does not exist. Give the folder that lm_eval wrote with --output_path")
    warn_if_others_may_write(folder)
    files = results_files(folder)
    if not files:
        raise OutputError(
            f"{folder} holds no results of lm_eval (results_<date>.json). Run lm_eval with --output_path {folder} "
            "--log_samples; a run that was stopped has written none"
        )
    newest: dict[tuple[str, ...], _Found] = {}
    others: set[str] = set()
    broken: list[tuple[str, OutputError]] = []
    for file in files:
        try:
            results = read_as(file, _Results, "results of lm_eval")
            others |= set(results.configs)
            for found in _found_in(file, results):
                key = found.model, found.revision, found.name
                if key not in newest or newest[key].date <= found.date:
                    newest[key] = found
        except OutputError as error:
            broken.append((_date_of(file), error))
    for date, problem in broken:
        if not any(_date_of(each.file) > date for each in newest.values()):
            raise problem
        log.warning("%s. There is a newer run, so it is left out", problem)
    if not newest:
        raise OutputError(
            f"{folder} holds no result of a BigCodeBench task made with this plugin"
            + (f", only {', '.join(sorted(others))}" if others else "")
        )
    return [_task_run(each) for each in newest.values()]


def _date_of(file: Path) -> str:
    """The date at the end of a results file's name. The log of a task has the same."""
    return file.stem.rpartition("_")[2]


@dataclass(frozen=True)
class _Found:
    """One BigCodeBench task in a results file; its log is not read yet."""

    file: Path
    name: str
    model: str
    revision: str
    date: datetime
    results: _Results


def _found_in(file: Path, results: _Results) -> Iterator[_Found]:
    try:
        arguments = results.model_arguments
        named = any(map(arguments.get, _NAMING_ARGUMENTS))
        model = results.model_name if named and results.model_name else results.loader
        revision = str(arguments.get("revision") or _DEFAULT_REVISION)
        date = datetime.fromtimestamp(results.date)
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as results of lm_eval: {error!r}") from error
    for name, config in results.configs.items():
        if RUN_KEY in (config.metadata or {}):
            yield _Found(file, name, model, revision, date, results)


def _task_run(found: _Found) -> TaskRun:
    file, name, results = found.file, found.name, found.results
    config = results.configs[name]
    try:
        record = RunRecord.from_dict((config.metadata or {})[RUN_KEY])
    except (OptionError, *BROKEN) as error:
        raise OutputError(f"{file} was written by another version of this plugin ({error!r})") from error
    if record.split not in prompts.SPLITS or record.subset not in (*SUBSETS, CUSTOM):
        raise OutputError(f"{file}: unknown split {record.split!r} or subset {record.subset!r}")
    try:
        temperature = float((config.generation_kwargs or {}).get("temperature") or 0.0)
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as results of lm_eval: {error!r}") from error
    logged = _log_of(file, name)
    tasks, samples = _read_log(logged)
    expected = results.n_samples.get(name, {}).get("effective")
    if isinstance(expected, int) and len(tasks) != expected:
        raise OutputError(
            f"{logged} holds {len(tasks)} of {expected} tasks, so its score would not be that of the run. Its end is "
            "missing (a full disk, a copy of an unfinished file), or lm_eval could not write a response and said so "
            '("Could not save sample results"). Run lm_eval again: verdicts are cached'
        )
    seeds = {seed.removesuffix("_seed"): results.config[seed] for seed in _SEEDS if seed in results.config}
    return TaskRun(
        file=file,
        name=name,
        split=cast(prompts.Split, record.split),
        subset=record.subset,
        model=found.model,
        loader=results.loader,
        revision=found.revision,
        temperature=temperature,
        date=found.date,
        record=replace(record, seeds={**seeds, **record.seeds}),
        tasks=tasks,
        samples=samples,
    )


def _log_of(results: Path, task: str) -> Path:
    logged = results.with_name(f"samples_{as_name(task)}_{_date_of(results)}.jsonl")
    if not logged.is_file():
        raise OutputError(f"{logged.name} is missing beside {results}: run lm_eval with --log_samples")
    return logged


def _read_log(logged: Path) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[SampleRecord]]]:
    """The rows of the dataset and the records that a log holds, both by task_id."""
    tasks: dict[str, Mapping[str, Any]] = {}
    samples: dict[str, list[SampleRecord]] = {}
    number = 0
    try:
        with logged.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                content = convert(loads(line), _LogLine)
                row = row_of(content.doc)
                tasks[row["task_id"]] = row
                # One list for all samples of a task, or one for each if each has a seed.
                records = [SampleRecord.from_dict(loads(text)) for texts in content.filtered_resps for text in texts]
                if records:
                    samples.setdefault(row["task_id"], []).extend(records)
    except (*BROKEN, MemoryError) as error:
        raise OutputError(f"{logged}, line {number} is not a sample of this version of the plugin ({error})") from error
    if tasks.keys() != samples.keys():
        raise OutputError(f"{logged} holds a task without a response: {next(iter(tasks.keys() - samples.keys()))}")
    return tasks, samples
