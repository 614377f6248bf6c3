"""Reading what lm_eval wrote with ``--output_path`` and ``--log_samples``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.options import Options

RUN_KEY = "bigcodebench_run"
"""Where a run says what its score depends on: ``configs[task]["metadata"][RUN_KEY]`` in the results file."""

NOT_EXECUTED = "not executed"
"""Status of a sample when the harness was asked for predictions only (``--predict_only``)."""

# Model arguments that the harness takes a model's name from; without one of them it makes up a random one.
_NAMING_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")


@dataclass(frozen=True)
class Sample:
    """One sample of a run.

    Attributes:
        task: row of the dataset.
        raw: what the official tool calls ``raw_solution``: the answer before sanitizing, in direct completion
            with its prompt.
        record: solution, status and, where it was executed, reason, details, seconds and tests_run.
    """

    task: Mapping[str, Any]
    raw: str
    record: Mapping[str, Any]


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
        run: what the score depends on (`RUN_KEY`).
        samples: in the order of the log, samples of a task together.
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
    run: Mapping[str, Any]
    samples: list[Sample]

    @property
    def executed(self) -> bool:
        """Whether there are verdicts; not with ``--predict_only``."""
        return all(sample.record["status"] != NOT_EXECUTED for sample in self.samples)

    def program(self, sample: Sample) -> str:
        """What was executed for a sample of this run: its solution, calibrated if the run's were."""
        solution: str = sample.record["solution"]
        return calibrate(solution, sample.task["code_prompt"]) if self.options.calibrated else solution


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
    try:
        split: prompts.Split = run["split"]
        mode: prompts.Mode = run["mode"]
        options = Options.resolve({key: value for key, value in run["options"].items() if value is not None})
    except (OptionError, KeyError) as error:
        raise OutputError(f"{file} was written by another version of this plugin ({error!r})") from error
    subsets = {path: subset for subset, path in SUBSETS.items()}
    subset = CUSTOM if run.get("task_ids") else subsets.get(config.get("dataset_path", ""), "full")
    return TaskRun(
        file=file,
        name=name,
        split=split,
        subset=subset,
        model=str(results.get("model_name") or loader) if any(map(arguments.get, _NAMING_ARGUMENTS)) else loader,
        loader=loader,
        revision=str(arguments.get("revision") or "main"),
        temperature=float(generation.get("temperature") or 0.0),
        date=datetime.fromtimestamp(float(results.get("date") or 0.0)),
        options=options,
        run=run,
        samples=list(_samples(_log_of(file, name), split, mode, options)),
    )


def _log_of(results: Path, task: str) -> Path:
    log = results.with_name(results.name.replace("results_", f"samples_{task}_", 1) + "l")
    if not log.is_file():
        raise OutputError(f"{log.name} is missing beside {results}: run lm_eval with --log_samples")
    return log


def _samples(log: Path, split: prompts.Split, mode: prompts.Mode, options: Options) -> Iterator[Sample]:
    with log.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                task = row["doc"]
                stops = row["arguments"]["gen_args_0"]["arg_1"]["until"]
                # Both lists are lists per request; more answers than records come where the harness padded a rank.
                for answer, record in zip(row["resps"][0], row["filtered_resps"][0], strict=False):
                    raw = prompts.answer_text(task, split, prompts.completion_text(answer, stops, mode), mode, options)
                    yield Sample(task, raw, json.loads(record))
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise OutputError(
                    f"{log}, line {number} is no sample that this version of the plugin wrote ({error!r})"
                ) from error
