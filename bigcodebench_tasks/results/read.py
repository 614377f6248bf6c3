"""Evaluations found and read, wherever they come from: lm_eval's output or official ``_eval_results.json`` files.

What looks at results (`report`, `inspect`, `compare`, `leaderboard`, `hard-subset`) reads them here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results import harness_output, official_files
from bigcodebench_tasks.results.evaluation import Evaluation


def read_evaluations(paths: Iterable[Path]) -> list[Evaluation]:
    """Every evaluation in these folders and files; of the same model, split and subset only the newest.

    Args:
        paths: output folders of lm_eval, official ``_eval_results.json`` files, or folders that hold them.

    Raises:
        OutputError: a path holds no evaluation, or a file is broken or was not executed; the message says which and
            what to do.
    """
    newest: dict[tuple[str, str, str], Evaluation] = {}
    for path in paths:
        for evaluation in _evaluations_in(path):
            key = evaluation.model, evaluation.split, evaluation.subset
            if key not in newest or _rank(evaluation) >= _rank(newest[key]):
                newest[key] = evaluation
    return list(newest.values())


def _rank(evaluation: Evaluation) -> tuple[Any, ...]:
    # Of what says less only the newest counts, too; an exported run is as old as the run itself to the minute.
    return evaluation.run is not None, evaluation.date


def _evaluations_in(path: Path) -> list[Evaluation]:
    if path.is_file() and path.name.endswith(official_files.EVAL_RESULTS):
        return [official_files.read_evaluation(path)]
    files = sorted(path.rglob(f"*{official_files.EVAL_RESULTS}")) if path.is_dir() else []
    evaluations = [official_files.read_evaluation(file) for file in files]
    if not files or any(path.rglob("results_*.json")):
        evaluations += [_evaluation_of(run) for run in harness_output.read(path)]
    return evaluations


def _evaluation_of(run: harness_output.TaskRun) -> Evaluation:
    if not run.executed:
        raise OutputError(
            f"{run.file} holds answers that were not executed (--predict_only). Score them first: "
            "bigcodebench-tasks export, then bigcodebench-tasks evaluate"
        )
    return Evaluation(run.model, run.split, run.subset, run.file, run.date, run.samples, run.tasks, run.record)
