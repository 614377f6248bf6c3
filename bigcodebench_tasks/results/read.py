"""Finding and reading evaluations: lm_eval's output and official ``_eval_results.json`` files.

The commands `report`, `inspect`, `compare`, `leaderboard` and `hard-subset` read results here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results import harness_output, official_files
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.untrusted import warn_if_others_may_write


def read_evaluations(paths: Iterable[Path]) -> list[Evaluation]:
    """Every evaluation in these folders and files; of the same model, split and subset only the newest.

    Args:
        paths: output folders of lm_eval, official ``_eval_results.json`` files, or folders that hold them.

    Raises:
        OutputError: a path holds no evaluation, or a file is broken or was not executed.
    """
    return newest(evaluation for path in paths for evaluation in _evaluations_in(path))


def read_runs(paths: Iterable[Path]) -> list[Evaluation]:
    """The same with older runs, whose spread shows how much of a score is chance.

    A run and its export count once. An older run that is broken or was not executed is left out.

    Args, Raises: as `read_evaluations`.
    """
    paths = list(paths)
    runs: dict[tuple[Any, ...], Evaluation] = {}
    for evaluation in [*read_evaluations(paths), *_older(paths)]:
        # Official files have the minute: a run and its export have the same verdicts in the same minute.
        minute = evaluation.date.replace(second=0, microsecond=0)
        verdicts = tuple((task_id, *(s.status for s in each)) for task_id, each in sorted(evaluation.samples.items()))
        key = evaluation.model, evaluation.split, evaluation.subset, minute, verdicts
        if key not in runs or _rank(evaluation) > _rank(runs[key]):
            runs[key] = evaluation
    return list(runs.values())


def newest(runs: Iterable[Evaluation]) -> list[Evaluation]:
    """Of the same model, split and subset only the newest."""
    kept: dict[tuple[str, str, str], Evaluation] = {}
    for evaluation in runs:
        key = evaluation.model, evaluation.split, evaluation.subset
        if key not in kept or _rank(evaluation) >= _rank(kept[key]):
            kept[key] = evaluation
    return list(kept.values())


def _older(paths: Sequence[Path]) -> Iterator[Evaluation]:
    """All evaluations of the paths, file by file; none for a single file, which was read already."""
    files = [path for path in paths if path.is_file()]
    for folder in paths:
        files += sorted([*harness_output.results_files(folder), *folder.rglob(f"*{official_files.EVAL_RESULTS}")])
    for file in files if len(files) > 1 else ():
        with suppress(OutputError):
            yield from _evaluations_in(file)


def _rank(evaluation: Evaluation) -> tuple[Any, ...]:
    # A run is preferred to its export, which says less.
    return evaluation.run is not None, evaluation.date


def _evaluations_in(path: Path) -> list[Evaluation]:
    if path.exists():
        warn_if_others_may_write(path)
    if path.is_file() and path.name.endswith(official_files.EVAL_RESULTS):
        return [official_files.read_evaluation(path)]
    files = sorted(path.rglob(f"*{official_files.EVAL_RESULTS}")) if path.is_dir() else []
    evaluations = [official_files.read_evaluation(file) for file in files]
    if not files or harness_output.results_files(path):
        evaluations += [_evaluation_of(run) for run in harness_output.read(path)]
    return evaluations


def _evaluation_of(run: harness_output.TaskRun) -> Evaluation:
    if not run.executed:
        raise OutputError(
            f"{run.file} holds responses that were not executed (--predict_only). Score them first: "
            "bigcodebench-tasks export, then bigcodebench-tasks evaluate"
        )
    return Evaluation(run.named, run.split, run.subset, run.file, run.date, run.samples, run.tasks, run.record)
