"""The number of workers has one resolver."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution import machine


def test_the_option_wins_over_the_variable() -> None:
    assert machine.workers(3, {"BIGCODEBENCH_WORKERS": "5"}) == 3
    assert machine.workers(None, {"BIGCODEBENCH_WORKERS": "5"}) == 5


def test_ranks_share_the_cores() -> None:
    assert machine.workers(None, {}) == machine.cores()
    assert machine.workers(None, {"LOCAL_WORLD_SIZE": str(10**6)}) == 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_is_named_with_its_source(value: str) -> None:
    with pytest.raises(OptionError, match=f"BIGCODEBENCH_WORKERS='{value}'.*positive"):
        machine.workers(None, {"BIGCODEBENCH_WORKERS": value})


def test_memory_is_known_here() -> None:
    assert (machine.memory_mib() or 0) > 256
