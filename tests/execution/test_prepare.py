"""Options of execution are resolved once; the strongest sandbox in which a small program runs is chosen."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.errors import EnvironmentMismatch, OptionError, SandboxUnavailable
from bigcodebench_tasks.execution import Environment, Program, Sandbox
from bigcodebench_tasks.execution import prepare as module
from bigcodebench_tasks.execution.prepare import prepare
from bigcodebench_tasks.execution.verdict import CANARY


@pytest.fixture
def bare(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment whose libraries are not tried."""
    monkeypatch.setattr(module, "LIBRARIES", CANARY)
    return environment


def test_the_time_limit_comes_from_its_variable(bare: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGCODEBENCH_TIMEOUT_PER_TASK", "12.5")
    assert prepare(environment=bare).conditions.limits.timeout_s == 12.5


def test_the_argument_wins_over_the_variable(sandbox: str, bare: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGCODEBENCH_SANDBOX", "none")
    assert prepare(environment=bare).conditions.sandbox == Sandbox("none")
    assert prepare(sandbox, environment=bare).conditions.sandbox.kind == sandbox


@pytest.mark.parametrize(
    ("variables", "arguments", "message"),
    [
        ({"BIGCODEBENCH_TIMEOUT_PER_TASK": "0"}, {}, "BIGCODEBENCH_TIMEOUT_PER_TASK='0'.*positive"),
        ({"BIGCODEBENCH_TIMEOUT_PER_TASK": "-1"}, {}, "BIGCODEBENCH_TIMEOUT_PER_TASK='-1'.*positive"),
        ({"BIGCODEBENCH_TIMEOUT_PER_TASK": "soon"}, {}, "BIGCODEBENCH_TIMEOUT_PER_TASK='soon'.*positive"),
        ({"BIGCODEBENCH_TIMEOUT_PER_TASK": "inf"}, {}, "BIGCODEBENCH_TIMEOUT_PER_TASK='inf'.*positive"),
        ({"BIGCODEBENCH_TIMEOUT_PER_TASK": "nan"}, {}, "BIGCODEBENCH_TIMEOUT_PER_TASK='nan'.*positive"),
        ({"BIGCODEBENCH_SANDBOX": "jail"}, {}, "BIGCODEBENCH_SANDBOX='jail'.*namespaces, landlock, none"),
        ({}, {"sandbox": "jail"}, "sandbox='jail'.*namespaces, landlock, none"),
        ({}, {"network": "open"}, "network='open'.*loopback, host"),
        ({}, {"speed": "slow"}, "speed='slow'.*official, fast"),
    ],
)
def test_a_wrong_option_is_named_before_an_environment_is_built(
    variables: dict[str, str], arguments: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ensure() -> Environment:
        raise AssertionError("built")

    monkeypatch.setattr(module, "ensure", ensure)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=message):
        prepare(**arguments)


def test_a_stronger_sandbox_that_does_not_work_is_named_with_its_reason(
    sandbox: str, bare: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sandbox != "landlock":
        pytest.skip("the strongest is refused here")
    original = module._try

    def refuses(environment: Environment, sandbox: Sandbox, canary: Program) -> Sandbox | str:
        return "no user namespaces" if sandbox.kind == "namespaces" else original(environment, sandbox, canary)

    monkeypatch.setattr(module, "_try", refuses)
    prepared = prepare(environment=bare)
    assert prepared.refused == {"namespaces": "no user namespaces"}
    assert prepared.sandbox_line.startswith("landlock: ")
    assert prepared.sandbox_line.endswith("; namespaces does not work here: no user namespaces")
    with pytest.raises(SandboxUnavailable, match=r"namespaces: no user namespaces.*BIGCODEBENCH_SANDBOX=none"):
        prepare("namespaces", environment=bare)


def test_libraries_that_are_empty_folders_are_noticed(
    environment: Environment, sandbox: str, scratch_parent: Path
) -> None:
    home = scratch_parent / "own"
    subprocess.run([environment.python, "-m", "venv", "--without-pip", home], check=True)
    home.chmod(0o755)
    (site_packages,) = home.glob("lib/python*/site-packages")
    for name in ("matplotlib", "numpy", "pandas"):
        (site_packages / name).mkdir()
    try:
        with pytest.raises(EnvironmentMismatch, match=r"matplotlib \(.*'numpy' has no attribute"):
            prepare(sandbox, environment=Environment(home / "bin" / "python", "custom", "0" * 64, home))
    finally:
        shutil.rmtree(home)
