"""ResponseParser what lm_eval wrote with ``--output_path`` and ``--log_samples``."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, cast

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import as_name
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.results.untrusted import (
    BROKEN,
    mapping,
    read_json,
    record_of,
    refuse_writable_by_all,
    row_of,
    run_of,
)
from bigcodebench_tasks.scoring.records import RUN_KEY, RunRecord, SampleRecord

log = logging.getLogger("lm_eval.bigcodebench")

# The end of every name that lm_eval gives to a results file; its dates have colons replaced.
_RESULTS_NAME = re.compile(r"^results_.*\.json$|_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?\.json$")

# The revision of a model that none was asked of.
_MAIN = "main"

# What ``--seed`` sets, as the results file calls it.
_SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")

# Model arguments that the harness takes a model's name from; without one of them it makes up a random one.
_NAMING_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")


@dataclass(frozen=True)
class TaskRun:
    """One task of ours in one run of the harness.

    Attributes:
        file: the results file.
        name: the harness's name of the task.
        split, subset: "complete" or "instruct"; "full", "hard", "mini" or "custom".
        model, loader: the model's name, and the harness's name of what loaded it.
        revision: of the model.
        temperature: that samples were drawn with; 0.0 is greedy.
        date: when the run began, local time.
        options: those of the task.
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
    options: Options
    record: RunRecord
    tasks: Mapping[str, Mapping[str, Any]]
    samples: Mapping[str, list[SampleRecord]]

    @property
    def named(self) -> str:
        """The model, and its revision where it is a certain one: what the official name of its files says."""
        return self.model if self.revision == _MAIN else f"{self.model}/{self.revision}"

    @property
    def executed(self) -> bool:
        """Whether there are verdicts; not with ``--predict_only``."""
        return all(sample.executed for samples in self.samples.values() for sample in samples)


def results_files(path: Path) -> list[Path]:
    """The results files of lm_eval in an output folder, at any depth; of a file itself, that file.

    They are called ``results_<date>.json``, or after the file that ``--output_path`` named, ``<name>_<date>.json``.
    """
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*.json") if _RESULTS_NAME.search(file.name))


def read(folder: Path) -> list[TaskRun]:
    """Every task of ours in an output folder, or a results file; of repeated runs of a model the newest.

    Only the newest has to be whole. A file that is broken is named in a warning if there is a newer one that is not.

    Raises:
        OutputError: there is no result of ours, no log of samples, or a file is broken; the message says which.
    """
    if not folder.exists():
        raise OutputError(f"{folder} does not exist. Give the folder that lm_eval wrote with --output_path")
    refuse_writable_by_all(folder)
    files = results_files(folder)
    if not files:
        raise OutputError(
            f"{folder} holds no results of lm_eval (results_<date>.json). Run lm_eval with --output_path {folder} "
            "--log_samples; a run that was stopped has written none"
        )
    newest: dict[tuple[str, ...], _Written] = {}
    others: set[str] = set()
    broken: list[tuple[str, OutputError]] = []
    for file in files:
        try:
            written, foreign = _written(file)
        except OutputError as error:
            broken.append((_date_of(file), error))
            continue
        others |= foreign
        for each in written:
            key = each.model, each.revision, each.name
            if key not in newest or newest[key].date <= each.date:
                newest[key] = each
    for date, problem in broken:
        if not any(_date_of(each.file) > date for each in newest.values()):
            raise problem
        log.warning("%s. A newer run is there, so it is left out", problem)
    if not newest:
        raise OutputError(
            f"{folder} holds no result of a BigCodeBench task made with this plugin"
            + (f", only {', '.join(sorted(others))}" if others else "")
        )
    return [_task_run(each) for each in newest.values()]


def _date_of(file: Path) -> str:
    """The end of a results file's name: when it was written, if lm_eval named it. The log of a task has the same."""
    return file.stem.rpartition("_")[2]


@dataclass(frozen=True)
class _Written:
    """What a results file says of one task of ours; its log is not read yet.

    Attributes:
        file: the results file.
        name: of the task.
        model: its name.
        revision: of the model.
        date: when the run began, local time.
        results: all of the file.
        config: of the task.
        run: the record of the run in it.
    """

    file: Path
    name: str
    model: str
    revision: str
    date: datetime
    results: Mapping[str, Any]
    config: Mapping[str, Any]
    run: Mapping[str, Any]


