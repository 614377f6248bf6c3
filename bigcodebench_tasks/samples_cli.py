"""``bigcodebench-tasks export``, ``evaluate``, ``sanitize`` and ``syncheck``: the official tool's files and jobs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bigcodebench_tasks import harness_output, official_files
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.execution import machine, prepare
from bigcodebench_tasks.execution.environment import cache_folder
from bigcodebench_tasks.groundtruth import MIN_PASS_RATE, USUAL_SECONDS, GroundTruth, failures, ground_truth
from bigcodebench_tasks.official_files import ResultFiles, Sample

Tasks = dict[str, Mapping[str, str]]


def add_commands(commands: Any) -> None:
    """Add these commands to the command line (argparse's subparsers)."""
    export = commands.add_parser(
        "export",
        help="write a run of lm_eval as the official evaluator's files",
        description="From what lm_eval wrote with --output_path and --log_samples, write for each BigCodeBench task "
        "the files of the official evaluator, under their official names: ..._sanitized_calibrated.jsonl, "
        "..._eval_results.json and ..._pass_at_k.json. The newest run of each model and task counts.",
        epilog="example: bigcodebench-tasks export out --dest bcb_results",
    )
    export.add_argument("output", type=Path, metavar="OUT", help="folder given to lm_eval as --output_path")
    export.add_argument("--dest", type=Path, default=Path("bcb_results"), help="folder to write (default: %(default)s)")
    _add_force(export)
    export.set_defaults(run=_export)

    evaluate = commands.add_parser(
        "evaluate",
        help="score samples that were made elsewhere",
        description="Execute samples and write ..._eval_results.json and ..._pass_at_k.json beside them, as the "
        "official bigcodebench.evaluate does, with the engine, the execution environment and the isolation of this "
        "package. No model is asked and nothing is sanitized. Exit status 0: every task was scored; 1: some lines "
        "or tasks were left out, which are named; 2: nothing was scored.",
        epilog="example: bigcodebench-tasks evaluate samples.jsonl --split complete --subset hard",
    )
    _add_samples(evaluate)
    evaluate.add_argument("--split", choices=["complete", "instruct"], required=True, help="how the model was asked")
    evaluate.add_argument("--pass-k", type=_ks, default=[1, 5, 10], metavar="K,K", help="(default: 1,5,10)")
    evaluate.add_argument("--no-gt", action="store_true", help="do not execute the canonical solutions first")
    evaluate.add_argument(
        "--selective-evaluate", metavar="IDS", default="", help="score these tasks only: BigCodeBench/0,BigCodeBench/7"
    )
    evaluate.add_argument(
        "--calibrated",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the task's imports and signature before each solution (default: yes)",
    )
    evaluate.add_argument("--workers", type=int, help="programs that may use a core at a time (default: the cores)")
    evaluate.add_argument("--sandbox", choices=["namespaces", "landlock", "none"], help="(default: the strongest)")
    evaluate.add_argument("--network", choices=["loopback", "host"], default="loopback", help="(default: %(default)s)")
    evaluate.add_argument("--no-cache", action="store_true", help="take no verdict from an earlier run")
    _add_force(evaluate)
    evaluate.set_defaults(run=_evaluate)

    sanitize = commands.add_parser(
        "sanitize",
        help="take the code out of answers",
        description="Write the samples with sanitized solutions, into ...-sanitized.jsonl beside them (a folder: "
        "...-sanitized), as the official bigcodebench.sanitize does.",
        epilog="example: bigcodebench-tasks sanitize samples.jsonl --calibrate",
    )
    _add_samples(sanitize)
    sanitize.add_argument("--inplace", action="store_true", help="replace the samples themselves")
    sanitize.add_argument("--calibrate", action="store_true", help="put the prompt before indented code in a fence")
    sanitize.add_argument("--workers", type=int, help="processes (default: the cores)")
    _add_force(sanitize)
    sanitize.set_defaults(run=_sanitize)

    syncheck = commands.add_parser(
        "syncheck",
        help="say which samples are missing, empty or no valid Python",
        description="Check that each task has samples and that each sample compiles, as the official "
        "bigcodebench.syncheck does. Exit status 1 if not.",
        epilog="example: bigcodebench-tasks syncheck samples.jsonl --subset hard",
    )
    _add_samples(syncheck)
    syncheck.add_argument("--nsample-check", type=int, metavar="N", help="also check for N samples per task")
    syncheck.set_defaults(run=_syncheck)


def _add_samples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "samples", type=Path, metavar="SAMPLES", help="a .jsonl of task_id and solution or completion, or a folder"
    )
    parser.add_argument("--subset", choices=["full", "hard", "mini"], default="full", help="(default: %(default)s)")
    parser.add_argument("--version", default="v0.1.4", help="dataset version (default: %(default)s)")


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def _ks(text: str) -> list[int]:
    ks = sorted({int(word) for word in text.split(",")})
    if ks[0] < 1:
        raise ValueError
    return ks


def _load(given: argparse.Namespace) -> Tasks:
    from bigcodebench_tasks import dataset  # imports `datasets`, which takes seconds

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


