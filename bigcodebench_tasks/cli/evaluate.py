"""``bigcodebench-tasks evaluate``: score existing samples."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.cli.arguments import (
    Commands,
    Tasks,
    add_force,
    add_ground_truth,
    add_samples,
    load_rows,
    read_samples,
)
from bigcodebench_tasks.cli.printing import say, warn
from bigcodebench_tasks.errors import OptionError, OutputError
from bigcodebench_tasks.files import refuse_existing, refuse_unwritable
from bigcodebench_tasks.options import CHOICES, Options

if TYPE_CHECKING:
    from bigcodebench_tasks.results.official_files import SampleLine, Samples
    from bigcodebench_tasks.results.parts import Shard
    from bigcodebench_tasks.scoring.evaluate import Evaluated, Evaluator
    from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="score existing samples",
        description="Execute samples and write ..._eval_results.json and ..._pass_at_k.json beside them, as the "
        "official bigcodebench.evaluate does, but in this package's sandbox and execution environment. Solutions are "
        "executed as they are, not sanitized. Exit status 0: every task was scored; 1: lines or tasks were left out "
        "and are named; 2: nothing was scored.",
        epilog="example: bigcodebench-tasks evaluate samples.jsonl --split complete --subset hard",
    )
    add_samples(parser)
    parser.add_argument("--split", choices=SPLITS, help="the prompts of the samples; required unless --merge")
    parser.add_argument("--pass-k", type=_ks, default=[1, 5, 10], metavar="K,K", help="(default: 1,5,10)")
    add_ground_truth(parser, "check")
    parser.add_argument(
        "--selective-evaluate", metavar="IDS", default="", help="score only these tasks: BigCodeBench/0,BigCodeBench/7"
    )
    parser.add_argument(
        "--calibrated",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the task's imports and signature before each solution (default: yes)",
    )
    parser.add_argument("--workers", type=int, help="programs that may use a core at a time (default: all cores)")
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="run programs on a Ray cluster: auto, or host and port of its head node"
    )
    parser.add_argument(
        "--shard", type=_shard, metavar="K/N", help="score the Kth of N parts of the tasks, and write a part file"
    )
    parser.add_argument("--merge", action="store_true", help="merge all part files; options are taken from them")
    parser.add_argument("--sandbox", choices=CHOICES["sandbox"], help="(default: the strongest that works)")
    parser.add_argument("--network", choices=CHOICES["network"], default="loopback", help="(default: %(default)s)")
    parser.add_argument(
        "--speed", choices=CHOICES["speed"], default="official", help="fast: shorter limits (default: %(default)s)"
    )
    parser.add_argument("--no-cache", action="store_true", help="use no cached verdicts")
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
class _Input:
    """Tasks and samples.

    Attributes:
        dataset_sha256: of all tasks, hex.
        tasks: of the dataset.
        chosen: the tasks to score.
        samples: all samples.
        per_task: task_id to its samples, for the chosen tasks that have some.
    """

    dataset_sha256: str
    tasks: Tasks
    chosen: Tasks
    samples: Samples
    per_task: Mapping[str, list[SampleLine]]

    @classmethod
    def read(cls, arguments: argparse.Namespace) -> _Input:
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
        raise OptionError("--split is missing: complete or instruct, the prompts of the samples")
    files = ResultFiles.of(arguments.samples)
    paths = files.paths if arguments.shard is None else (arguments.shard.file(arguments.samples),)
    refuse_existing(paths, arguments.force)
    refuse_unwritable(files.eval_results.parent)
    found = _Input.read(arguments)
    if arguments.shard is not None:
        return _score_part(arguments, found)
    evaluator, evaluated = _evaluate(arguments, found, list(found.per_task))
    record = _record(arguments, evaluator, found.dataset_sha256).scored(evaluated.truth, evaluated.nodes)
    return _finish(arguments, found, record, dict(zip(found.per_task, evaluated.records, strict=True)))


def _evaluate(arguments: argparse.Namespace, found: _Input, task_ids: Sequence[str]) -> tuple[Evaluator, Evaluated]:
    """Execute the samples of these tasks."""
    from bigcodebench_tasks.scoring.evaluate import Evaluator, Sample

    evaluator = Evaluator.prepare(_options(arguments))
    tasks = [found.tasks[task_id] for task_id in task_ids]
    samples = [
        [Sample(partial(line.solution, task), line.raw_solution) for line in found.per_task[task["task_id"]]]
        for task in tasks
    ]
    return evaluator, evaluator.evaluate(tasks, samples)


def _score_part(arguments: argparse.Namespace, found: _Input) -> int:
    """Score one part of the tasks, and write its file."""
    from bigcodebench_tasks.results.parts import Part, digest
    from bigcodebench_tasks.scoring.records import LoggedSample

    task_ids = arguments.shard.share(found.per_task)
    evaluator, evaluated = _evaluate(arguments, found, task_ids)
    records = [[LoggedSample(**record.to_dict()) for record in each] for each in evaluated.records]
    part = Part(
        shard=arguments.shard,
        arguments={name: getattr(arguments, name) for name in _OF_PARTS},
        samples_sha256=digest(found.samples.samples),
        run=_record(arguments, evaluator, found.dataset_sha256).scored(None, evaluated.nodes).to_dict(),
        records=dict(zip(task_ids, records, strict=True)),
        failed=None if evaluated.truth is None else evaluated.truth.failed,
        problems=found.samples.problems,
    )
    say(part.write(arguments.samples))
    say(f"scored {len(task_ids)} of {len(found.per_task)} tasks; with all parts, merge them: --merge")
    return 1 if found.samples.problems else 0


# The arguments that all parts have in common, which `--merge` takes from them.
_OF_PARTS = (
    "split",
    "subset",
    "dataset_version",
    "pass_k",
    "ground_truth",
    "selective_evaluate",
    "calibrated",
    "network",
    "sandbox",
    "speed",
)


def _merge(arguments: argparse.Namespace) -> int:
    """Merge all parts into the files of a whole evaluation."""
    from bigcodebench_tasks.results.official_files import ResultFiles
    from bigcodebench_tasks.results.parts import digest, merge, read_parts

    refuse_existing(ResultFiles.of(arguments.samples).paths, arguments.force)
    parts = read_parts(arguments.samples)
    asked: dict[str, Any] = {name: parts[0].arguments.get(name) for name in _OF_PARTS}
    if arguments.split not in (None, asked["split"]):
        raise OptionError(f"--split {arguments.split}: the parts of {arguments.samples} are of {asked['split']}")
    arguments = argparse.Namespace(**{**vars(arguments), **asked})
    found = _Input.read(arguments)
    if digest(found.samples.samples) != parts[0].samples_sha256:
        raise OutputError(f"{arguments.samples} has changed since its parts were scored: score it again")
    record, records = merge(parts, list(found.per_task))
    return _finish(arguments, found, record, records)


def _finish(
    arguments: argparse.Namespace, found: _Input, record: RunRecord, records: Mapping[str, Sequence[SampleRecord]]
) -> int:
    """Write both files, and print the scores."""
    from bigcodebench_tasks.results.official_files import ResultFiles, write_results
    from bigcodebench_tasks.scoring.noise import chance

    scores = write_results(arguments.samples, records, found.tasks, record, date=datetime.now(), ks=arguments.pass_k)
    say(*ResultFiles.of(arguments.samples).paths)
    say(f"BigCodeBench-{arguments.split.capitalize()} ({arguments.subset.capitalize()})")
    say(*(f"{name}: {score:.3f}" for name, score in scores.items()))
    if not scores:
        warn(f"every k of --pass-k {','.join(map(str, arguments.pass_k))} exceeds the samples of a task: no score")
    say(*chance({task_id: [sample.passed for sample in each] for task_id, each in records.items()}))
    _say_reasons([sample for each in records.values() for sample in each])
    missing = found.missing
    if missing:
        warn(
            f"{len(missing)} of {len(found.chosen)} tasks have no sample, so this is not the benchmark's score: "
            f"{', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}. "
            "Choose tasks with --selective-evaluate"
        )
    return 1 if missing or found.samples.problems else 0


def _say_reasons(samples: Sequence[SampleRecord]) -> None:
    """Print how many samples got which verdict, and a hint if most of them are no programs."""
    reasons = Counter(sample.reason for sample in samples)
    say("verdicts: " + ", ".join(f"{reason} {number}" for reason, number in reasons.most_common()))
    fenced = sum("```" in sample.solution for sample in samples if sample.reason == "did not load")
    if 2 * fenced > len(samples):
        warn(f"{fenced} samples are responses with a code fence, not programs: first bigcodebench-tasks sanitize")


def _selected(ids: str, tasks: Tasks) -> Tasks:
    """The tasks of ``--selective-evaluate``, or all."""
    if not ids:
        return tasks
    wanted = [task_id.strip() for task_id in ids.split(",") if task_id.strip()]
    unknown = [task_id for task_id in wanted if task_id not in tasks]
    if unknown:
        raise OptionError(f"--selective-evaluate: no such task in this dataset: {', '.join(unknown)}")
    return {task_id: tasks[task_id] for task_id in wanted}


def _record(arguments: argparse.Namespace, evaluator: Evaluator, dataset_sha256: str) -> RunRecord:
    from bigcodebench_tasks.scoring.records import RunRecord

    return RunRecord(
        split=arguments.split,
        subset=arguments.subset,
        mode=None,
        options=_options(arguments),
        dataset_sha256=dataset_sha256,
        conditions=evaluator.prepared.conditions,
    )


def _options(arguments: argparse.Namespace) -> Options:
    names = ("calibrated", "workers", "sandbox", "cluster", "network", "speed", "ground_truth")
    given = {name: getattr(arguments, name) for name in names}
    given |= {"version": arguments.dataset_version, "cache": not arguments.no_cache}
    return Options.resolve({name: value for name, value in given.items() if value is not None})
