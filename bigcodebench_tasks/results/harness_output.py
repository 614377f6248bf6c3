"""Reading what lm_eval wrote with ``--output_path`` and ``--log_samples``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, cast

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.records import RUN_KEY, RunRecord, SampleRecord

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
    def executed(self) -> bool:
        """Whether there are verdicts; not with ``--predict_only``."""
        return all(sample.executed for samples in self.samples.values() for sample in samples)


def read(folder: Path) -> list[TaskRun]:
    """Every task of ours in an output folder, or a results file; of repeated runs of a model the newest.

    Raises:
        OutputError: there is no result of ours, no log of samples, or a file is broken; the message says which.
    """
    if not folder.exists():
        raise OutputError(f"{folder} does not exist. Give the folder that lm_eval wrote with --output_path")
    files = [folder] if folder.is_file() else sorted(folder.rglob("results_*.json"))
    if not files:
        raise OutputError(
            f"{folder} holds no results of lm_eval (results_<date>.json). Run lm_eval with --output_path {folder} "
            "--log_samples; a run that was stopped has written none"
        )
    found: dict[tuple[str, str], TaskRun] = {}
    others: set[str] = set()
    for file in files:
        results = _json(file)
        configs = results.get("configs") or {}
        others |= set(configs)
        for name, config in configs.items():
            run = (config.get("metadata") or {}).get(RUN_KEY)
            if run is not None:
                task_run = _task_run(file, results, name, config, run)
                key = task_run.model, name
                if key not in found or found[key].date <= task_run.date:
                    found[key] = task_run
    if not found:
        raise OutputError(
            f"{folder} holds no result of a BigCodeBench task made with this plugin"
            + (f", only {', '.join(sorted(others))}" if others else "")
        )
    return list(found.values())


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"{file} cannot be read as results of lm_eval: {error}") from error
    if not isinstance(content, dict):
        raise OutputError(f"{file} is not a results file of lm_eval")
    return content


def _task_run(
    file: Path, results: Mapping[str, Any], name: str, config: Mapping[str, Any], run: Mapping[str, Any]
) -> TaskRun:
    settings = results.get("config") or {}
    arguments = settings.get("model_args") or {}
    if isinstance(arguments, str):
        arguments = dict(pair.split("=", 1) for pair in arguments.split(",") if "=" in pair)
    loader = str(settings.get("model") or "unknown")
    generation = config.get("generation_kwargs") or {}
    subsets = {path: subset for subset, path in SUBSETS.items()}
    # Earlier versions did not record the subset.
    subset = CUSTOM if run.get("task_ids") else subsets.get(config.get("dataset_path", ""), "full")
    try:
        record = RunRecord.from_dict(run, subset)
        options = Options.resolve({key: value for key, value in record.options.items() if value is not None})
    except (OptionError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{file} was written by another version of this plugin ({error!r})") from error
    seeds = {name.removesuffix("_seed"): settings[name] for name in _SEEDS if name in settings}
    record = replace(record, seeds={**seeds, **record.seeds})
    if record.generation is None:
        decoding = {name: value for name, value in generation.items() if name != "until"}
        record = replace(record, generation=decoding or None)
    tasks, samples = _logged(_log_of(file, name), record.mode)
    return TaskRun(
        file=file,
        name=name,
        split=cast(prompts.Split, record.split),
        subset=record.subset,
        model=str(results.get("model_name") or loader) if any(map(arguments.get, _NAMING_ARGUMENTS)) else loader,
        loader=loader,
        revision=str(arguments.get("revision") or "main"),
        temperature=float(generation.get("temperature") or 0.0),
        date=datetime.fromtimestamp(float(results.get("date") or 0.0)),
        options=options,
        record=record,
        tasks=tasks,
        samples=samples,
    )


def _log_of(results: Path, task: str) -> Path:
    log = results.with_name(results.name.replace("results_", f"samples_{task}_", 1) + "l")
    if not log.is_file():
        raise OutputError(f"{log.name} is missing beside {results}: run lm_eval with --log_samples")
    return log


def _logged(log: Path, mode: str | None) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[SampleRecord]]]:
    """The rows of the dataset and the records that a log holds, both by task_id."""
    tasks: dict[str, Mapping[str, Any]] = {}
    samples: dict[str, list[SampleRecord]] = {}
    with log.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                task_id = row["doc"]["task_id"]
                tasks[task_id] = row["doc"]
                # Both are lists per request: one for all samples, or one for each, which has a seed of its own. More
                # answers than records come where the harness padded a rank.
                pairs = (zip(*each, strict=False) for each in zip(row["resps"], row["filtered_resps"], strict=True))
                for answer, text in chain.from_iterable(pairs):
                    record = SampleRecord.from_dict(json.loads(text))
                    if record.raw_solution is None and mode != "direct":
                        # Earlier versions recorded no answer: this is the loader's, before stop strings were applied.
                        record = replace(record, raw_solution=answer)
                    samples.setdefault(task_id, []).append(record)
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise OutputError(
                    f"{log}, line {number} is no sample that this version of the plugin wrote ({error!r})"
                ) from error
    return tasks, samples
