"""The same verdicts on what real models wrote? ``python benchmarks/replay.py FILE --data <folder> --out <folder>``.

FILE is a JSONL (``.gz`` too) of programs that the official evaluator has judged somewhere: task_id, solution (as it was
executed), official (its statuses, one for each time), failed_tests, dataset_version, model. They are executed by our
engine and compared: by status, by task, by cause. What differs is executed again, alone, and with ``--official`` by the
official evaluator here, in our execution environment: where that says what ours says, the other machine made the
difference; where it says what it said there, we do.

``--beside N`` is about time: N of the programs are given to both evaluators, one after the other, on the same cores.

``--compare`` names results of other runs (another sandbox, a busy machine, another speed): programs whose status
differs are printed.

Results are kept in the folder ``--out``, one file for each sandbox and speed, and a program that is there is not
executed again: an interrupted replay goes on, and a larger sample of the same seed holds the smaller one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path

import official
from engine import cpu_s
from replay_programs import Replayed, Results, replayed, sample
from replay_report import Replay, compare, report

from bigcodebench_tasks.errors import BigCodeBenchError
from bigcodebench_tasks.execution import Engine, machine
from bigcodebench_tasks.execution.prepare import Prepared, prepare
from bigcodebench_tasks.execution.speed import FAST, OFFICIAL, SPEEDS
from bigcodebench_tasks.progress import progress

_CLOSING_SHOW = "import matplotlib.pyplot as _pyplot\n_pyplot.show = lambda *_, **__: _pyplot.close('all')\n"


def execute(
    chosen: Sequence[Replayed],
    prepared: Prepared,
    results: Results,
    workers: int | None,
) -> None:
    """Execute what has no result yet, all at once, and say what it cost."""
    missing = [each for each in chosen if each.key not in results.known]
    if not missing:
        return
    ends: list[float] = []
    with Engine(prepared.environment, prepared.conditions, workers=workers) as engine:
        began, before = time.monotonic(), cpu_s()
        submit_all(missing, engine, results, ends)
    say_cost("ours", [end - began for end in ends], cpu_s() - before)


def say_cost(who: str, ends_s: Sequence[float], used_s: float) -> None:
    """Print what programs took together.

    Args:
        who: executed them.
        ends_s: seconds after the beginning at which each had its verdict, in order.
        used_s: CPU seconds of all.
    """
    number, wall_s = len(ends_s), ends_s[-1]
    print(
        f"{who}: {number} programs, {wall_s:.0f} s of wall time, 99% of them after "
        f"{ends_s[int(0.99 * (number - 1))]:.0f} s; CPU {used_s:.0f} s, {used_s / number * 1000:.0f} ms each; "
        f"{number / wall_s:.1f} programs a second",
        flush=True,
    )


def beside(chosen: Sequence[Replayed], prepared: Prepared, results: Results, workers: int | None) -> None:
    """Execute programs with both evaluators, and say what each costs."""
    execute(chosen, prepared, results, workers)
    run = official.evaluate([each.program for each in chosen], prepared.environment, machine.workers(workers))
    say_cost("official", sorted(run.ends_s), run.cpu_s)
    same = sum(
        results.known[each.key]["ours"]["status"] == status for each, status in zip(chosen, run.statuses, strict=True)
    )
    print(f"{same} of {len(chosen)} have the same status in both")


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


def with_closing_show(chosen: Iterable[Replayed], prepared: Prepared, results: Results) -> None:
    """Execute what may show figures, itself or by NLTK, where `plt.show()` closes them, as in notebooks."""
    missing = [each for each in chosen if "pyplot" in each.program.solution and each.key not in results.known]
    with Engine(prepared.environment, prepared.conditions) as engine:
        futures = {
            engine.submit(replace(each.program, solution=_CLOSING_SHOW + each.program.solution)): each
            for each in missing
        }
        for future in as_completed(futures):
            each = futures[future]
            results.add({"key": each.key, "task_id": each.program.task_id, "ours": future.result().to_dict()})


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
    parser.add_argument("--sandbox", choices=["namespaces", "landlock", "none"], help="default: the strongest")
    parser.add_argument("--speed", choices=SPEEDS, default=OFFICIAL, help="(default: %(default)s)")
    parser.add_argument(
        "--compare", type=Path, action="append", default=[], help="results of another run, a JSONL file"
    )
    parser.add_argument("--workers", type=int, help="default: the cores")
    parser.add_argument("--official", action="store_true", help="ask the official evaluator of what differs")
    parser.add_argument("--beside", type=int, metavar="N", help="only compare what N programs cost both evaluators")
    parser.add_argument("--only-report", action="store_true", help="execute nothing")
    options = parser.parse_args()
    try:
        programs = replayed(options.file, options.data, options.version)
        prepared = prepare(options.sandbox, speed=options.speed)
    except (BigCodeBenchError, OSError, KeyError) as error:
        parser.error(str(error))
    if options.task:
        programs = [each for each in programs if each.number in options.task]
    chosen = sample(programs, options.sample, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.beside:
        file = options.out / "beside.jsonl"
        file.unlink(missing_ok=True)
        beside(chosen[: options.beside], prepared, Results(file), options.workers)
        return 0
    name = prepared.conditions.sandbox.kind + ("-fast" if options.speed == FAST else "")
    files = (name, f"{name}-alone", f"{name}-closing-show", "official-evaluator")
    replay = Replay(*(Results(options.out / f"{file}.jsonl") for file in files))
    if not options.only_report:
        execute(chosen, prepared, replay.results, options.workers)
        differing = [each for each in chosen if replay.differs(each)]
        with_closing_show(differing, prepared, replay.closing)
        differing = [each for each in differing if replay.status(each) != each.official[0]]
        alone(differing, prepared, replay.alone)
        if options.official:
            by_official(differing, prepared, replay.here)
    differing = report(chosen, replay)
    for file in options.compare:
        compare(chosen, replay.results, Results(file), file)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
