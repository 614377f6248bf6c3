"""The option `speed`: with "fast" a task has a shorter time limit of its own."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits
from bigcodebench_tasks.execution import speed as speed_module
from bigcodebench_tasks.execution.prepare import prepare, probe
from bigcodebench_tasks.execution.speed import time_limit_s
from tests.helpers.programs import RIGHT, program


@pytest.mark.parametrize(
    ("speed", "official_s", "task", "limit_s"),
    [
        ("official", 240.0, 1028, 240.0),
        ("fast", 240.0, 1028, 60.0),
        ("fast", 240.0, 17, 150.0),
        ("fast", 240.0, 461, 240.0),
        ("fast", 240.0, 587, 240.0),
        ("fast", 30.0, 17, 30.0),
    ],
)
def test_the_time_limit_is_by_task(speed: str, official_s: float, task: int, limit_s: float) -> None:
    assert time_limit_s(speed, official_s, f"BigCodeBench/{task}") == limit_s


@pytest.mark.parametrize(("speed", "status"), [("official", "pass"), ("fast", "timeout")])
def test_a_program_runs_into_the_limit_of_its_task(
    speed: str, status: str, environment: Environment, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed_module, "MIN_LIMIT_S", 1.0)
    conditions = Conditions.of(environment, probe(environment, sandbox=sandbox), Limits(), speed)
    with Engine(environment, conditions) as engine:
        verdict = engine.submit(program(f"import time\ntime.sleep(4)\n{RIGHT}", task_id="test/sleeps")).result()
    assert verdict.status == status, verdict


def test_another_speed_is_refused() -> None:
    with pytest.raises(OptionError, match=r"speed='slow'.*official, fast"):
        prepare(speed="slow")
