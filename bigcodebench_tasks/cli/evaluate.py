"""``bigcodebench-tasks evaluate``: score samples that were made elsewhere."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.cli.arguments import Commands, Tasks, add_force, add_samples, load_rows, read_samples
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import refuse_existing, refuse_unwritable
from bigcodebench_tasks.options import CHOICES
from bigcodebench_tasks.results.printing import say, warn

if TYPE_CHECKING:
    from bigcodebench_tasks.results.official_files import SampleLine, Samples
    from bigcodebench_tasks.results.parts import Shard
    from bigcodebench_tasks.scoring.evaluate import Evaluated, Evaluator
    from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="score samples that were made elsewhere",
        description="Execute samples and write ..._eval_results.json and ..._pass_at_k.json beside them, as the "
        "official bigcodebench.evaluate does, with the engine, the execution environment and the sandbox of this "
        "package. No model is asked and nothing is sanitized. Exit status 0: every task was scored; 1: some lines "
        "or tasks were left out, which are named; 2: nothing was scored.",
        epilog="example: bigcodebench-tasks evaluate samples.jsonl --split complete --subset hard",
    )
    add_samples(parser)
    parser.add_argument("--split", choices=SPLITS, help="how the model was asked; needed unless --merge")
    parser.add_argument("--pass-k", type=_ks, default=[1, 5, 10], metavar="K,K", help="(default: 1,5,10)")
    parser.add_argument("--no-gt", action="store_true", help="do not execute the canonical solutions first")
    parser.add_argument(
        "--selective-evaluate", metavar="IDS", default="", help="score these tasks only: BigCodeBench/0,BigCodeBench/7"
    )
    parser.add_argument(
        "--calibrated",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the task's imports and signature before each solution (default: yes)",
    )
    parser.add_argument("--workers", type=int, help="programs that may use a core at a time (default: the cores)")
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="run programs on a Ray cluster: auto, or host and port of its head node"
    )
    parser.add_argument(
        "--shard", type=_shard, metavar="K/N", help="score the Kth of N parts of the tasks, and write a part file"
    )
    parser.add_argument(
        "--merge", action="store_true", help="join all part files; the other options are those that they were made with"
    )
    parser.add_argument("--sandbox", choices=CHOICES["sandbox"], help="(default: the strongest)")
    parser.add_argument("--network", choices=CHOICES["network"], default="loopback", help="(default: %(default)s)")
    parser.add_argument(
        "--speed",
        choices=CHOICES["speed"],
        default="official",
        help="fast: shorter time limits by task (default: %(default)s)",
    )
    parser.add_argument("--no-cache", action="store_true", help="take no verdict from an earlier run")
    add_force(parser)
    parser.set_defaults(run=run)


def _ks(text: str) -> list[int]:
    ks = sorted({int(word) if word.strip().isdigit() else 0 for word in text.split(",")})
    if ks[0] < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1, such as 1,5,10")
    return ks


def _shard(text: str) -> Shard:
    from bigcodebench_tasks.results.parts import Shard

    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part, such as 3/8")
    return Shard(int(number), int(of))


@dataclass(frozen=True)
class _Work:
    """What is to be scored.

    Attributes:
        dataset_sha256: of all tasks, hex.
        tasks: of the dataset.
        chosen: those that are to be scored.
        samples: all that were read.
        per_task: task_id to its samples, for those of the chosen tasks that have some.
    """

    dataset_sha256: str
    tasks: Tasks
    chosen: Tasks
    samples: Samples
    per_task: Mapping[str, list[SampleLine]]

    @classmethod
    def read(cls, arguments: argparse.Namespace) -> _Work:
        from bigcodebench_tasks.benchmark.dataset import sha256

        rows = load_rows(arguments)
        tasks: Tasks = {task["task_id"]: task for task in rows}
        chosen = _selected(arguments.selective_evaluate, tasks)
        samples = read_samples(arguments, tasks)
        per_task: dict[str, list[SampleLine]] = {}
        for sample in samples.samples:
            if sample.task_id in chosen:
                per_task.setdefault(sample.task_id, []).append(sample)
        if not per_task:
            raise OutputError(f"{arguments.samples} holds no sample of the tasks of --selective-evaluate")
        return cls(sha256(rows), tasks, chosen, samples, per_task)

    @property
    def missing(self) -> list[str]:
        """task_ids of the chosen tasks that have no sample."""
        return [task_id for task_id in self.chosen if task_id not in self.per_task]


def run(arguments: argparse.Namespace) -> int:
    from bigcodebench_tasks.results.official_files import ResultFiles

    if arguments.merge:
        return _merge(arguments)
    if arguments.split is None:
        raise OptionError("--split is missing: complete or instruct, as the model was asked")
    files = ResultFiles.of(arguments.samples)
    paths = files.paths if arguments.shard is None else (arguments.shard.file(arguments.samples),)
    refuse_existing(paths, arguments.force)
    refuse_unwritable(files.eval_results.parent)
    work = _Work.read(arguments)
    if arguments.shard is not None:
        return _score_part(arguments, work)
    evaluator, evaluated = _evaluated(arguments, work, list(work.per_task))
    record = _record(arguments, evaluator, work.dataset_sha256).with_ground_truth(evaluated.truth)
    records = dict(zip(work.per_task, evaluated.records, strict=True))
    return _finish(arguments, work, record.on_nodes(evaluated.nodes), records)


def _evaluated(arguments: argparse.Namespace, work: _Work, task_ids: Sequence[str]) -> tuple[Evaluator, Evaluated]:
    """Execute the samples of some tasks."""
    from bigcodebench_tasks.scoring.evaluate import Sample

    evaluator = _evaluator(arguments)
    tasks = [work.tasks[task_id] for task_id in task_ids]
    samples = [
        [Sample(partial(line.solution, task), line.raw_solution) for line in work.per_task[task["task_id"]]]
        for task in tasks
    ]
    return evaluator, evaluator.evaluate(tasks, samples)


def _score_part(arguments: argparse.Namespace, work: _Work) -> int:
    """Score one part of the tasks, and keep what was found."""
    from bigcodebench_tasks.results.parts import Part, digest

    task_ids = arguments.shard.share(work.per_task)
    evaluator, evaluated = _evaluated(arguments, work, task_ids)
    part = Part(
        arguments.shard,
        {name: getattr(arguments, name) for name in _OF_PARTS},
        digest(work.samples.samples),
        _record(arguments, evaluator, work.dataset_sha256).on_nodes(evaluated.nodes),
        dict(zip(task_ids, evaluated.records, strict=True)),
        None if evaluated.truth is None else evaluated.truth.failed,
        work.samples.problems,
    )
    say(part.write(arguments.samples))
    say(f"scored {len(task_ids)} of {len(work.per_task)} tasks; once all parts are there, join them with --merge")
    return 1 if work.samples.problems else 0


# The arguments that all parts share, and `--merge` takes from them.
_OF_PARTS = (
    "split",
    "subset",
    "version",
    "pass_k",
    "no_gt",
    "selective_evaluate",
    "calibrated",
    "network",
    "sandbox",
    "speed",
)


def _merge(arguments: argparse.Namespace) -> int:
    """Join all parts into the files that one machine would have written."""
    from bigcodebench_tasks.results.official_files import ResultFiles
    from bigcodebench_tasks.results.parts import digest, merge, read_parts

    refuse_existing(ResultFiles.of(arguments.samples).paths, arguments.force)
    parts = read_parts(arguments.samples)
    asked: dict[str, Any] = {name: parts[0].arguments.get(name) for name in _OF_PARTS}
    if arguments.split not in (None, asked["split"]):
        raise OptionError(f"--split {arguments.split}: the parts of {arguments.samples} are of {asked['split']}")
    arguments = argparse.Namespace(**{**vars(arguments), **asked})
    work = _Work.read(arguments)
    if digest(work.samples.samples) != parts[0].samples_sha256:
        raise OutputError(f"{arguments.samples} has changed since its parts were scored: score it anew")
    record, records = merge(parts, list(work.per_task))
    return _finish(arguments, work, record, records)


def _finish(
    arguments: argparse.Namespace, work: _Work, record: RunRecord, records: Mapping[str, Sequence[SampleRecord]]
) -> int:
    """Write both files, and say what came out."""
    from bigcodebench_tasks.results.official_files import ResultFiles, write_results
    from bigcodebench_tasks.scoring.noise import chance

    scores = write_results(arguments.samples, records, work.tasks, record, date=datetime.now(), ks=arguments.pass_k)
    say(*ResultFiles.of(arguments.samples).paths)
    say(f"BigCodeBench-{arguments.split.capitalize()} ({arguments.subset.capitalize()})")
    for name, score in scores.items():
        say(f"{name}: {score:.3f}")
    if not scores:
        warn(f"no k of --pass-k {','.join(map(str, arguments.pass_k))} is at most the samples of each task: no score")
    say(*chance({task_id: [sample.passed for sample in each] for task_id, each in records.items()}))
    _say_reasons(list(records.values()))
    missing = work.missing
    if missing:
        warn(
            f"{len(missing)} of {len(work.chosen)} tasks have no sample, so this score is not that of the benchmark: "
            f"{', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}. "
            "Name the tasks that you mean with --selective-evaluate"
        )
    return 1 if missing or work.samples.problems else 0


def _say_reasons(records: Sequence[Sequence[SampleRecord]]) -> None:
    """How many samples got which verdict, and what helps where most of them are no programs at all."""
    samples = [sample for each in records for sample in each]
    reasons = Counter(sample.reason for sample in samples)
    say("verdicts: " + ", ".join(f"{reason} {number}" for reason, number in reasons.most_common()))
    unloaded = [sample for sample in samples if sample.reason == "did not load"]
    fenced = sum("```" in sample.solution for sample in unloaded)
    if 2 * fenced > len(samples):
        warn(f"{fenced} samples are answers with a code fence, no programs: first bigcodebench-tasks sanitize")


def _selected(ids: str, tasks: Tasks) -> Tasks:
    """The tasks that ``--selective-evaluate`` names, or all."""
    if not ids:
        return tasks
    wanted = [task_id.strip() for task_id in ids.split(",") if task_id.strip()]
    unknown = [task_id for task_id in wanted if task_id not in tasks]
    if unknown:
        raise OptionError(f"--selective-evaluate: no such task in this dataset: {', '.join(unknown)}")
    return {task_id: tasks[task_id] for task_id in wanted}


def _evaluator(arguments: argparse.Namespace) -> Evaluator:
    from bigcodebench_tasks.scoring.evaluate import Evaluator

    return Evaluator.prepare(
        sandbox=arguments.sandbox,
        network=arguments.network,
        speed=arguments.speed,
        calibrated=arguments.calibrated,
        workers=arguments.workers,
        cache=not arguments.no_cache,
        checks_ground_truth=not arguments.no_gt,
        tell=warn,
        warn=warn,
        cluster=arguments.cluster,
    )


def _record(arguments: argparse.Namespace, evaluator: Evaluator, dataset_sha256: str) -> RunRecord:
    from bigcodebench_tasks.scoring.records import RunRecord

    names = ("version", "calibrated", "workers", "sandbox", "network", "speed")
    chosen = {name: getattr(arguments, name) for name in names}
    return RunRecord(
        split=arguments.split,
        subset=arguments.subset,
        mode=None,
        options={**chosen, "ground_truth": "skip" if arguments.no_gt else "check", "cache": not arguments.no_cache},
        dataset_sha256=dataset_sha256,
        conditions=evaluator.prepared.conditions.to_dict(),
    )
