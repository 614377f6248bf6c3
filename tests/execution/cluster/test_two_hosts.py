"""Two nodes in network namespaces of their own, joined by a pair of veth devices: what is said crosses a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.execution import Environment
from tests.execution.cluster.conftest import wait_until
from tests.helpers.project import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.slow]

DRIVER = """
import json, subprocess, sys
from bigcodebench_tasks.environment import environment as environments
from bigcodebench_tasks.execution import Conditions, Limits
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.execution.cluster import ClusterEngine, check_nodes
from tests.helpers.programs import RIGHT, program

environment = environments.find()
conditions = Conditions.of(environment, probe(environment), Limits(timeout_s=900, tree_memory_mib=512))
told = []
check_nodes(sys.argv[1], environment, conditions, workers=1, tell=told.append, warn=print)
with ClusterEngine(sys.argv[1], environment, conditions, workers=1) as engine:
    futures = [engine.submit(program(f"import time\\ntime.sleep(3)  # {number}\\n{RIGHT}")) for number in range(60)]
    for future in futures[:20]:
        future.result()
    before = [vars(use).copy() for use in engine.used]
    subprocess.run(sys.argv[2:], check=True)  # the cable is pulled out
    statuses = [future.result().status for future in futures]
    print(json.dumps({"told": told, "before": before, "statuses": statuses}))
"""


@dataclass
class Hosts:
    """Two network namespaces with an address each."""

    names: tuple[str, str] = (f"bcb-a-{os.getpid()}", f"bcb-b-{os.getpid()}")
    addresses: tuple[str, str] = ("10.213.7.1", "10.213.7.2")
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def set_up(self) -> None:
        first, second = (f"veth{os.getpid() % 100000}{side}" for side in "ab")
        for name in self.names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", first, "type", "veth", "peer", "name", second)
        for name, device, address in zip(self.names, (first, second), self.addresses, strict=True):
            _ip("link", "set", device, "netns", name)
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")
        self.cable = ["ip", "-n", self.names[1], "link", "set", second, "down"]

    def on(self, host: int, *words: str, **settings: Any) -> list[str]:
        return ["ip", "netns", "exec", self.names[host], *words]

    def start_ray(self, host: int, *words: str, folder: Path) -> None:
        """Start a node, and wait until it is there."""
        file = folder / f"ray-{host}.log"
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus=1", *words]
        address = f"--node-ip-address={self.addresses[host]}"
        with file.open("wb") as log:
            process = subprocess.Popen(self.on(host, *command, address), stdout=log, stderr=log)
        self.started.append(process)
        wait_until(lambda: "Ray runtime started" in file.read_text() or process.poll() is not None)
        assert process.poll() is None, file.read_text()[-4000:]

    def tear_down(self) -> None:
        for process in self.started:
            process.terminate()
        for process in self.started:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and the command ip, to make network namespaces")
    made = Hosts()
    try:
        try:
            made.set_up()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine makes no network namespace: {error}")
        yield made
    finally:
        made.tear_down()


def test_programs_run_on_both_hosts_and_a_cable_that_is_pulled_out_costs_no_verdict(
    hosts: Hosts, own_python: Environment, tmp_path: Path
) -> None:
    ray_folder = Path("/tmp") / f"ray-hosts-{os.getpid()}"  # sockets want a short path
    head = f"{hosts.addresses[0]}:6379"
    try:
        hosts.start_ray(
            0, "--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={ray_folder}", folder=tmp_path
        )
        hosts.start_ray(1, f"--address={head}", folder=tmp_path)
        done = subprocess.run(
            hosts.on(0, sys.executable, "-c", DRIVER, head, *hosts.cable),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-4000:]
    finally:
        hosts.tear_down()
        shutil.rmtree(ray_folder, ignore_errors=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert "programs run on 2 nodes" in found["told"][0]
    assert [address in found["told"][0] for address in hosts.addresses] == [True, True]
    assert min(use["programs"] for use in found["before"]) > 0
    assert found["statuses"] == ["pass"] * 60