def _written(file: Path) -> tuple[list[_Written], set[str]]:
    """The tasks of ours in a results file, and the names of all that it has."""
    results = read_json(file, "results of lm_eval")
    try:
        arguments = _model_arguments(results)
        loader = str(mapping(results.get("config")).get("model") or "unknown")
        model = str(results.get("model_name") or loader) if any(map(arguments.get, _NAMING_ARGUMENTS)) else loader
        revision = str(arguments.get("revision") or _MAIN)
        date = datetime.fromtimestamp(float(results.get("date") or 0.0))
        configs = mapping(results.get("configs"))
        ours = []
        for name, config in configs.items():
            config = mapping(config)
            run = mapping(config.get("metadata")).get(RUN_KEY)
            if run is not None:
                ours.append(_Written(file, name, model, revision, date, results, config, mapping(run)))
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as results of lm_eval: {error!r}") from error
    return ours, set(configs)


def _model_arguments(results: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = mapping(results.get("config")).get("model_args")
    if isinstance(arguments, str):
        return dict(pair.split("=", 1) for pair in arguments.split(",") if "=" in pair)
    return mapping(arguments)


def _task_run(written: _Written) -> TaskRun:
    file, name, results, config, run = written.file, written.name, written.results, written.config, written.run
    subsets = {path: subset for subset, path in SUBSETS.items()}
    try:
        # Earlier versions did not record the subset.
        subset = CUSTOM if run.get("task_ids") else subsets.get(config.get("dataset_path", ""), "full")
        record = run_of(run, subset)
        options = Options.resolve({key: value for key, value in record.options.items() if value is not None})
    except (OptionError, *BROKEN) as error:
        raise OutputError(f"{file} was written by another version of this plugin ({error!r})") from error
    if record.split not in prompts.SPLITS or record.subset not in (*SUBSETS, CUSTOM):
        raise OutputError(f"{file} names the split {record.split!r} and the subset {record.subset!r}, which are none")
    try:
        settings = mapping(results.get("config"))
        seeds = {seed.removesuffix("_seed"): settings[seed] for seed in _SEEDS if seed in settings}
        temperature = float(mapping(config.get("generation_kwargs")).get("temperature") or 0.0)
        expected = mapping(mapping(results.get("n-samples")).get(name)).get("effective")
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as results of lm_eval: {error!r}") from error
    logged = _log_of(file, name)
    tasks, samples = _logged(logged, record.mode)
    if isinstance(expected, int) and len(tasks) != expected:
        raise OutputError(
            f"{logged} holds {len(tasks)} of the {expected} tasks that were asked, so a score of it would not be the "
            "run's. Its end was lost (a full disk, a copy of an unfinished file), or lm_eval could not write an answer "
            'and said so ("Could not save sample results"). Run lm_eval again: verdicts are taken from the cache'
        )
    return TaskRun(
        file=file,
        name=name,
        split=cast(prompts.Split, record.split),
        subset=record.subset,
        model=written.model,
        loader=str(settings.get("model") or "unknown"),
        revision=written.revision,
        temperature=temperature,
        date=written.date,
        options=options,
        record=replace(record, seeds={**seeds, **record.seeds}),
        tasks=tasks,
        samples=samples,
    )


def _log_of(results: Path, task: str) -> Path:
    log = results.with_name(f"samples_{as_name(task)}_{_date_of(results)}.jsonl")
    if not log.is_file():
        raise OutputError(f"{log.name} is missing beside {results}: run lm_eval with --log_samples")
    return log


def _logged(log: Path, mode: str | None) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[SampleRecord]]]:
    """The rows of the dataset and the records that a log holds, both by task_id."""
    tasks: dict[str, Mapping[str, Any]] = {}
    samples: dict[str, list[SampleRecord]] = {}
    number = 0
    try:
        with log.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                logged = json.loads(line)
                row = row_of(logged["doc"])
                task_id = row["task_id"]
                tasks[task_id] = row
                # Both are lists per request: one for all samples, or one for each, which has a seed of its own. More
                # answers than records come where the harness padded a rank.
                pairs = (
                    zip(*each, strict=False) for each in zip(logged["resps"], logged["filtered_resps"], strict=True)
                )
                for answer, text in chain.from_iterable(pairs):
                    record = record_of(_record(text))
                    if record.raw_solution is None and mode != "direct" and isinstance(answer, str):
                        # Earlier versions recorded no answer: this is the loader's, before stop strings were applied.
                        record = replace(record, raw_solution=answer)
                    samples.setdefault(task_id, []).append(record)
    except (*BROKEN, SyntaxError, MemoryError) as error:
        raise OutputError(
            f"{log}, line {number} is no sample that this version of the plugin wrote ({error!r})"
        ) from error
    if tasks.keys() != samples.keys():
        raise OutputError(f"{log} holds a task without an answer: {next(iter(tasks.keys() - samples.keys()))}")
    return tasks, samples


def _record(text: Any) -> Any:
    """What a log holds of a sample: JSON; of an early version, where Pillow was there, a mapping as Python says it."""
    if not isinstance(text, str):
        raise TypeError("a sample is no text")
    return ast.literal_eval(text) if text.startswith("{'") else json.loads(text)
