"""What ``inspect`` shows of an evaluation: its tasks in the terminal, or as the official folder of files."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table

from bigcodebench_tasks.benchmark.dataset import canonical_program
from bigcodebench_tasks.cli.printing import say
from bigcodebench_tasks.cli.terminal import markup
from bigcodebench_tasks.errors import printable
from bigcodebench_tasks.execution.verdict import headline
from bigcodebench_tasks.files import as_name, below, refuse_existing, refuse_unwritable, write_text
from bigcodebench_tasks.leaderboard.difficulty import published_rates
from bigcodebench_tasks.leaderboard.published import SOLVE_RATES_OF, solved_by
from bigcodebench_tasks.results.evaluation import Evaluation

# Characters of an exception in the list of tasks.
LONGEST_EXCEPTION = 100


# -- in the terminal -------------------------------------------------------------------------------------


def list_unsolved(evaluation: Evaluation, output: Console) -> None:
    """Print a line for each task that some sample does not solve: how many pass, the reasons, the first exception."""
    solved = sum(all(sample.passed for sample in samples) for samples in evaluation.samples.values())
    table = Table("task", "pass", "published", "verdict", "exception", box=None, pad_edge=False)
    published = published_rates(evaluation)
    for task_id, samples in evaluation.samples.items():
        failed = [sample for sample in samples if not sample.passed]
        if failed:
            reasons = Counter(
                f"{sample.reason} ({sample.diagnosis})" if sample.diagnosis else sample.reason for sample in failed
            )
            verdicts = ", ".join(f"{reason} {n}" if n > 1 else reason for reason, n in reasons.most_common())
            exception = headline(failed[0].details, "")[:LONGEST_EXCEPTION]
            rate = f"{100 * published[task_id]:.0f}%" if task_id in published else "-"
            cells = (task_id, f"{len(samples) - len(failed)}/{len(samples)}", rate, verdicts, exception)
            table.add_row(*map(markup, cells))
    output.print(f"[bold]{markup(evaluation.model)}[/], {evaluation.name}: {markup(str(evaluation.source))}")
    output.print(f"{solved} of {len(evaluation.samples)} tasks solved by every sample")
    if table.row_count:
        output.print(table)
        output.print("to see one: bigcodebench-tasks inspect OUT TASK")


def show(evaluation: Evaluation, task_id: str, output: Console) -> None:
    """Print a task's prompt, each sample's program and tracebacks, and the difference to the ground truth.

    Args:
        evaluation: with its tasks (`Evaluation.with_tasks`) and samples of this one.
    """
    task, samples = evaluation.tasks[task_id], evaluation.samples[task_id]
    output.print(Rule(markup(f"{task_id}: {evaluation.model}, {evaluation.name}")))
    if (rate := published_rates(evaluation).get(task_id)) is not None:
        models, _ = solved_by(evaluation.split)
        output.print(f"{100 * rate:.0f}% of {models} published models solve it ({SOLVE_RATES_OF})")
    output.print("[bold]Prompt[/]")
    output.print(printable(task[f"{evaluation.split}_prompt"]), markup=False)
    for number, sample in enumerate(samples):
        seconds = "" if sample.seconds is None else f", {sample.seconds:.2f} s"
        colour = "green" if sample.passed else "red"
        output.print(Rule(f"[{colour}]sample {number}: {markup(sample.status)}, {markup(sample.reason)}{seconds}[/]"))
        if sample.diagnosis:
            output.print(f"the response: {markup(sample.diagnosis)}")
        output.print(_code(evaluation.program(task_id, sample), "python"))
        for test, traceback in sample.details.items():
            output.print(f"[bold red]{markup(test)}[/]")
            output.print(printable(traceback.rstrip()), markup=False)
    output.print(Rule("ground truth, as a difference from the first sample"))
    output.print(_code("".join(_difference(evaluation, task_id)), "diff"))


def _code(text: str, language: str) -> Syntax:
    return Syntax(printable(text), language, background_color="default")


def _difference(evaluation: Evaluation, task_id: str) -> Iterator[str]:
    sample = evaluation.samples[task_id][0]
    solution = evaluation.program(task_id, sample)[evaluation.solution_start(task_id, sample) :]
    programs = [printable(solution), printable(canonical_program(evaluation.tasks[task_id]))]
    first, second = ([f"{line}\n" for line in program.split("\n")] for program in programs)
    return difflib.unified_diff(first, second, "sample", "ground truth", n=2)


# -- as files --------------------------------------------------------------------------------------------


def write_folder(evaluation: Evaluation, wanted: Sequence[str], folder: Path, force: bool) -> None:
    """Write a folder per task with the layout of the official ``inspect.py``, and print where.

    Args:
        evaluation: with its tasks (`Evaluation.with_tasks`).
        wanted: task_ids; empty for those that some sample does not solve.
        folder: parent of the evaluation's folder.
        force: overwrite files.

    Raises:
        OutputError: a task's folder exists, or a file cannot be written.
    """
    chosen = [
        task_id
        for task_id, samples in evaluation.samples.items()
        if (task_id in wanted if wanted else not all(sample.passed for sample in samples))
    ]
    target = below(folder, as_name(f"{evaluation.model}--{evaluation.subset}-{evaluation.split}"))
    places = {task_id: below(target, task_id) for task_id in chosen}
    refuse_existing(places.values(), force)
    refuse_unwritable(target)
    for task_id, place in places.items():
        task = evaluation.tasks[task_id]
        write_text(below(place, "ground_truth.py"), canonical_program(task))
        write_text(below(place, "test_case.py"), task["test"])
        for number, sample in enumerate(evaluation.samples[task_id]):
            traces = [f"Test Case: {test}\n\n{text}\n{'=' * 50}\n" for test, text in sample.details.items()]
            write_text(below(place, f"completion_{number}.py"), evaluation.program(task_id, sample))
            write_text(below(place, f"complete_{number}_execution_trace.txt"), "".join(traces))
    say(f"{target}: {len(chosen)} tasks")
