"""The same verdicts on what real models wrote? ``python benchmarks/replay.py FILE --data <folder> --out <folder>``.

FILE is a JSONL (``.gz`` too) of programs that the official evaluator has judged somewhere: task_id, solution (as it was
executed), official (its statuses, one for each time), failed_tests, dataset_version, model. They are executed by our
engine and compared: by status, by task, by cause. What differs is executed again, alone, and with ``--official`` by the
official evaluator here, in our execution environment: where that says what ours says, the other machine made the
difference; where it says what it said there, we do.

Results are kept in the folder ``--out``, one file for each level and speed, and a program that is there is not executed
again: an interrupted replay goes on, and a larger sample of the same seed holds the smaller one.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import official
from engine import cpu_s
from replay_causes import CAUSES

from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.execution import Engine, Prepared, Program, prepare
from bigcodebench_tasks.progress import progress

# Suites that are not those of v0.1.4 in an older version of the dataset, so that nothing can be said of their programs.
OTHER_SUITES = {"v0.1.2": frozenset({211, 215, 1005})}


@dataclass(frozen=True)
class Replayed:
    """A program, and what was said of it elsewhere.

    Attributes:
        key: names it in the files of results.
        official: the official evaluator's statuses, one for each time.
        failed_tests: methods that failed there; empty where that is not known.
    """

    key: str
    program: Program
    official: tuple[str, ...]
    failed_tests: frozenset[str]
    model: str

    @property
    def number(self) -> int:
        return int(self.program.task_id.rpartition("/")[2])


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSONL file."""
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.endswith("\n"))  # a last line may have been cut off


def replayed(file: Path, data: Path, version: str | None = None) -> list[Replayed]:
    """The programs of a file whose suites are known.

    Args:
        file: with the programs.
        data: folder with BigCodeBench-v0.1.4.jsonl.gz, whose suites are executed.
        version: only those that were judged with this version of the dataset.
    """
    suites = {row["task_id"]: row["test"] for row in lines_of(data / "BigCodeBench-v0.1.4.jsonl.gz")}
    programs = []
    for row in lines_of(file):
        program = Program(row["task_id"], row["solution"], suites[row["task_id"]])
        key = hashlib.sha256("\0".join((program.task_id, program.solution, program.test)).encode()).hexdigest()[:16]
        one = Replayed(key, program, tuple(row["official"]), frozenset(row["failed_tests"]), row["model"])
        judged_with = row["dataset_version"]
        if version in (None, judged_with) and one.number not in OTHER_SUITES.get(judged_with, ()):
            programs.append(one)
    return programs


def sample(programs: Sequence[Replayed], size: int | None, seed: int) -> list[Replayed]:
    """So many of them, or all; one of a larger size holds one of a smaller size with the same seed."""
    order = random.Random(seed).sample(programs, len(programs))
    return order[:size]


