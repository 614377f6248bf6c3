"""Finished evaluations, in one form wherever they come from: lm_eval's output or the official ``_eval_results.json``.

What looks at results (`report`, `inspect`, `compare`, `leaderboard`, `hard-subset`) reads them here and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bigcodebench_tasks import DATASET_VERSION
from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results import harness_output
from bigcodebench_tasks.scoring.intervals import Estimate, estimate

_RESULTS = "eval_results.json"
_NAME = re.compile(r"(?P<model>.+?)--bigcodebench(?:-(?P<subset>[a-z]+))??-(?P<split>complete|instruct)--")


@dataclass(frozen=True)
class Judged:
    """One judged sample.

    Attributes:
        status: "pass", "fail" or "timeout".
        reason: in our words (`execution.Verdict`); the status again in official files, which know no reason.
        details: test method to traceback, or {"ALL": message}.
        program: the executed program, calibrated where the evaluation was.
        raw: the answer before sanitizing; None where the source does not hold it.
        seconds: wall-clock seconds of its execution; None likewise.
    """

    status: str
    reason: str
    details: Mapping[str, str]
    program: str
    raw: str | None = None
    seconds: float | None = None

    @property
    def passed(self) -> bool:
        return self.status == "pass"

    def solution_start(self, task: Mapping[str, Any]) -> int:
        """Where the sanitized solution starts in the program: behind the calibration, if there is one."""
        before = calibrate("", task["code_prompt"])
        return len(before) if self.program.startswith(before) else 0


@dataclass(frozen=True)
class Evaluation:
    """One model on one split of one subset.

    Attributes:
        model: its name.
        split, subset: "complete" or "instruct"; "full", "hard", "mini" or "custom".
        source: the file that says it.
        date: of the execution, local time.
        samples: task_id to its judged samples, at least one each.
        tasks: task_id to row of the dataset; empty for official files until `with_tasks`.
        run: what the score depends on (`harness_output.RUN_KEY`); empty for official files.
    """

    model: str
    split: str
    subset: str
    source: Path
    date: datetime
    samples: Mapping[str, list[Judged]]
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For people: "Hard, Complete"."""
        return f"{self.subset.capitalize()}, {self.split.capitalize()}"

    def solve_rates(self) -> dict[str, float]:
        """task_id to the share of its samples that pass, 0 to 1: its pass@1."""
        return {task_id: sum(s.passed for s in samples) / len(samples) for task_id, samples in self.samples.items()}

    def score(self) -> Estimate:
        """pass@1: the mean of the solve rates."""
        return estimate(list(self.solve_rates().values()))

    def on(self, task_ids: Collection[str]) -> Evaluation:
        """The same on these tasks alone."""
        return replace(self, samples={task_id: s for task_id, s in self.samples.items() if task_id in task_ids})

    def with_tasks(self) -> Evaluation:
        """The same with the dataset's rows, loaded where the source holds none.

        Raises:
            DatasetError: the dataset cannot be loaded.
            OutputError: a sample is of no task of it.
        """
        if self.tasks:
            return self
        rows = dataset.load_tasks(dataset.SUBSETS.get(self.subset, dataset.FULL), DATASET_VERSION)
        known = {row["task_id"]: row for row in rows}
        missing = [task_id for task_id in self.samples if task_id not in known]
        if missing:
            raise OutputError(f"{self.source} has {missing[0]}, which is no task of {self.subset} {DATASET_VERSION}")
        return replace(self, tasks={task_id: known[task_id] for task_id in self.samples})


def read(paths: Iterable[Path]) -> list[Evaluation]:
    """Every evaluation in these folders and files; of the same model, split and subset only the newest.

    Args:
        paths: output folders of lm_eval, official ``_eval_results.json`` files, or folders that hold them.

    Raises:
        OutputError: a path holds no evaluation, or a file is broken or was not executed; the message says which and
            what to do.
    """
    newest: dict[tuple[str, str, str], Evaluation] = {}
    for path in paths:
        for found in _read_one(path):
            key = found.model, found.split, found.subset
            # An exported run says less than the run itself, which is as old to the minute.
            if key not in newest or (bool(found.run), found.date) >= (bool(newest[key].run), newest[key].date):
                newest[key] = found
    return list(newest.values())


def mean_solve_rates(found: Iterable[Evaluation]) -> dict[str, float]:
    """task_id to its solve rate, 0 to 1, averaged over the models that were asked it; a model counts once a task."""
    per_task: dict[str, dict[str, float]] = {}
    for one in found:
        for task_id, rate in one.solve_rates().items():
            per_task.setdefault(task_id, {})[one.model] = rate
    return {task_id: sum(rates.values()) / len(rates) for task_id, rates in per_task.items()}


def _read_one(path: Path) -> list[Evaluation]:
    if path.is_file() and path.name.endswith(_RESULTS):
        return [_official(path)]
    files = sorted(path.rglob(f"*{_RESULTS}")) if path.is_dir() else []
    found = [_official(file) for file in files]
    if not files or any(path.rglob("results_*.json")):
        found += [_of_run(run) for run in harness_output.read(path)]
    return found


def _of_run(run: harness_output.TaskRun) -> Evaluation:
    if not run.executed:
        raise OutputError(
            f"{run.file} holds answers that were not executed (--predict_only). Score them first: "
            "bigcodebench-tasks export, then bigcodebench-tasks evaluate"
        )
    samples: dict[str, list[Judged]] = {}
    tasks: dict[str, Mapping[str, Any]] = {}
    for sample in run.samples:
        task, record = sample.task, sample.record
        samples.setdefault(task["task_id"], []).append(
            Judged(
                status=record["status"],
                reason=record["reason"],
                details=record["details"],
                program=run.program(sample),
                raw=sample.raw,
                seconds=record["seconds"],
            )
        )
        tasks[task["task_id"]] = task
    return Evaluation(run.model, run.split, run.subset, run.file, run.date, samples, tasks, run.run)


def _official(file: Path) -> Evaluation:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        date = datetime.strptime(content["date"], "%Y-%m-%d %H:%M")
        samples = {
            task_id: [Judged(one["status"], one["status"], one["details"], one["solution"]) for one in several]
            for task_id, several in content["eval"].items()
            if several
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{file} cannot be read as results of the official evaluator: {error!r}") from error
    if not samples:
        raise OutputError(f"{file} holds no sample")
    model, split, subset = _identity(file)
    return Evaluation(model, split, subset, file, date, samples)


def _identity(file: Path) -> tuple[str, str, str]:
    """Model, split and subset: from ``_pass_at_k.json`` beside it, else from the official name."""
    named = _NAME.match(file.name)
    beside = file.with_name(file.name.replace(_RESULTS, "pass_at_k.json"))
    try:
        said = json.loads(beside.read_text(encoding="utf-8"))
        split, subset = str(said["split"]), str(said["subset"])
        model = named["model"] if named else str(said["model"])
    except (OSError, ValueError, KeyError, TypeError):
        if not named:
            raise OutputError(
                f"{file}: neither its name (<model>--<revision>--bigcodebench[-hard]-<split>--...) nor "
                f"{beside.name} beside it says which model, split and subset it is"
            ) from None
        model, split, subset = named["model"], named["split"], named["subset"] or "full"
    if split not in SPLITS or subset not in (*dataset.SUBSETS, dataset.CUSTOM):
        raise OutputError(f"{beside} names the split {split!r} and the subset {subset!r}, which are none")
    return model.removesuffix("--main").replace("--", "/"), split, subset
