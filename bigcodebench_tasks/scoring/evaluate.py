"""From answers to pass@k: execute solutions, estimate, and hand the harness what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bigcodebench_tasks.benchmark.known_tasks import schedule
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.execution import Draft, Environment, Program, Verdict, execute
from bigcodebench_tasks.progress import progress

Solution = str | Callable[[], str]
"""A sanitized solution, or what makes it."""


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