class Results:
    """Verdicts in a file, one line each, in the order in which they came."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.known: dict[str, dict[str, Any]] = {}
        if file.exists():
            self.known = {row["key"]: row for row in lines_of(file)}
            with file.open("rb+") as opened:  # a line that was cut off is one nobody knows
                text = opened.read()
                opened.truncate(text.rfind(b"\n") + 1)

    def add(self, row: dict[str, Any]) -> None:
        self.known[row["key"]] = row
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def execute(chosen: Sequence[Replayed], prepared: Prepared, results: Results, workers: int | None) -> None:
    """Execute what has no result yet, all at once, and say what it cost."""
    missing = [one for one in chosen if one.key not in results.known]
    if not missing:
        return
    began, before = time.monotonic(), cpu_s()
    ends: list[float] = []
    with (
        Engine(prepared.environment, prepared.conditions, workers=workers) as engine,
        progress(len(missing), "Replaying", "program") as bar,
    ):
        futures = {engine.submit(one.program): one for one in missing}
        for future in as_completed(futures):
            one, verdict = futures[future], future.result()
            ends.append(time.monotonic() - began)
            results.add({"key": one.key, "task_id": one.program.task_id, "ours": verdict.to_dict()})
            bar.update()
    used, number = cpu_s() - before, len(missing)
    print(
        f"{number} programs: {ends[-1]:.0f} s of wall time, 99% of them after {ends[int(0.99 * (number - 1))]:.0f} s; "
        f"CPU {used:.0f} s, {used / number * 1000:.0f} ms each; {number / ends[-1]:.1f} programs a second",
        flush=True,
    )


def alone(chosen: Iterable[Replayed], prepared: Prepared, results: Results) -> None:
    """Execute programs again, one after the other, with nothing beside them."""
    missing = [one for one in chosen if one.key not in results.known]
    with progress(len(missing), "Alone", "program") as bar:
        for one in missing:
            with Engine(prepared.environment, prepared.conditions, workers=1, preload=False) as engine:
                verdict = engine.submit(one.program).result()
            results.add({"key": one.key, "task_id": one.program.task_id, "ours": verdict.to_dict()})
            bar.update()


def by_official(chosen: Iterable[Replayed], prepared: Prepared, results: Results) -> None:
    """Let the official evaluator judge programs here, in a namespace, with our libraries."""
    missing = [one for one in chosen if one.key not in results.known]
    for start in range(0, len(missing), 20):  # so that an interrupt loses little
        several = missing[start : start + 20]
        run = official.evaluate([one.program for one in several], prepared.environment, 1)
        for one, status, details in zip(several, run.statuses, run.details, strict=True):
            results.add({"key": one.key, "task_id": one.program.task_id, "status": status, "details": details})


def table(title: str, counts: Counter[Any], words: Callable[[Any], str] = str) -> None:
    print(f"\n| {title} | programs |\n| --- | ---: |")
    for key, number in counts.most_common():
        print(f"| {words(key)} | {number} |")


def cause(one: Replayed, ours: str, by_itself: str | None, here: str | None) -> str:
    """What a difference comes from, as far as executing the program again tells."""
    if len(set(one.official)) > 1:
        return "differs between runs of the official evaluator there"
    if by_itself in one.official:
        return "differs between our runs"
    if here == ours:
        return "the official evaluator here says what ours says"
    if here in one.official:
        return "the official evaluator says the same here and there"
    return "not asked" if here is None else "the official evaluator here says something else again"


def report(chosen: Sequence[Replayed], results: Results, lone: Results, here: Results) -> list[Replayed]:
    """Print the tables; returns what differs."""
    judged = [one for one in chosen if one.key in results.known]
    status = {one.key: str(results.known[one.key]["ours"]["status"]) for one in judged}
    pairs = Counter((one.official[0], status[one.key]) for one in judged)
    same = sum(number for (theirs, ours), number in pairs.items() if theirs == ours)
    print(f"\n{same} of {len(judged)} programs ({same / max(1, len(judged)):.2%}) have the official status")
    table("official, ours", pairs, " → ".join)
    differing = [one for one in judged if status[one.key] != one.official[0]]
    table("task", Counter(one.number for one in differing), lambda task: f"{task}: {CAUSES.get(task, 'not explained')}")
    causes: Counter[str] = Counter()
    print("\n| program | task | model | official | ours | alone | official, here | headline |\n|" + " --- |" * 8)
    for one in sorted(differing, key=lambda one: one.number):
        ours = results.known[one.key]["ours"]
        itself = lone.known.get(one.key, {}).get("ours", {}).get("status")
        there = here.known.get(one.key, {}).get("status")
        causes[cause(one, ours["status"], itself, there)] += 1
        text = " ".join(next(iter(ours["details"].values()), "").strip().split("\n")[-1].split())[:90]
        words = [one.key, one.number, one.model, "/".join(one.official), f"{ours['status']}, {ours['reason']}"]
        print("| " + " | ".join(str(word).replace("|", "/") for word in [*words, itself, there, text]) + " |")
    table("cause, as far as running again tells", causes)
    report_failing_tests(judged, results)
    return differing


def report_failing_tests(judged: Sequence[Replayed], results: Results) -> None:
    """Of programs that fail in both: have the same test methods failed?"""
    fail = [
        one
        for one in judged
        if set(one.official) == {"fail"} and one.failed_tests and results.known[one.key]["ours"]["status"] == "fail"
    ]
    other = [one for one in fail if frozenset(results.known[one.key]["ours"]["details"]) != one.failed_tests]
    print(f"\n{len(fail)} fail in both; {len(fail) - len(other)} of them with the same failing tests")
    for one in sorted(other, key=lambda one: one.number):
        ours = frozenset(results.known[one.key]["ours"]["details"])
        more, less = ", ".join(sorted(ours - one.failed_tests)), ", ".join(sorted(one.failed_tests - ours))
        print(f"{one.key} {one.number}: only here: {more or '-'}; only there: {less or '-'}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python benchmarks/replay.py programs.jsonl.gz --data data --out replay --sample 600",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench-v0.1.4.jsonl.gz")
    parser.add_argument("--out", type=Path, required=True, help="folder of results, which are gone on with")
    parser.add_argument("--sample", type=int, metavar="N", help="only so many programs, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--version", help="only programs that were judged with this version, such as v0.1.4")
    parser.add_argument("--task", type=int, action="append", help="only programs of these tasks, by number")
    parser.add_argument("--level", choices=["namespaces", "landlock", "none"], help="default: the strongest")
    parser.add_argument("--workers", type=int, help="default: the cores")
    parser.add_argument("--official", action="store_true", help="ask the official evaluator of what differs")
    parser.add_argument("--only-report", action="store_true", help="execute nothing")
    options = parser.parse_args()
    try:
        programs = replayed(options.file, options.data, options.version)
        prepared = prepare(options.level)
    except (BigCodeBenchError, OSError, KeyError) as error:
        parser.error(str(error))
    if options.task:
        programs = [one for one in programs if one.number in options.task]
    chosen = sample(programs, options.sample, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    name = prepared.isolation.level
    results, lone, here = (
        Results(options.out / f"{file}.jsonl") for file in (name, f"{name}-alone", "official-evaluator")
    )
    if not options.only_report:
        execute(chosen, prepared, results, options.workers)
        differing = [one for one in chosen if results.known[one.key]["ours"]["status"] != one.official[0]]
        alone(differing, prepared, lone)
        if options.official:
            by_official(differing, prepared, here)
    return 1 if report(chosen, results, lone, here) else 0


if __name__ == "__main__":
    sys.exit(main())
