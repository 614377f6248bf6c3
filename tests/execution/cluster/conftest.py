"""A real Ray cluster on this machine: nodes of their own, each with its raylet and its workers."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.execution import Conditions, Environment
from bigcodebench_tasks.execution.cluster import ClusterEngine
from bigcodebench_tasks.execution.prepare import probe
from tests.helpers.programs import LIMITS, processes_of


class Nodes:
    """The nodes of a cluster.

    Attributes:
        scratch: folder of all temporary files of what runs on nodes, so that what is left can be seen.
    """

    def __init__(self, scratch: Path) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self.scratch = scratch
        self._ray = RayCluster(initialize_head=True, head_node_args={**self._arguments({}), "include_dashboard": False})

    @property
    def address(self) -> str:
        return str(self._ray.address)

    def add(self, **variables: str) -> Any:
        """Start another node, with these environment variables."""
        return self._ray.add_node(**self._arguments(variables))

    def remove(self, node: Any) -> None:
        """Kill everything on a node at once, as when its power fails."""
        self._ray.remove_node(node, allow_graceful=False)

    def kill_head(self) -> None:
        """Kill the process on the head node that knows the cluster (GCS), and nothing else."""
        self._ray.head_node.kill_gcs_server(check_alive=False)

    def close(self) -> None:
        self._ray.shutdown()

    def _arguments(self, variables: Mapping[str, str]) -> dict[str, Any]:
        return {"num_cpus": 1, "env_vars": {"TMPDIR": str(self.scratch), **variables}}

    def servers(self) -> list[int]:
        """Fork servers and samples that run on any node: their home is below the scratch folder."""
        return processes_of(f"{self.scratch}/bigcodebench")

    def actors(self) -> list[int]:
        """Processes of Ray that hold a node's engine."""
        return [pid for pid in processes_of(self.scratch) if _read(pid, "cmdline").startswith("ray::NodeRunner")]

    def actors_above(self, name: str) -> list[int]:
        """Those whose engine runs a sample that has given its process this name."""
        above = set()
        for pid in self.servers():
            if _read(pid, "comm").strip() == name:
                while pid > 1:
                    above.add(pid := _parent(pid))
        return [pid for pid in self.actors() if pid in above]

    def assert_nothing_runs(self) -> None:
        """Wait for the kernel and Ray to end what was killed; they may need a minute if the machine is busy."""
        end = time.monotonic() + 90
        while (self.servers() or self.actors()) and time.monotonic() < end:
            time.sleep(0.1)
        assert (self.servers(), self.actors()) == ([], [])


def _read(pid: int, file: str) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace")
    return ""


def _parent(pid: int) -> int:
    return int((_read(pid, "stat").rpartition(")")[2].split() or ["", "0"])[1])


def wait_until(condition: Callable[[], Any]) -> Any:
    """What it gives when it is true at last."""
    end = time.monotonic() + 300  # against hanging for ever
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="package")
def nodes() -> Iterator[Nodes]:
    """Two nodes that every test may use, and add to."""
    scratch = Path(tempfile.mkdtemp(prefix="nodes", dir="/tmp"))
    scratch.chmod(0o711)  # root's samples are other users
    # A busy machine starts a node in more than the half minute that Ray gives it.
    patience = pytest.MonkeyPatch()
    patience.setenv("RAY_raylet_start_wait_time_s", "240")
    try:
        cluster = Nodes(scratch)
        cluster.add()
        yield cluster
        cluster.close()
    finally:
        patience.undo()
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def node(nodes: Nodes) -> Iterator[Callable[..., Any]]:
    """Add a node for one test."""
    added = []

    def add(**variables: str) -> Any:
        added.append(nodes.add(**variables))
        return added[-1]

    yield add
    for each in added:
        with contextlib.suppress(KeyError, AssertionError):  # the test has removed it
            nodes.remove(each)


@pytest.fixture
def own_python(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The environment of these tests as users would name it, so that nodes find the same."""
    monkeypatch.setenv("BIGCODEBENCH_PYTHON", str(environment.python))
    named = environments.find()
    assert named is not None
    return named


@pytest.fixture
def conditions(own_python: Environment) -> Conditions:
    return Conditions.of(own_python, probe(own_python), LIMITS)


@pytest.fixture
def engine(nodes: Nodes, own_python: Environment, conditions: Conditions) -> Iterator[Callable[..., ClusterEngine]]:
    """Make an engine over the cluster; a test that fails leaves none behind."""
    made = []

    def make(**settings: Any) -> ClusterEngine:
        settings.setdefault("conditions", conditions)
        made.append(ClusterEngine(nodes.address, own_python, **settings))
        return made[-1]

    yield make
    for each in made:
        each.shutdown(wait=False)
    nodes.assert_nothing_runs()
