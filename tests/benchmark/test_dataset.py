from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.errors import DatasetError
from tests.helpers.project import starts_processes

HARD_SHA256 = "cee31f14f29927ca276744b15da05e80ea4d06f0724e6053e3aa6ce17c5b6e7c"
"""Published with BigCodeBench-Hard v0.1.4."""

TASK = {name: f"the {name}" for name in dataset.REQUIRED_COLUMNS}


def load(variables: dict[str, str], path: str = dataset.HARD, version: str = "v0.1.4") -> str:
    """Load in a process of its own, since `datasets` reads its variables once, and tell what came."""
    program = (
        "import sys; from bigcodebench_tasks import errors; from bigcodebench_tasks.benchmark import dataset\n"
        "try:\n"
        "    tasks = dataset.load_tasks(*sys.argv[1:])\n"
        "    print(len(tasks), dataset.sha256(tasks))\n"
        "except errors.DatasetError as error:\n"
        "    print('DatasetError', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path, version],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_real_rows_come_through_the_hub_and_then_from_its_cache(hub: str, tmp_path: Path) -> None:
    online = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path)}
    assert load(online).split() == ["148", HARD_SHA256]
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    assert load(offline).split() == ["148", HARD_SHA256]


def test_an_unknown_version_is_refused_with_the_ways_out(hub: str, tmp_path: Path) -> None:
    said = load({"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path)}, version="v9.9.9")
    assert said.startswith("DatasetError")
    assert "v9.9.9" in said
    assert "BIGCODEBENCH_OVERRIDE_PATH" in said


@starts_processes
def test_no_network_and_no_cache_is_refused_with_the_three_ways_out(tmp_path: Path) -> None:
    said = load({"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)})
    assert said.startswith("DatasetError")
    for way in ("HF_ENDPOINT", "HF_HUB_OFFLINE=1", "BIGCODEBENCH_OVERRIDE_PATH"):
        assert way in said


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_local_file_replaces_the_download(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"tasks{suffix}"
    # U+2028 ends a line for str.splitlines, but not in JSON lines.
    text = (json.dumps({**TASK, "test": "a\u2028b"}, ensure_ascii=False) + "\n").encode()
    path.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
    monkeypatch.setenv(dataset.OVERRIDE_VARIABLE, str(path))
    tasks = dataset.load_tasks(dataset.HARD, "v0.1.4")
    assert tasks[0] == {**TASK, "test": "a\u2028b"}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (json.dumps(TASK) + '\n{"task_id": ', "line 2"),
        (json.dumps(TASK) + "\n[1]\n", "line 2"),
        (json.dumps({k: v for k, v in TASK.items() if k != "test"}), "has no test"),
        (json.dumps(TASK) + "\n" + json.dumps(TASK), "twice"),
        (json.dumps({**TASK, "test": None}), "not text"),
        ("", "no task"),
    ],
)
def test_a_broken_local_file_is_named_with_the_place(
    content: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(content)
    monkeypatch.setenv(dataset.OVERRIDE_VARIABLE, str(path))
    with pytest.raises(DatasetError, match=word) as error:
        dataset.load_tasks(dataset.HARD, "v0.1.4")
    assert str(path) in str(error.value)


def test_a_missing_local_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(dataset.OVERRIDE_VARIABLE, str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(DatasetError, match="nowhere"):
        dataset.load_tasks(dataset.HARD, "v0.1.4")
