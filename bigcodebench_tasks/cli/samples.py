"""Samples in the official tool's files: export a run, evaluate, sanitize and check samples made elsewhere.

Each function ``..._command`` is a command of ``bigcodebench-tasks``: it takes the parsed arguments (`samples_cli`) and
returns the exit status.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.benchmark.sanitize import calibrate, is_valid_syntax, sanitize
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.execution import prepare
from bigcodebench_tasks.execution.cache import cache_file
from bigcodebench_tasks.files import refuse_existing, write_json, write_jsonl
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.results import harness_output, official_files
from bigcodebench_tasks.results.official_files import ResultFiles, Sample
from bigcodebench_tasks.scoring.evaluate import judge
from bigcodebench_tasks.scoring.ground_truth import MIN_PASS_RATE, GroundTruth, failures, ground_truth
from bigcodebench_tasks.scoring.pass_at_k import KS, mean_pass_at_k

Tasks = dict[str, Mapping[str, str]]
"""task_id to row of the dataset."""

Outcomes = dict[str, list[dict[str, Any]]]
"""task_id to its samples' "solution" (the executed program), "status" and "details"."""


def _load(given: argparse.Namespace) -> Tasks:
    return {task["task_id"]: task for task in dataset.load_tasks(dataset.SUBSETS[given.subset], given.version)}


def _read(given: argparse.Namespace, tasks: Tasks) -> official_files.Samples:
    """The samples; every line that is none is named on stderr."""
    found = official_files.read_samples(given.samples, tasks)
    for problem in found.problems:
        print(f"left out: {problem}", file=sys.stderr)
    if not found.samples:
        raise OutputError(f"{given.samples} holds no sample of this dataset (--subset {given.subset})")
    return found


# -- export ----------------------------------------------------------------------------------------------


def export_command(given: argparse.Namespace) -> int:
    runs = harness_output.read(given.output)
    targets = [given.dest / f"{_stem(run)}.jsonl" for run in runs]
    written = [path for target in targets for path in (target, *vars(ResultFiles.of(target)).values())]
    refuse_existing(written, given.force)
    for run, target in zip(runs, targets, strict=True):
        write_jsonl(
            target,
            (
                {"task_id": s.task["task_id"], "solution": s.record["solution"], "raw_solution": s.raw}
                for s in run.samples
            ),
        )
        print(target)
        if run.executed:
            _export_results(run, target)
        else:
            print(f"{run.name} was not executed: bigcodebench-tasks evaluate {target} ...", file=sys.stderr)
    return 0


def _stem(run: harness_output.TaskRun) -> str:
    return official_files.stem(
        run.model,
        split=run.split,
        subset=run.subset,
        loader=run.loader,
        revision=run.revision,
        temperature=run.temperature,
        n_samples=run.options.n_samples,
        prefill=run.options.prefill,
    )


def _export_results(run: harness_output.TaskRun, target: Path) -> None:
    outcomes: Outcomes = {}
    for sample in run.samples:
        executed = {**sample.record, "solution": run.program(sample)}
        outcomes.setdefault(sample.task["task_id"], []).append(executed)
    truth = run.run.get("ground_truth")
    _write_results(
        target,
        outcomes,
        date=run.date,
        split=run.split,
        subset=run.subset,
        calibrated=run.options.calibrated,
        ground_truth=(truth["pass_rate"], truth["failed"]) if truth else None,
    )


def _write_results(
    samples: Path, outcomes: Outcomes, *, date: datetime, ks: Iterable[int] = KS, **settings: Any
) -> dict[str, float]:
    """Write the two files of results beside a samples file and name them; returns {"pass@k": mean over tasks}.

    Args:
        samples: the samples file or folder.
        outcomes: the executed programs.
        date: when they were executed.
        ks: the k of pass@k, where every task has as many samples.
        settings: passed on to `official_files.pass_at_k`.
    """
    files = ResultFiles.of(samples)
    scores = mean_pass_at_k([[one["status"] == "pass" for one in several] for several in outcomes.values()], ks)
    write_json(files.eval_results, official_files.eval_results(outcomes, date))
    content = official_files.pass_at_k(scores, model=official_files.model_name(samples), **settings)
    write_json(files.pass_at_k, content)
    print(f"{files.eval_results}\n{files.pass_at_k}")
    return scores


# -- evaluate --------------------------------------------------------------------------------------------


def evaluate_command(given: argparse.Namespace) -> int:
    refuse_existing(vars(ResultFiles.of(given.samples)).values(), given.force)
    tasks = _load(given)
    chosen = _selected(given.selective_evaluate, tasks)
    found = _read(given, tasks)
    per_task: dict[str, list[Sample]] = {}
    for sample in found.samples:
        if sample.task_id in chosen:
            per_task.setdefault(sample.task_id, []).append(sample)
    missing = [task_id for task_id in chosen if task_id not in per_task]
    if not per_task:
        raise OutputError(f"{given.samples} holds no sample of the tasks of --selective-evaluate")

    outcomes, truth = _execute([tasks[task_id] for task_id in per_task], list(per_task.values()), given)
    scores = _write_results(
        given.samples,
        outcomes,
        date=datetime.now(),
        ks=given.pass_k,
        split=given.split,
        subset=given.subset,
        calibrated=given.calibrated,
        ground_truth=(truth.pass_rate, truth.failed) if truth else None,
    )
    print(f"BigCodeBench-{given.split.capitalize()} ({given.subset.capitalize()})")
    for name, score in scores.items():
        print(f"{name}: {score:.3f}")
    if missing:
        print(
            f"{len(missing)} of {len(chosen)} tasks have no sample, so this score is not that of the benchmark: "
            f"{', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}. "
            "Name the tasks that you mean with --selective-evaluate",
            file=sys.stderr,
        )
    return 1 if missing or found.problems else 0