def _export(given: argparse.Namespace) -> int:
    runs = harness_output.read(given.output)
    targets = [given.dest / f"{_stem(run)}.jsonl" for run in runs]
    results = [ResultFiles.of(target) for target in targets]
    written = [path for target, files in zip(targets, results, strict=True) for path in (target, *vars(files).values())]
    official_files.refuse_existing(written, given.force)
    for run, target, files in zip(runs, targets, results, strict=True):
        official_files.write_jsonl(
            target,
            (
                {"task_id": s.task["task_id"], "solution": s.record["solution"], "raw_solution": s.raw}
                for s in run.samples
            ),
        )
        print(target)
        if run.executed:
            _export_results(run, target, files)
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


def _export_results(run: harness_output.TaskRun, target: Path, files: ResultFiles) -> None:
    from bigcodebench_tasks.sanitize import calibrate
    from bigcodebench_tasks.scoring import mean_pass_at_k

    outcomes: dict[str, list[dict[str, Any]]] = {}
    for sample in run.samples:
        solution = sample.record["solution"]
        if run.options.calibrated:
            solution = calibrate(solution, sample.task["code_prompt"])
        outcomes.setdefault(sample.task["task_id"], []).append({**sample.record, "solution": solution})
    official_files.write_json(files.eval_results, official_files.eval_results(outcomes, run.date))
    truth = run.run.get("ground_truth")
    scores = mean_pass_at_k([[sample["status"] == "pass" for sample in samples] for samples in outcomes.values()])
    official_files.write_json(
        files.pass_at_k,
        official_files.pass_at_k(
            scores,
            model=official_files.model_name(target),
            split=run.split,
            subset=run.subset,
            calibrated=run.options.calibrated,
            ground_truth=(truth["pass_rate"], truth["failed"]) if truth else None,
        ),
    )
    print(files.eval_results)
    print(files.pass_at_k)


# -- evaluate --------------------------------------------------------------------------------------------


def _evaluate(given: argparse.Namespace) -> int:
    files = ResultFiles.of(given.samples)
    official_files.refuse_existing(vars(files).values(), given.force)
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
    from bigcodebench_tasks.scoring import mean_pass_at_k

    passed = [[sample["status"] == "pass" for sample in samples] for samples in outcomes.values()]
    scores = mean_pass_at_k(passed, given.pass_k)
    official_files.write_json(files.eval_results, official_files.eval_results(outcomes, datetime.now()))
    official_files.write_json(
        files.pass_at_k,
        official_files.pass_at_k(
            scores,
            model=official_files.model_name(given.samples),
            split=given.split,
            subset=given.subset,
            calibrated=given.calibrated,
            ground_truth=(truth.pass_rate, truth.failed) if truth else None,
        ),
    )
    print(f"BigCodeBench-{given.split.capitalize()} ({given.subset.capitalize()})")
    for name, score in scores.items():
        print(f"{name}: {score:.3f}")
    print(f"{files.eval_results}\n{files.pass_at_k}")
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
) -> tuple[dict[str, list[dict[str, Any]]], GroundTruth | None]:
    """Per task_id the executed programs with status and details, and the ground truth."""
    from bigcodebench_tasks.sanitize import calibrate
    from bigcodebench_tasks.scoring import judge

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
        durations=truth.durations if truth else USUAL_SECONDS,
        cache=None if given.no_cache else cache_folder() / "verdicts.sqlite",
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


def _sanitize(given: argparse.Namespace) -> int:
    tasks = _load(given)
    suffix = "-sanitized-calibrated" if given.calibrate else "-sanitized"
    target = given.samples
    if not given.inplace:
        name = given.samples.name.removesuffix(".gz").removesuffix(".jsonl")
        target = given.samples.with_name(name + suffix + ("" if given.samples.is_dir() else ".jsonl"))
        official_files.refuse_existing([target], given.force)
    found = _read(given, tasks)
    if given.inplace and found.problems:
        raise OutputError("--inplace would drop the lines named above. Mend them, or leave --inplace out")
    old = [_before_sanitizing(sample, tasks[sample.task_id], given.calibrate) for sample in found.samples]
    entry_points = [tasks[sample.task_id]["entry_point"] for sample in found.samples]
    new = _map_sanitize(old, entry_points, machine.workers(given.workers))
    rows = [{"task_id": sample.task_id, "solution": text} for sample, text in zip(found.samples, new, strict=True)]
    if given.samples.is_dir():
        official_files.write_folder(target, rows)
    else:
        official_files.write_jsonl(target, rows)
    changed = sum(before != after for before, after in zip(old, new, strict=True))
    print(f"{len(new)} samples sanitized, {changed} of them changed: {target}")
    return 1 if found.problems else 0


def _before_sanitizing(sample: Sample, task: Mapping[str, str], calibrate: bool) -> str:
    text = sample.solution(task, joint="\n")
    if calibrate and "solution" in sample.fields:
        text = text.replace("```python\n    ", "```python\n" + task["complete_prompt"] + "    ")
    return text


def _map_sanitize(texts: Sequence[str], entry_points: Sequence[str], workers: int) -> list[str]:
    from bigcodebench_tasks.sanitize import sanitize

    bar: Callable[[Iterable[str]], Iterable[str]] = lambda done: tqdm(  # noqa: E731
        done, total=len(texts), desc="Sanitizing", unit="sample", disable=not sys.stderr.isatty()
    )
    if workers == 1 or len(texts) < 100:  # not worth the processes
        return list(bar(map(sanitize, texts, entry_points)))
    with ProcessPoolExecutor(workers) as pool:
        return list(bar(pool.map(sanitize, texts, entry_points, chunksize=20)))


def _syncheck(given: argparse.Namespace) -> int:
    from bigcodebench_tasks.sanitize import is_valid_syntax

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
