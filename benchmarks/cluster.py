"""How a cluster scales, and what it costs: ``python benchmarks/cluster.py [--full --data <folder>]``.

The nodes are real Ray nodes on this machine (`ray.cluster_utils.Cluster`), so programs that sleep show the scale and
programs that compute show the overhead. Prints

- seconds for 400 programs that sleep 1 s over 1, 2 and 4 nodes with 8 running on each, beside the ideal;
- CPU per program of the process that submits, of Ray's own processes, and of the actors without the programs and the
  fork servers below them;
- with ``--full``, the ground truths of Full over two nodes of one worker each and on one machine with two: wall time,
  CPU, and the verdicts that differ.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bigcodebench_tasks.execution import Engine, Program, Verdict
from bigcodebench_tasks.execution.cluster import ClusterEngine
from bigcodebench_tasks.execution.prepare import Prepared, prepare
from bigcodebench_tasks.scoring.ground_truth import program_of

RUNNING, PROGRAMS = 8, 400
_TICK = os.sysconf("SC_CLK_TCK")

SUITE = """
import unittest

class TestCases(unittest.TestCase):
    def test_it(self):
        self.assertEqual(task_func(), 1)
"""


def sleeping(number: int) -> Program:
    source = f"import time\n\ndef task_func():\n    time.sleep(1)  # {number}\n    return 1\n"
    # Of the length of a real program with its suite, which is what has to travel.
    return Program(f"sleeper/{number}", source, SUITE + "# " + "x" * 4000)


@dataclass
class Cpu:
    """CPU seconds so far, by who used them."""

    here: float
    ray: float
    actors: float

    def minus(self, other: Cpu) -> Cpu:
        return Cpu(*(a - b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def cpu(mark: str) -> Cpu:
    """Of this process, and of those that bear the mark in their environment; fork servers and programs are left out."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    found = Cpu(own.ru_utime + own.ru_stime, 0.0, 0.0)
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdecimal() or int(entry.name) == os.getpid():
                continue
            if mark.encode() not in (entry / "environ").read_bytes():
                continue
            title = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds = (int(fields[11]) + int(fields[12])) / _TICK
        if title.startswith("ray::NodeRunner"):
            found.actors += seconds
        elif "/ray/" in title or title.startswith("ray::"):
            found.ray += seconds
    return found


class Nodes:
    """Ray nodes on this machine."""

    def __init__(self, number: int) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self._cluster = RayCluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        for _ in range(number - 1):
            self._cluster.add_node(num_cpus=1)
        self.address = str(self._cluster.address)

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()


def scale(prepared: Prepared, mark: str, numbers: list[int]) -> None:
    print(f"{PROGRAMS} programs that sleep 1 s, {RUNNING} running on each node")
    print("nodes   seconds   ideal   times   CPU per program, ms: here, Ray, actors, all")
    for number in numbers:
        with Nodes(number) as nodes, tempfile.TemporaryDirectory() as folder:
            where = nodes.address, prepared.environment, prepared.conditions
            with ClusterEngine(*where, workers=1, cache=Path(folder) / "verdicts.sqlite") as engine:
                # A program per node first, so that nodes are checked and their servers run.
                warm = [engine.submit(sleeping(-1 - each)) for each in range(40 * number)]
                for future in warm:
                    future.result()
                before, began = cpu(mark), time.monotonic()
                futures = [engine.submit(sleeping(each)) for each in range(PROGRAMS)]
                assert all(future.result().passed for future in futures)
                seconds, used = time.monotonic() - began, cpu(mark).minus(before)
                ran = [node.programs for node in engine.used]
            ideal = PROGRAMS / (RUNNING * number)
            parts = [1000 * each / PROGRAMS for each in vars(used).values()]
            shown = ", ".join(f"{each:.1f}" for each in [*parts, sum(parts)])
            print(f"{number:5}{seconds:10.1f}{ideal:8.1f}{seconds / ideal:8.2f}   {shown}   programs {ran}", flush=True)


def full(prepared: Prepared, data: Path) -> None:
    with gzip.open(data / "BigCodeBench-v0.1.4.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    programs = [program_of(row) for row in rows]
    expected = [f"{row['code_prompt']}\n{row['test']}" for row in rows]
    settings: dict[str, Any] = {"expected": expected}
    with Engine(prepared.environment, prepared.conditions, workers=2, **settings) as engine:
        alone = _timed("one machine, two workers", engine, programs)
    with (
        Nodes(2) as nodes,
        ClusterEngine(nodes.address, prepared.environment, prepared.conditions, workers=1, **settings) as engine,
    ):
        engine.submit(sleeping(0)).result()
        over = _timed("two nodes, a worker each", engine, programs)
        print("programs of each node:", [node.programs for node in engine.used])
    differ = [p.task_id for p, a, b in zip(programs, alone, over, strict=True) if a.status != b.status]
    print(f"{len(differ)} verdicts differ", *differ)


def _timed(name: str, engine: Engine | ClusterEngine, programs: list[Program]) -> list[Verdict]:
    began, before = time.monotonic(), _machine_cpu()
    verdicts = list(engine.map(programs))
    passed = sum(verdict.passed for verdict in verdicts)
    print(
        f"{name}: {time.monotonic() - began:.0f} s, {_machine_cpu() - before:.0f} s of CPU on the whole machine, "
        f"{passed} of {len(verdicts)} pass",
        flush=True,
    )
    return verdicts


def _machine_cpu() -> float:
    """CPU seconds of everything on this machine, which has to be quiet."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / _TICK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="compare Full over two nodes with one machine")
    parser.add_argument("--data", type=Path, help="folder with the datasets, for --full")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4], help="how many (default: 1 2 4)")
    arguments = parser.parse_args()
    if arguments.full and arguments.data is None:
        parser.error("--full needs --data")
    mark = f"benchmark-{os.getpid()}-{tempfile.gettempprefix()}"
    os.environ["BENCHMARK_MARK"] = mark
    os.environ["RAY_raylet_start_wait_time_s"] = "240"  # noqa: SIM112 (Ray's name)
    prepared = prepare()
    if arguments.full:
        full(prepared, arguments.data)
    else:
        scale(prepared, mark, arguments.nodes)


if __name__ == "__main__":
    sys.exit(main())