def _selected(ids: str, tasks: Tasks) -> Tasks:
    if not ids:
        return tasks
    wanted = [task_id.strip() for task_id in ids.split(",") if task_id.strip()]
    unknown = [task_id for task_id in wanted if task_id not in tasks]
    if unknown:
        raise OptionError(f"--selective-evaluate: no such task in this dataset: {', '.join(unknown)}")
    return {task_id: tasks[task_id] for task_id in wanted}


def _execute(
    tasks: Sequence[Mapping[str, str]], samples: Sequence[Sequence[Sample]], given: argparse.Namespace
) -> tuple[Outcomes, GroundTruth | None]:
    """The executed programs, and the ground truth unless it was not wanted."""
    prepared = prepare(given.sandbox, given.network)
    settings = {
        "sandbox": prepared.isolation.level,
        "network": prepared.isolation.network,
        "workers": given.workers,
    }
    print(f"lock {prepared.environment.lock}; isolation {prepared.isolation.description}", file=sys.stderr)
    truth = None
    if not given.no_gt:
        truth = ground_truth(tasks, prepared.environment, **settings)
        print(f"ground truth: {truth.pass_rate:.4f} of {len(tasks)} tasks pass", file=sys.stderr)
        if truth.pass_rate < MIN_PASS_RATE:
            print(f"no model can solve these here: {failures(truth, prepared.environment)}", file=sys.stderr)
    solutions = [[sample.solution(task) for sample in answers] for task, answers in zip(tasks, samples, strict=True)]
    verdicts = judge(
        tasks,
        solutions,
        prepared.environment,
        calibrated=given.calibrated,
        durations=truth.durations if truth else None,
        cache=None if given.no_cache else cache_file(),
        **settings,
    )
    outcomes = {
        task["task_id"]: [
            {
                "solution": calibrate(text, task["code_prompt"]) if given.calibrated else text,
                "status": verdict.status,
                "details": verdict.details,
            }
            for text, verdict in zip(texts, results, strict=True)
        ]
        for task, texts, results in zip(tasks, solutions, verdicts, strict=True)
    }
    return outcomes, truth


# -- sanitize and syncheck -------------------------------------------------------------------------------


def sanitize_command(given: argparse.Namespace) -> int:
    tasks = _load(given)
    suffix = "-sanitized-calibrated" if given.calibrate else "-sanitized"
    target = given.samples
    if not given.inplace:
        name = given.samples.name.removesuffix(".gz").removesuffix(".jsonl")
        target = given.samples.with_name(name + suffix + ("" if given.samples.is_dir() else ".jsonl"))
        refuse_existing([target], given.force)
    found = _read(given, tasks)
    if given.inplace and found.problems:
        raise OutputError("--inplace would drop the lines named above. Mend them, or leave --inplace out")
    old = [_before_sanitizing(sample, tasks[sample.task_id], given.calibrate) for sample in found.samples]
    entry_points = [tasks[sample.task_id]["entry_point"] for sample in found.samples]
    new = []
    with progress(len(old), "Sanitizing", "sample") as bar:
        for text, entry_point in zip(old, entry_points, strict=True):
            new.append(sanitize(text, entry_point))
            bar.update()
    rows = [{"task_id": sample.task_id, "solution": text} for sample, text in zip(found.samples, new, strict=True)]
    if given.samples.is_dir():
        official_files.write_folder(target, rows)
    else:
        write_jsonl(target, rows)
    changed = sum(before != after for before, after in zip(old, new, strict=True))
    print(f"{len(new)} samples sanitized, {changed} of them changed: {target}")
    return 1 if found.problems else 0


def _before_sanitizing(sample: Sample, task: Mapping[str, str], calibrate: bool) -> str:
    text = sample.solution(task, joint="\n")
    if calibrate and "solution" in sample.fields:
        text = text.replace("```python\n    ", "```python\n" + task["complete_prompt"] + "    ")
    return text


def syncheck_command(given: argparse.Namespace) -> int:
    tasks = _load(given)
    found = _read(given, tasks)
    counts = dict.fromkeys(tasks, 0)
    wrong = 0
    for sample in found.samples:
        counts[sample.task_id] += 1
        code = sample.solution(tasks[sample.task_id])
        if not code.strip() or not is_valid_syntax(code):
            wrong += 1
            print(f"{sample.where} ({sample.task_id}) {'is empty' if not code.strip() else 'is no valid Python'}")
    expected = given.nsample_check or 1
    few = [task_id for task_id, count in counts.items() if count < expected]
    for task_id in few:
        print(f"{task_id} has {counts[task_id] or 'no'} samples" + (f", not {expected}" if expected > 1 else ""))
    print(f"{len(tasks) - len(few)} of {len(tasks)} tasks have enough samples")
    print(f"{len(found.samples) - wrong} of {len(found.samples)} samples are valid Python")
    return 1 if few or wrong or found.problems else 0
