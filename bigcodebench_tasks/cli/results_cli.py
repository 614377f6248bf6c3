"""The arguments of ``bigcodebench-tasks report``, ``inspect``, ``compare``, ``leaderboard`` and ``hard-subset``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.cli.arguments import add_force, add_version, run_later

_SOURCES = "output folder of lm_eval (--log_samples), an official ..._eval_results.json, or a folder of either"


def add_commands(commands: Any) -> None:
    """Add these commands to the command line (argparse's subparsers)."""
    report = commands.add_parser(
        "report",
        help="write one HTML page with every task of a run",
        description="Write what a run found as one HTML file that opens from disk and needs no network: scores, pass "
        "rates per domain and library, and per task the prompt, the answer, the executed program, the tracebacks and "
        "the canonical solution. With several models, a page for each is simpler to read: give one OUT at a time.",
        epilog="example: bigcodebench-tasks report out --dest report.html",
    )
    _add_sources(report)
    report.add_argument("--dest", type=Path, default=Path("report.html"), help="(default: %(default)s)")
    add_force(report)
    report.set_defaults(run=run_later("report", "report_command"))

    inspect = commands.add_parser(
        "inspect",
        help="show tasks of a run in the terminal, or write them as files",
        description="Without TASK, list the tasks that were not solved, with the reason of each. With tasks "
        "(BigCodeBench/17, or 17), show for each the prompt, the executed program, the tracebacks and the canonical "
        "solution. With --write, write a folder per task as the official bigcodebench.inspect does: ground_truth.py, "
        "test_case.py, and for each sample completion_<n>.py and complete_<n>_execution_trace.txt.",
        epilog="example: bigcodebench-tasks inspect out 17 --split complete",
    )
    inspect.add_argument("source", type=Path, metavar="OUT", help=_SOURCES)
    inspect.add_argument("tasks", nargs="*", metavar="TASK", help="task_id, or its number")
    inspect.add_argument("--split", choices=SPLITS, help="where OUT holds both (default: both)")
    inspect.add_argument("--model", help="where OUT holds several (default: all)")
    inspect.add_argument("--write", type=Path, metavar="DIR", help="write files there in place of printing")
    add_force(inspect)
    inspect.set_defaults(run=run_later("results.inspection", "inspect_command"))

    compare = commands.add_parser(
        "compare",
        help="compare models task by task",
        description="Put models side by side: pass@1 of each, the difference of every pair with a paired bootstrap "
        "interval and McNemar's test, and the tasks that one solves and the other does not. Each split and subset "
        "that several models have is compared on the tasks that all of them have.",
        epilog="example: bigcodebench-tasks compare out_a out_b --json -",
    )
    _add_sources(compare)
    _add_tables(compare)
    compare.set_defaults(run=run_later("results.leaderboard", "compare_command"))

    leaderboard = commands.add_parser(
        "leaderboard",
        help="rank models",
        description="Rank models by the mean of Complete and Instruct, as the leaderboard does, on Full and on Hard, "
        "with 95%% intervals, Elo ratings as in the official analysis, and the solve rate of each task.",
        epilog="example: bigcodebench-tasks leaderboard results --html leaderboard.html",
    )
    _add_sources(leaderboard)
    _add_tables(leaderboard)
    leaderboard.set_defaults(run=run_later("results.leaderboard", "leaderboard_command"))

    subset = commands.add_parser(
        "hard-subset",
        help="choose hard tasks by the criteria of BigCodeBench-Hard",
        description="Keep the tasks that use more than --libraries libraries, whose canonical solution is longer than "
        "--length characters, that the models of --results solve less often than --solve-rate, and for which a "
        "query of people (--queries to embed, or --matches with known scores) is more alike than --similarity. "
        "A criterion without its input is left out, and said so. Writes the task ids, the figures of every task and "
        "the YAML files of harness tasks that run exactly this subset.",
        epilog="example: bigcodebench-tasks hard-subset --results results --queries questions.jsonl --dest my_hard",
    )
    subset.add_argument("--libraries", type=int, default=2, metavar="N", help="more than N libraries (default: 2)")
    subset.add_argument("--length", type=int, default=426, metavar="N", help="longer than N characters (default: 426)")
    subset.add_argument("--solve-rate", type=float, default=0.5, metavar="R", help="solved by less (default: 0.5)")
    subset.add_argument("--similarity", type=float, default=0.7, metavar="S", help="more alike than (default: 0.7)")
    subset.add_argument("--results", type=Path, action="append", default=[], metavar="OUT", help=_SOURCES)
    subset.add_argument(
        "--results-split", choices=SPLITS, default="complete", help="of --results (default: %(default)s)"
    )
    subset.add_argument("--queries", type=Path, metavar="FILE", help="JSONL or Parquet with a query a row")
    subset.add_argument("--query-column", default="question", help="(default: %(default)s)")
    subset.add_argument("--prompt", choices=SPLITS, default="complete", help="what queries are like")
    subset.add_argument("--model", default="all-mpnet-base-v2", help="sentence-transformers model, by name or path")
    subset.add_argument("--chunk", type=int, default=10_000, help="queries embedded at a time (default: %(default)s)")
    subset.add_argument("--matches", type=Path, metavar="FILE", help="JSONL with task_id, question, q_idx and score")
    add_version(subset)
    subset.add_argument("--name", default="bigcodebench_my_hard", help="of the harness tasks (default: %(default)s)")
    subset.add_argument("--dest", type=Path, default=Path("hard_subset"), help="folder (default: %(default)s)")
    add_force(subset)
    subset.set_defaults(run=run_later("hard_subset", "hard_subset_command"))


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", type=Path, nargs="+", metavar="OUT", help=_SOURCES)


def _add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON; - is standard output")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV; - is standard output")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    add_force(parser)
