"""``bigcodebench-tasks hard-subset``: choose hard tasks by the criteria of BigCodeBench-Hard."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bigcodebench_tasks import TASKS_PATH
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.cli.arguments import SOURCES, Commands, add_dataset_version, add_force
from bigcodebench_tasks.cli.printing import say, warn
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import refuse_existing

if TYPE_CHECKING:
    from bigcodebench_tasks.leaderboard.hard_subset import Match


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "hard-subset",
        help="choose hard tasks by the criteria of BigCodeBench-Hard",
        description="Keep the tasks whose ground truth uses more than --libraries libraries and is longer than "
        "--length characters, whose solve rate in --results is below --solve-rate, and for which a question of a user "
        "(--queries to embed, or --matches with known scores) has a similarity above --similarity. A criterion "
        "without its input is left out, with a message. Writes the task ids, the figures of every task and YAML files "
        "of lm_eval tasks that run this subset.",
        epilog="example: bigcodebench-tasks hard-subset --published --queries questions.jsonl --dest my_hard",
    )
    parser.add_argument("--libraries", type=int, default=2, metavar="N", help="more than N libraries (default: 2)")
    parser.add_argument("--length", type=int, default=426, metavar="N", help="longer than N characters (default: 426)")
    parser.add_argument("--solve-rate", type=float, default=0.5, metavar="R", help="below R (default: 0.5)")
    parser.add_argument("--similarity", type=float, default=0.7, metavar="S", help="above S (default: 0.7)")
    parser.add_argument("--results", type=Path, action="append", default=[], metavar="OUT", help=SOURCES)
    parser.add_argument(
        "--results-split", choices=SPLITS, default="complete", help="of --results (default: %(default)s)"
    )
    parser.add_argument(
        "--published", action="store_true", help="use the published solve rates of both splits, not --results"
    )
    parser.add_argument("--queries", type=Path, metavar="FILE", help="JSONL or Parquet with a query per row")
    parser.add_argument("--query-column", default="question", help="(default: %(default)s)")
    parser.add_argument("--prompt", choices=SPLITS, default="complete", help="prompt that queries are compared with")
    parser.add_argument("--model", default="all-mpnet-base-v2", help="sentence-transformers model, by name or path")
    parser.add_argument("--chunk", type=int, default=10_000, help="queries embedded at a time (default: %(default)s)")
    parser.add_argument("--matches", type=Path, metavar="FILE", help="JSONL with task_id, question, q_idx and score")
    add_dataset_version(parser)
    parser.add_argument("--name", default="bigcodebench_my_hard", help="of the lm_eval tasks (default: %(default)s)")
    parser.add_argument("--dest", type=Path, default=Path("hard_subset"), help="folder (default: %(default)s)")
    add_force(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.benchmark import dataset
    from bigcodebench_tasks.leaderboard import hard_subset

    _check(arguments)
    refuse_existing(hard_subset.subset_files(arguments.dest, arguments.name), arguments.force)
    tasks = list(dataset.load_tasks(dataset.FULL, arguments.dataset_version))
    rates = _solve_rates(arguments)
    matches = _matches(tasks, arguments)
    if rates is None:
        warn("without --results or --published the solve rate is no criterion")
    if matches is None:
        warn("without --queries or --matches the similarity to users' questions is no criterion")
    criteria = hard_subset.Criteria(
        libraries=arguments.libraries,
        length=arguments.length,
        solve_rate=None if rates is None else arguments.solve_rate,
        similarity=None if matches is None else arguments.similarity,
    )
    figures = hard_subset.figures_of(tasks, rates, matches)
    held = hard_subset.held_by(figures, criteria)
    _print_counts(held, list(criteria.named()))
    kept = hard_subset.write_subset(arguments.dest, arguments.name, arguments.dataset_version, figures, held)
    say(f"{arguments.dest}: {len(kept)} tasks")
    folder = shlex.quote(str(arguments.dest))
    say(f"lm_eval run --tasks {arguments.name} --include_path {folder} --confirm_run_unsafe_code ...")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    from bigcodebench_tasks.leaderboard.hard_subset import yaml_names

    name = arguments.name
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise OptionError(f"--name {name}: give letters, digits and '_', and after the first of them '-' and '.'")
    # Another set of tasks under an official name would be reported as an official score.
    taken = [file for file in yaml_names(name) if (Path(TASKS_PATH) / file).exists()]
    if taken:
        raise OptionError(f"--name {name}: {taken[0]} is a task of this package. Give another name")
    if arguments.chunk < 1:
        raise OptionError(f"--chunk {arguments.chunk}: at least 1 query is embedded at a time")
    for first, second in (("queries", "matches"), ("published", "results")):
        if getattr(arguments, first) and getattr(arguments, second):
            raise OptionError(f"--{first} and --{second} give the same figure: use one of them")


def _solve_rates(arguments: argparse.Namespace) -> dict[str, float] | None:
    from bigcodebench_tasks.leaderboard import published
    from bigcodebench_tasks.leaderboard.hard_subset import solve_rates

    if arguments.published:
        return published.solve_rates(*SPLITS)
    return solve_rates(arguments.results, arguments.results_split) if arguments.results else None


def _matches(tasks: Sequence[Mapping[str, Any]], arguments: argparse.Namespace) -> dict[str, Match] | None:
    from bigcodebench_tasks.leaderboard.hard_subset import best_matches, embedder, read_matches, read_queries

    if arguments.matches:
        return read_matches(arguments.matches)
    if not arguments.queries:
        return None
    if not arguments.queries.is_file():  # before minutes of embedding the tasks
        raise OutputError(f"cannot read queries from {arguments.queries}: there is no such file")
    prompts = {task["task_id"]: task[f"{arguments.prompt}_prompt"] for task in tasks}
    queries = read_queries(arguments.queries, arguments.query_column)
    return best_matches(prompts, queries, embedder(arguments.model), arguments.chunk)


def _print_counts(held: Mapping[str, Mapping[str, bool]], criteria: Sequence[str]) -> None:
    """Print for how many tasks each criterion holds, and how many remain with those above it."""
    left = set(held)
    for words in criteria:
        left = {task_id for task_id in left if held[task_id][words]}
        number = sum(each[words] for each in held.values())
        say(f"{words}: {number} of {len(held)}; with those above {len(left)}")
