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
from bigcodebench_tasks.errors import printable
from bigcodebench_tasks.execution.verdict import headline
from bigcodebench_tasks.files import as_name, below, refuse_existing, refuse_unwritable, write_text
from bigcodebench_tasks.leaderboard.difficulty import published_rates
from bigcodebench_tasks.leaderboard.published import SOLVE_RATES_OF, solved_by
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.printing import say
from bigcodebench_tasks.results.tables import markup

# What a row of the list of tasks can hold, in characters.
LONGEST_EXCEPTION = 100


# -- in the terminal -------------------------------------------------------------------------------------


def list_unsolved(evaluation: Evaluation, console: Console) -> None:
    """Print a line for each task that some sample does not solve: how many pass, the reasons, the first exception."""
    solved = sum(all(sample.passed for sample in samples) for samples in evaluation.samples.values())
    table = Table("task", "pass", "published", "verdict", "says", box=None, pad_edge=False)
    published = published_rates(evaluation)
    for task_id, samples in evaluation.samples.items():
        failed = [sample for sample in samples if not sample.passed]
        if failed:
            reasons = Counter(
                f"{sample.reason} ({sample.diagnosis})" if sample.diagnosis else sample.reason for sample in failed
            )
            said = ", ".join(f"{reason} {n}" if n > 1 else reason for reason, n in reasons.most_common())
            exception = headline(failed[0].details, "")[:LONGEST_EXCEPTION]
            rate = f"{100 * published[task_id]:.0f}%" if task_id in published else "-"
            cells = (task_id, f"{len(samples) - len(failed)}/{len(samples)}", rate, said, exception)
            table.add_row(*map(markup, cells))
    console.print(f"[bold]{markup(evaluation.model)}[/], {evaluation.name}: {markup(str(evaluation.source))}")
    console.print(f"{solved} of {len(evaluation.samples)} tasks solved by every sample")
    if table.row_count:
        console.print(table)
        console.print("to see one: bigcodebench-tasks inspect OUT TASK")


def show(evaluation: Evaluation, task_id: str, console: Console) -> None:
    """Print a task's prompt, each sample's program and tracebacks, and how the canonical solution differs.

    Args:
        evaluation: with its tasks (`Evaluation.with_tasks`).
        task_id: one that it has samples of.
    """
    task, samples = evaluation.tasks[task_id], evaluation.samples[task_id]
    console.print(Rule(markup(f"{task_id}: {evaluation.model}, {evaluation.name}")))
    if (rate := published_rates(evaluation).get(task_id)) is not None:
        models, _ = solved_by(evaluation.split)
        console.print(f"{100 * rate:.0f}% of {models} published models solve it ({SOLVE_RATES_OF})")
    console.print("[bold]Prompt[/]")
    console.print(printable(task[f"{evaluation.split}_prompt"]), markup=False)
    for number, sample in enumerate(samples):
        seconds = "" if sample.seconds is None else f", {sample.seconds:.2f} s"
        colour = "green" if sample.passed else "red"
        console.print(Rule(f"[{colour}]sample {number}: {markup(sample.status)}, {markup(sample.reason)}{seconds}[/]"))
        if sample.diagnosis:
            console.print(f"the answer: {markup(sample.diagnosis)}")
        console.print(
            Syntax(
                printable(evaluation.program(task_id, sample)), "python", background_color="default", word_wrap=False
            )
        )
        for test, traceback in sample.details.items():
            console.print(f"[bold red]{markup(test)}[/]")
            console.print(printable(traceback.rstrip()), markup=False)
    console.print(Rule("canonical solution, as a difference from the first sample"))
    console.print(Syntax("".join(_difference(evaluation, task_id)), "diff", background_color="default"))


def _difference(evaluation: Evaluation, task_id: str) -> Iterator[str]:
    sample = evaluation.samples[task_id][0]
    solution = evaluation.program(task_id, sample)[evaluation.solution_start(task_id, sample) :]
    programs = [printable(solution), printable(canonical_program(evaluation.tasks[task_id]))]
    theirs, ours = ([f"{line}\n" for line in program.split("\n")] for program in programs)
    return difflib.unified_diff(theirs, ours, "sample", "canonical solution", n=2)


# -- as files --------------------------------------------------------------------------------------------


def write_folder(evaluation: Evaluation, wanted: Sequence[str], folder: Path, force: bool) -> None:
    """Write a folder per task as the official ``inspect.py`` lays it out, and say where.

    Args:
        evaluation: with its tasks (`Evaluation.with_tasks`).
        wanted: task_ids; none for those that some sample does not solve.
        folder: the evaluation gets a folder of its own in it.
        force: overwrite what is there.

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
