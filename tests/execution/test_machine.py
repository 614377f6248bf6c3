"""Cores and memory that this process may use, and one resolver for the number of workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution import machine
from bigcodebench_tasks.execution.worker import cgroup


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


ROOT_OF_2 = "30 29 0:26 / /c rw shared:9 - cgroup2 cgroup2 rw"
MEMORY_OF_1 = "30 29 0:26 / /m rw - cgroup cgroup rw,memory"
BOTH_OF_1 = "30 29 0:27 / /b rw - cgroup cgroup rw,cpu,cpuacct"


@pytest.mark.parametrize(
    ("controller", "mounts", "groups", "found"),
    [
        ("memory", ROOT_OF_2, "0::/a/b", [(2, "/c/a/b"), (2, "/c/a"), (2, "/c")]),
        ("memory", ROOT_OF_2, "0::/", [(2, "/c")]),
        ("memory", "30 29 0:26 /a /c rw - cgroup2 c rw", "0::/a/b", [(2, "/c/b"), (2, "/c")]),
        ("memory", "30 29 0:26 /a /c rw - cgroup2 c rw", "0::/ab", [(2, "/c")]),
        ("memory", "30 29 0:26 / /c rw - cgroup2 c rw", "0::/../ab", [(2, "/c")]),
        ("memory", f"30 29 0:26 /z /d rw - cgroup2 c rw\n{ROOT_OF_2}", "0::/a", [(2, "/c/a"), (2, "/c")]),
        ("memory", f"{BOTH_OF_1}\n{MEMORY_OF_1}", "4:memory:/x\n3:cpu,cpuacct:/", [(1, "/m/x"), (1, "/m")]),
        ("cpu", f"{BOTH_OF_1}\n{MEMORY_OF_1}", "4:memory:/x\n3:cpu,cpuacct:/y", [(1, "/b/y"), (1, "/b")]),
        ("cpu", f"{ROOT_OF_2}\n{MEMORY_OF_1}\n{ROOT_OF_2}", "4:memory:/x\n0::/y", [(2, "/c/y"), (2, "/c")]),
        ("cpu", MEMORY_OF_1, "0::/y", []),
        ("cpu", "", "", []),
    ],
)
def test_control_groups_are_found_in_both_versions(
    controller: str, mounts: str, groups: str, found: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"/proc/self/mountinfo": mounts, "/proc/self/cgroup": groups}
    monkeypatch.setattr(cgroup, "_read", texts.__getitem__)
    assert cgroup.folders(controller) == found


@pytest.mark.parametrize(
    ("version", "files", "cores"),
    [
        (2, {"cpu.max": "150000 100000"}, 1.5),
        (2, {"cpu.max": "max 100000"}, None),
        (2, {}, None),
        (1, {"cpu.cfs_quota_us": "100000\n", "cpu.cfs_period_us": "100000\n"}, 1.0),
        (1, {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, None),
    ],
)
def test_what_a_control_group_allows_of_the_cores(
    version: int, files: dict[str, str], cores: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cgroup, "folders", lambda _: [(version, str(tmp_path))])
    assert machine._cpu_quota() == cores
