"""The same verdicts on what real models wrote? ``python benchmarks/replay.py FILE --data <folder> --out <folder>``.

FILE is a JSONL (``.gz`` too) of programs that the official evaluator has judged somewhere: task_id, solution (as it was
executed), official (its statuses, one for each time), failed_tests, dataset_version, model. They are executed by our
engine and compared: by status, by task, by cause. What differs is executed again, alone, and with ``--official`` by the
official evaluator here, in our execution environment: where that says what ours says, the other machine made the
difference; where it says what it said there, we do.

With ``--speed fast`` the canonical solutions are executed first, for the time limits by task. ``--compare`` names
results of other runs (another level, a busy machine, another speed): programs whose status differs are printed.

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import official
from engine import cpu_s
from replay_causes import CAUSES

from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.execution import Engine, Prepared, Program, prepare
from bigcodebench_tasks.execution.speed import FAST, OFFICIAL, SPEEDS
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.scoring.ground_truth import ground_truth

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
        each = Replayed(key, program, tuple(row["official"]), frozenset(row["failed_tests"]), row["model"])
        judged_with = row["dataset_version"]
        if version in (None, judged_with) and each.number not in OTHER_SUITES.get(judged_with, ()):
            programs.append(each)
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


def canonical_seconds(data: Path, prepared: Prepared, file: Path, workers: int | None) -> dict[str, float]:
    """What the canonical solution of each task takes here, if it passes; kept in a file."""
    if not file.exists():
        tasks = list(lines_of(data / "BigCodeBench-v0.1.4.jsonl.gz"))
        with Engine(prepared.environment, prepared.conditions, workers=workers) as engine:
            verdicts = ground_truth(tasks, engine).verdicts
        file.write_text(json.dumps({task_id: v.seconds for task_id, v in verdicts.items() if v.passed}))
    seconds: dict[str, float] = json.loads(file.read_text())
    return seconds


def execute(
    chosen: Sequence[Replayed],
    prepared: Prepared,
    results: Results,
    workers: int | None,
    canonical_s: Mapping[str, float],
) -> None:
    """Execute what has no result yet, all at once, and say what it cost."""
    missing = [each for each in chosen if each.key not in results.known]
    if not missing:
        return
    ends: list[float] = []
    with Engine(prepared.environment, prepared.conditions, workers=workers) as engine:
        for task_id, seconds in canonical_s.items():
            engine.measured(task_id, seconds)
        began, before = time.monotonic(), cpu_s()
        submit_all(missing, engine, results, ends)
    used, number = cpu_s() - before, len(missing)
    print(
        f"{number} programs: {ends[-1] - began:.0f} s of wall time, 99% of them after "
        f"{ends[int(0.99 * (number - 1))] - began:.0f} s; CPU {used:.0f} s, {used / number * 1000:.0f} ms each; "
        f"{number / (ends[-1] - began):.1f} programs a second",
        flush=True,
    )


def submit_all(missing: Sequence[Replayed], engine: Engine, results: Results, ends: list[float]) -> None:
    """Execute programs; `ends` gets the time at which each had its verdict."""
    with progress(len(missing), "Replaying", "program") as bar:
        futures = {engine.submit(each.program): each for each in missing}
        for future in as_completed(futures):
            each, verdict = futures[future], future.result()
            ends.append(time.monotonic())
            results.add({"key": each.key, "task_id": each.program.task_id, "ours": verdict.to_dict()})
            bar.update()


def alone(chosen: Iterable[Replayed], prepared: Prepared, results: Results) -> None:
    """Execute programs again, one after the other, with nothing beside them."""
    missing = [each for each in chosen if each.key not in results.known]
    with progress(len(missing), "Alone", "program") as bar:
        for each in missing:
            with Engine(prepared.environment, prepared.conditions, workers=1, preload=False) as engine:
                verdict = engine.submit(each.program).result()
            results.add({"key": each.key, "task_id": each.program.task_id, "ours": verdict.to_dict()})
            bar.update()


def by_official(chosen: Iterable[Replayed], prepared: Prepared, results: Results) -> None:
    """Let the official evaluator judge programs here, in a namespace, with our libraries."""
    missing = [each for each in chosen if each.key not in results.known]
    for start in range(0, len(missing), 20):  # so that an interrupt loses little
        several = missing[start : start + 20]
        run = official.evaluate([each.program for each in several], prepared.environment, 1)
        for each, status, details in zip(several, run.statuses, run.details, strict=True):
            results.add({"key": each.key, "task_id": each.program.task_id, "status": status, "details": details})


def table(title: str, counts: Counter[Any], words: Callable[[Any], str] = str) -> None:
    print(f"\n| {title} | programs |\n| --- | ---: |")
    for key, number in counts.most_common():
        print(f"| {words(key)} | {number} |")


def cause(each: Replayed, ours: str, by_itself: str | None, here: str | None) -> str:
    """What a difference comes from, as far as executing the program again tells."""
    if len(set(each.official)) > 1:
        return "differs between runs of the official evaluator there"
    if by_itself in each.official:
        return "differs between our runs"
    if here == ours:
        return "the official evaluator here says what ours says"
    if here in each.official:
        return "the official evaluator says the same here and there"
    return "not asked" if here is None else "the official evaluator here says something else again"


def report(chosen: Sequence[Replayed], results: Results, lone: Results, here: Results) -> list[Replayed]:
    """Print the tables; returns what differs."""
    judged = [each for each in chosen if each.key in results.known]
    status = {each.key: str(results.known[each.key]["ours"]["status"]) for each in judged}
    pairs = Counter((each.official[0], status[each.key]) for each in judged)
    same = sum(number for (theirs, ours), number in pairs.items() if theirs == ours)
    print(f"\n{same} of {len(judged)} programs ({same / max(1, len(judged)):.2%}) have the official status")
    table("official, ours", pairs, " → ".join)
    differing = [each for each in judged if status[each.key] != each.official[0]]
    table(
        "task", Counter(each.number for each in differing), lambda task: f"{task}: {CAUSES.get(task, 'not explained')}"
    )
    causes: Counter[str] = Counter()
    print("\n| program | task | model | official | ours | alone | official, here | headline |\n|" + " --- |" * 8)
    for each in sorted(differing, key=lambda each: each.number):
        ours = results.known[each.key]["ours"]
        itself = lone.known.get(each.key, {}).get("ours", {}).get("status")
        there = here.known.get(each.key, {}).get("status")
        causes[cause(each, ours["status"], itself, there)] += 1
        text = " ".join(next(iter(ours["details"].values()), "").strip().split("\n")[-1].split())[:90]
        words = [each.key, each.number, each.model, "/".join(each.official), f"{ours['status']}, {ours['reason']}"]
        print("| " + " | ".join(str(word).replace("|", "/") for word in [*words, itself, there, text]) + " |")
    table("cause, as far as running again tells", causes)
    report_failing_tests(judged, results)
    return differing


def report_failing_tests(judged: Sequence[Replayed], results: Results) -> None:
    """Of programs that fail in both: have the same test methods failed?"""
    fail = [
        each
        for each in judged
        if set(each.official) == {"fail"} and each.failed_tests and results.known[each.key]["ours"]["status"] == "fail"
    ]
    other = [each for each in fail if frozenset(results.known[each.key]["ours"]["details"]) != each.failed_tests]
    print(f"\n{len(fail)} fail in both; {len(fail) - len(other)} of them with the same failing tests")
    for each in sorted(other, key=lambda each: each.number):
        ours = frozenset(results.known[each.key]["ours"]["details"])
        more, less = ", ".join(sorted(ours - each.failed_tests)), ", ".join(sorted(each.failed_tests - ours))
        print(f"{each.key} {each.number}: only here: {more or '-'}; only there: {less or '-'}")


def compare(chosen: Sequence[Replayed], results: Results, others: Results, file: Path) -> None:
    """Print the programs whose status is another one in another run of ours."""
    both = [each for each in chosen if each.key in results.known and each.key in others.known]
    flips = 0
    for each in both:
        here, there = results.known[each.key]["ours"], others.known[each.key]["ours"]
        if here["status"] != there["status"]:
            flips += 1
            words = f"{here['status']}, {here['reason']} here; {there['status']}, {there['reason']} in {file.name}"
            print(f"{each.key} {each.number}: {words}")
    print(f"{len(both)} programs are in {file}, too: {flips} have another status there")


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
    parser.add_argument("--speed", choices=SPEEDS, default=OFFICIAL, help="(default: %(default)s)")
    parser.add_argument(
        "--compare", type=Path, action="append", default=[], help="results of another run, a JSONL file"
    )
    parser.add_argument("--workers", type=int, help="default: the cores")
    parser.add_argument("--official", action="store_true", help="ask the official evaluator of what differs")
    parser.add_argument("--only-report", action="store_true", help="execute nothing")
    options = parser.parse_args()
    try:
        programs = replayed(options.file, options.data, options.version)
        prepared = prepare(options.level, speed=options.speed)
    except (BigCodeBenchError, OSError, KeyError) as error:
        parser.error(str(error))
    if options.task:
        programs = [each for each in programs if each.number in options.task]
    chosen = sample(programs, options.sample, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    name = prepared.isolation.level + ("-fast" if options.speed == FAST else "")
    results, lone, here = (
        Results(options.out / f"{file}.jsonl") for file in (name, f"{name}-alone", "official-evaluator")
    )
    if not options.only_report:
        canonical_s = {}
        if options.speed == FAST:
            file = options.out / "canonical-seconds.json"
            canonical_s = canonical_seconds(options.data, prepared, file, options.workers)
        execute(chosen, prepared, results, options.workers, canonical_s)
        differing = [each for each in chosen if results.known[each.key]["ours"]["status"] != each.official[0]]
        alone(differing, prepared, lone)
        if options.official:
            by_official(differing, prepared, here)
    differing = report(chosen, results, lone, here)
    for file in options.compare:
        compare(chosen, results, Results(file), file)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
