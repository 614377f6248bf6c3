"""The arguments of ``bigcodebench-tasks export``, ``evaluate``, ``sanitize`` and ``syncheck``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.cli.arguments import add_force, add_version, run_later


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
    add_force(export)
    export.set_defaults(run=run_later("cli.samples", "export_command"))

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
    evaluate.add_argument("--split", choices=SPLITS, required=True, help="how the model was asked")
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
    add_force(evaluate)
    evaluate.set_defaults(run=run_later("cli.samples", "evaluate_command"))

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
    add_force(sanitize)
    sanitize.set_defaults(run=run_later("cli.samples", "sanitize_command"))

    syncheck = commands.add_parser(
        "syncheck",
        help="say which samples are missing, empty or no valid Python",
        description="Check that each task has samples and that each sample compiles, as the official "
        "bigcodebench.syncheck does. Exit status 1 if not.",
        epilog="example: bigcodebench-tasks syncheck samples.jsonl --subset hard",
    )
    _add_samples(syncheck)
    syncheck.add_argument("--nsample-check", type=int, metavar="N", help="also check for N samples per task")
    syncheck.set_defaults(run=run_later("cli.samples", "syncheck_command"))


def _add_samples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "samples", type=Path, metavar="SAMPLES", help="a .jsonl of task_id and solution or completion, or a folder"
    )
    parser.add_argument("--subset", choices=["full", "hard", "mini"], default="full", help="(default: %(default)s)")
    add_version(parser)


def _ks(text: str) -> list[int]:
    ks = sorted({int(word) if word.strip().isdigit() else 0 for word in text.split(",")})
    if ks[0] < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1, such as 1,5,10")
    return ks
