"""From answers to pass@k: execute solutions, estimate, and hand the harness what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bigcodebench_tasks.execution import Draft, Environment, Program, Verdict, execute
from bigcodebench_tasks.groundtruth import schedule
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.sanitize import calibrate

KS = (1, 5, 10)
"""The k of pass@k that are reported where there are as many samples (official ``evaluate.py``, ``--pass_k``)."""

Solution = str | Callable[[], str]
"""A sanitized solution, or what makes it."""


def estimate_pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that at least one of k samples passes, drawn without replacement from n of which c pass.

    Unbiased estimator 1 - C(n-c, k) / C(n, k) of Chen et al., 2021, arXiv 2107.03374, section 2.1, in the
    product form that does not overflow.

    Args:
        n: samples of the task, at least k.
        c: samples that pass, 0 to n.
        k: samples drawn, at least 1.

    Raises:
        ValueError: the arguments are out of range; for k > n there is no unbiased estimate.
    """
    if not 1 <= k <= n or not 0 <= c <= n:
        raise ValueError(f"pass@k needs 1 <= k <= n and 0 <= c <= n, not n={n}, c={c}, k={k}")
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def pass_at_k(passed: Sequence[bool], ks: Iterable[int] = KS) -> dict[str, float]:
    """{"pass@k": estimate} of one task, for each k for which it has enough samples.

    Args:
        passed: one entry per sample of the task.
    """
    n, c = len(passed), sum(passed)
    return {f"pass@{k}": estimate_pass_at_k(n, c, k) for k in ks if k <= n}


def mean_pass_at_k(outcomes: Sequence[Sequence[bool]], ks: Iterable[int] = KS) -> dict[str, float]:
    """{"pass@k": mean over tasks}, for each k for which every task has enough samples.

    Args:
        outcomes: per task, whether each of its samples passed.
    """
    if not outcomes:
        return {}
    fewest = min(len(passed) for passed in outcomes)
    per_task = [pass_at_k(passed, [k for k in ks if k <= fewest]) for passed in outcomes]
    return {name: float(np.mean([scores[name] for scores in per_task])) for name in per_task[0]}


def judge(
    tasks: Sequence[Mapping[str, str]],
    solutions: Sequence[Sequence[Solution]],
    environment: Environment,
    *,
    calibrated: bool = True,
    durations: Mapping[str, float] | None = None,
    description: str = "Executing",
    **execution: Any,
) -> list[list[Verdict]]:
    """Execute every solution of every task, all in one pool, with a progress bar on a terminal.

    Args:
        tasks: rows of the dataset.
        solutions: sanitized solutions, or what makes them while others run; a list per task; lists may differ in
            length and be empty.
        environment: where the programs run.
        calibrated: put ``code_prompt`` and ``pass`` before each solution (official default).
        durations: task_id to seconds that its ground truth took here, where that is on record.
        description: label of the progress bar.
        execution: passed on to `bigcodebench_tasks.execution.execute` (limits, workers, sandbox, ...).

    Returns:
        Verdicts in the shape of ``solutions``.

    Raises:
        ExecutionFailed: our own machinery broke; no verdict is made up.
    """
    programs = [
        _program(task, solution, calibrated)
        for task, answers in zip(tasks, solutions, strict=True)
        for solution in answers
    ]
    passed = running = 0
    with progress(len(programs), description, "sample") as bar:

        def judged(_index: int, verdict: Verdict) -> None:
            nonlocal passed
            passed += verdict.passed
            show()
            bar.update()

        def runs(number: int) -> None:
            nonlocal running
            running = number
            show()

        def show() -> None:
            bar.set_postfix_str(f"passed {passed}, running {running}", refresh=False)

        verdicts = iter(
            execute(
                programs,
                environment,
                on_verdict=judged,
                on_running=runs,
                **schedule(durations),
                **execution,
            )
        )
    return [[next(verdicts) for _ in answers] for answers in solutions]


def _program(task: Mapping[str, str], solution: Solution, calibrated: bool) -> Program | Draft:
    def executed(text: str) -> str:
        return calibrate(text, task["code_prompt"]) if calibrated else text

    if isinstance(solution, str):
        return Program(task["task_id"], executed(solution), task["test"])
    make = solution
    return Draft(task["task_id"], task["test"], task["code_prompt"], lambda: executed(make()))


def process_results(doc: Mapping[str, Any], results: list[list[dict[str, Any]]]) -> dict[str, float]:
    """Harness hook: pass@k of one task from what the execution filter returned for it.

    Args:
        doc: the task, unused.
        results: one entry, the list of the task's sample records (see `BigCodeBenchTask.apply_filters`).
    """
    return pass_at_k([sample["status"] == "pass" for sample in results[0]])
