"""What runs programs on a cluster is killed, part by part: no verdict is lost or made up, and nothing is left."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bigcodebench_tasks.errors import ExecutionFailed
from bigcodebench_tasks.execution import Conditions, Environment
from bigcodebench_tasks.execution.cluster import ClusterEngine, look_at
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


def test_the_process_that_speaks_to_ray_may_be_killed_too(
    nodes: Nodes, engine: MakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), engine(workers=1) as cluster:
        futures = [cluster.submit(each) for each in sleepers(60)]
        wait_until(lambda: any(future.done() for future in futures))
        assert cluster._pool._process is not None
        os.kill(cluster._pool._process._process.pid, signal.SIGKILL)
        expect([future.result() for future in futures])
    assert "connecting to the cluster again: the process that speaks to Ray ended with status -9" in caplog.text


def test_what_ran_a_program_is_lost_three_times(nodes: Nodes, engine: MakeEngine) -> None:
    with engine() as cluster:
        future = cluster.submit(program(f"import time\ntime.sleep(600)\n{RIGHT}", task_id="test/bad"))
        ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())
        while not ended.is_set():
            if cluster.running:
                for pid in nodes.actors_with_servers():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            ended.wait(0.2)
        error = future.exception()
        assert isinstance(error, ExecutionFailed)
        assert "what ran a program of test/bad was lost 3 times" in str(error)
        with pytest.raises(ExecutionFailed):
            cluster.submit(program(RIGHT))


def test_a_node_whose_memory_monitor_ends_us_is_left_out_with_these_words(
    nodes: Nodes, node: Callable[..., Any], own_python: Environment, conditions: Conditions
) -> None:
    node(RAY_memory_usage_threshold="0.001", RAY_memory_monitor_refresh_ms="50")
    warned: list[str] = []
    assert len(look_at(nodes.address, own_python, conditions, warn=warned.append).nodes) == 2
    assert "lost 3 times without a verdict: Ray's memory monitor ended what runs programs" in warned[0]


DRIVER = """
import signal, sys
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.execution import Conditions, Limits, Program
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.execution.cluster import Cluster, ClusterEngine
from tests.helpers.programs import RIGHT, program

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell, where tests may run
environment = environments.find()
conditions = Conditions.of(environment, probe(environment), Limits(timeout_s=900, tree_memory_mib=512))
with ClusterEngine(Cluster(sys.argv[1]), environment, conditions) as engine:
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
