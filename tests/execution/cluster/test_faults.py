"""What runs programs on a cluster is killed, part by part: no verdict is lost or made up, and nothing is left."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.execution import Conditions, Environment
from bigcodebench_tasks.execution.cluster import ClusterEngine, check_nodes
from tests.execution.cluster.conftest import Nodes, wait_until
from tests.helpers.programs import RIGHT, WRONG, processes_of, program
from tests.helpers.project import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]

MakeEngine = Callable[..., ClusterEngine]


def sleepers(number: int, seconds: float = 3.0) -> list[Any]:
    """Programs that take a while, every other of which fails."""
    sources = [RIGHT if each % 2 else WRONG for each in range(number)]
    return [program(f"import time\ntime.sleep({seconds})  # {n}\n{source}") for n, source in enumerate(sources)]


def expect(verdicts: list[Any]) -> None:
    assert [verdict.status for verdict in verdicts] == ["pass" if n % 2 else "fail" for n in range(len(verdicts))]
    assert {verdict.reason for verdict in verdicts} == {"passed", "assertion"}


def test_a_node_that_dies_without_grace_costs_no_verdict(
    nodes: Nodes, node: Callable[..., Any], engine: MakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    dying = node()
    with caplog.at_level(logging.WARNING), engine(workers=1) as cluster:
        futures = [cluster.submit(each) for each in sleepers(90)]
        wait_until(lambda: len(cluster.used) == 3 and all(use.programs for use in cluster.used))
        nodes.remove(dying)
        expect([future.result() for future in futures])
    assert "its programs run elsewhere" in caplog.text


def test_an_actor_that_is_killed_costs_no_verdict_and_its_node_is_used_again(
    nodes: Nodes, engine: MakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), engine(workers=1) as cluster:
        futures = [cluster.submit(each) for each in sleepers(90)]
        wait_until(lambda: len(cluster.used) == 2 and all(use.programs for use in cluster.used))
        before = nodes.actors()
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(nodes.actors()) == 2 and before[0] not in nodes.actors())
        expect([future.result() for future in futures])
    assert "Worker exit" in caplog.text


BAD = f"import ctypes, time\nctypes.CDLL(None).prctl(15, b'bad-program')\ntime.sleep(600)\n{RIGHT}"
"""Gives its process a name, by which this test finds it."""


def test_a_program_that_kills_its_node_each_time_is_blamed_and_the_others_have_their_verdict(
    nodes: Nodes, engine: MakeEngine
) -> None:
    with engine() as cluster:
        bad = cluster.submit(program(BAD, task_id="test/bad"))
        others = [cluster.submit(each) for each in sleepers(8)]
        while not bad.done():
            for pid in nodes.actors_above("bad-program"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait([bad], timeout=0.1)
        assert (bad.result().status, bad.result().reason) == ("timeout", "broke the sandbox")
        expect([future.result() for future in others])


def test_where_all_nodes_are_lost_each_time_the_run_ends(
    nodes: Nodes, engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bigcodebench_tasks.execution.cluster.engine.NO_NODE_S", 1.0)
    with engine() as cluster:
        future = cluster.submit(program(RIGHT))
        while not future.done():
            for pid in nodes.actors():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait([future], timeout=0.02)
        with pytest.raises(ExecutionFailed, match=r"no node could run programs.*`ray status`"):
            future.result()
        with pytest.raises(ExecutionFailed):
            cluster.submit(program(RIGHT))


def test_when_the_head_node_dies_the_run_ends_and_not_the_process(
    own_python: Environment, conditions: Conditions, tmp_path: Path
) -> None:
    """Ray itself ends a process that cannot reach the head node for a minute."""
    other = Nodes(tmp_path)
    try:
        with ClusterEngine(other.address, own_python, conditions) as cluster:
            future = cluster.submit(program(f"import time\ntime.sleep(600)\n{RIGHT}"))
            wait_until(lambda: cluster.running)
            other.kill_head()
            with pytest.raises(ExecutionFailed, match=r"the head node .* has ended.*`ray status`"):
                future.result()
    finally:
        other.close()
    other.assert_nothing_runs()


def test_a_node_whose_memory_monitor_ends_us_is_left_out_with_these_words(
    nodes: Nodes, node: Callable[..., Any], own_python: Environment, conditions: Conditions
) -> None:
    node(RAY_memory_usage_threshold="0.001", RAY_memory_monitor_refresh_ms="50")
    told: list[str] = []
    warned: list[str] = []
    check_nodes(nodes.address, own_python, conditions, tell=told.append, warn=warned.append)
    assert "programs run on 2 nodes" in told[0]
    assert "is left out: Ray's memory monitor ended what runs programs" in warned[0]


DRIVER = """
import signal, sys
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.execution import Conditions, Limits
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.execution.cluster import ClusterEngine
from tests.helpers.programs import RIGHT, program

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell, where tests may run
environment = environments.find()
conditions = Conditions.of(environment, probe(environment), Limits(timeout_s=900, tree_memory_mib=512))
with ClusterEngine(sys.argv[1], environment, conditions) as engine:
    for number in range(20):
        engine.submit(program(f"import time\\ntime.sleep(600)  # {number}\\n{RIGHT}"))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_whatever_ends_the_driver_nothing_runs_on_on_any_node(
    how: signal.Signals, nodes: Nodes, own_python: Environment, tmp_path: Any
) -> None:
    mark = f"mark-{tmp_path.name}-{os.getpid()}"
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, nodes.address],
        cwd=ROOT,
        env={**os.environ, "MARK": mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(nodes.actors()) == 2 and len(nodes.servers()) > 6)
    os.kill(driver.pid, how)
    driver.wait()
    nodes.assert_nothing_runs()
    wait_until(lambda: not processes_of(mark))
