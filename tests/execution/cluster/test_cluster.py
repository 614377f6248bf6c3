"""The engine over a real Ray cluster: the same verdicts, from all nodes that are as this machine is."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.errors import ClusterUnavailable, OptionError
from bigcodebench_tasks.execution import Conditions, Engine, Environment
from bigcodebench_tasks.execution.cluster import ClusterEngine, check_nodes, cluster_address
from tests.execution.cluster.conftest import Nodes, wait_until
from tests.helpers.programs import RIGHT, WRONG, asleep, program

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]

MakeEngine = Callable[..., ClusterEngine]

PROGRAMS = [
    program(f"# {number}\n{source}")
    for number, source in enumerate([RIGHT, WRONG, "import sys\nsys.exit(1)\n", "def task_func(:\n", "1 / 0\n"])
]


def check(
    nodes: Nodes, environment: Environment, conditions: Conditions, **options: Any
) -> tuple[list[str], list[str]]:
    """What `check_nodes` tells, and what it warns of."""
    told: list[str] = []
    warned: list[str] = []
    check_nodes(nodes.address, environment, conditions, tell=told.append, warn=warned.append, **options)
    return told, warned


def test_the_verdicts_are_those_of_one_machine(
    engine: MakeEngine, own_python: Environment, conditions: Conditions
) -> None:
    with Engine(own_python, conditions) as one_machine, engine() as cluster:
        expected = [(v.status, v.reason, v.details, v.tests_run) for v in one_machine.map(PROGRAMS)]
        assert [(v.status, v.reason, v.details, v.tests_run) for v in cluster.map(PROGRAMS)] == expected


def test_every_node_runs_programs_and_is_named_with_their_number(engine: MakeEngine) -> None:
    with engine(workers=1) as cluster:
        futures = [cluster.submit(program(asleep(2, number))) for number in range(32)]
        assert all(future.result().passed for future in futures)
        used = cluster.used
    assert [use.cores for use in used] == [1, 1]
    assert sum(use.programs for use in used) == 32
    assert min(use.programs for use in used) > 0


def test_a_node_that_joins_during_the_run_is_used(engine: MakeEngine, node: Callable[..., Any]) -> None:
    with engine(workers=1) as cluster:
        futures = [cluster.submit(program(asleep(4, number))) for number in range(200)]
        wait_until(lambda: any(future.done() for future in futures))
        node()
        wait_until(lambda: len(cluster.used) == 3 and cluster.used[2].programs)
        cluster.shutdown(wait=False)


def test_the_cache_stays_here_and_what_is_known_starts_nothing(
    engine: MakeEngine, own_python: Environment, conditions: Conditions, tmp_path: Path
) -> None:
    file = tmp_path / "verdicts.sqlite"
    with engine(cache=file) as cluster:
        assert cluster.submit(PROGRAMS[0]).result().passed
    with ClusterEngine("no.such.host:1", own_python, conditions, cache=file) as cluster:
        assert cluster.submit(PROGRAMS[0]).result().passed
        assert cluster.used == []


def test_equal_programs_run_once_and_one_that_was_cancelled_not_at_all(engine: MakeEngine) -> None:
    with engine(workers=1) as cluster:
        first, second = cluster.submit(program(asleep(5))), cluster.submit(program(asleep(5)))
        many = [cluster.submit(program(asleep(5, number))) for number in range(1, 60)]
        assert many[-1].cancel()
        assert first.result() is second.result()
        cluster.shutdown(wait=False)
    assert all(future.done() for future in many)


def test_nodes_are_checked_before_anything_is_generated(
    nodes: Nodes, own_python: Environment, conditions: Conditions
) -> None:
    import ray

    told, warned = check(nodes, own_python, conditions, workers=3)
    assert (len(told), warned) == (1, [])
    assert "programs run on 2 nodes of the Ray cluster, 6 at a time: " in told[0]
    assert [part.rpartition(" ")[2] for part in told[0].rpartition(": ")[2].split(", ")] == ["3", "3"]
    assert not ray.is_initialized(), "the loader may connect"
    nodes.assert_nothing_runs()


def test_the_check_leaves_the_handler_of_sigterm(nodes: Nodes, own_python: Environment, conditions: Conditions) -> None:
    before = signal.getsignal(signal.SIGTERM)
    check(nodes, own_python, conditions)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_node_whose_lock_differs_is_named_and_left_out(
    nodes: Nodes,
    node: Callable[..., Any],
    own_python: Environment,
    conditions: Conditions,
    engine: MakeEngine,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    node(BIGCODEBENCH_PYTHON=str(tmp_path / "venv" / "bin" / "python"))
    told, warned = check(nodes, own_python, conditions)
    assert "programs run on 2 nodes" in told[0]
    assert len(warned) == 1
    assert "left out: lock_sha256 is " in warned[0]
    with caplog.at_level(logging.WARNING), engine() as cluster:
        assert cluster.submit(program(RIGHT)).result().passed
        wait_until(lambda: "left out" in caplog.text)
        assert len(cluster.used) <= 2


def test_where_all_nodes_differ_nothing_begins(
    nodes: Nodes, node: Callable[..., Any], own_python: Environment, conditions: Conditions
) -> None:
    other = replace(conditions, lock_sha256="0" * 64)
    with pytest.raises(
        ClusterUnavailable, match=r"no node of the cluster can run programs as this machine does: .*lock"
    ):
        check(nodes, own_python, other)


def test_without_a_cluster_there_is_one_clear_error(own_python: Environment, conditions: Conditions) -> None:
    with pytest.raises(ClusterUnavailable, match=r"there is no Ray cluster at 127.0.0.1:1: .*refused.*ray status"):
        check_nodes("127.0.0.1:1", own_python, conditions, tell=print, warn=print)


def test_without_ray_the_error_says_what_to_install(
    own_python: Environment, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterUnavailable, match=r"needs Ray.*pip install 'bigcodebench-tasks\[ray\]"):
        check_nodes("auto", own_python, conditions, tell=print, warn=print)


def test_an_address_of_ray_client_is_refused() -> None:
    with pytest.raises(OptionError, match="host and port of the head node"):
        cluster_address("ray://10.0.0.1:10001")


def test_the_option_wins_over_the_variable() -> None:
    variables = {"BIGCODEBENCH_CLUSTER": "10.0.0.1:6379"}
    assert cluster_address(None, variables) == "10.0.0.1:6379"
    assert cluster_address("auto", variables) == "auto"
    assert cluster_address(None, {"BIGCODEBENCH_CLUSTER": ""}) is None
