"""Loading the tasks: from the Hub, from its cache, from a local file, or the bundled mini set."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import datasets

from bigcodebench_tasks import options
from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
from bigcodebench_tasks.errors import DatasetError

FULL = "bigcode/bigcodebench"
HARD = "bigcode/bigcodebench-hard"
MINI = "bigcodebench-mini"
SUBSETS = {"full": FULL, "hard": HARD, "mini": MINI}
"""Subset name to ``dataset_path``; the first two are Hub repositories, the third ships with this package."""


def subset_of(dataset_path: str) -> str:
    """The subset of a ``dataset_path``; "full" for other repositories, which have the same columns."""
    return next((subset for subset, path in SUBSETS.items() if path == dataset_path), "full")


CUSTOM = "custom"
"""Subset name of tasks that a YAML file chooses with ``task_ids``."""

OVERRIDE_VARIABLE = options.OVERRIDE_PATH.name
"""Names a local JSONL file that replaces the download, as in the official package (``data/bigcodebench.py``)."""

REQUIRED_COLUMNS = (
    "task_id",
    "complete_prompt",
    "instruct_prompt",
    "canonical_solution",
    "code_prompt",
    "test",
    "entry_point",
)

_WAYS_OUT = """There are three ways to load the tasks:
  1. the Hub: huggingface.co (or the mirror in HF_ENDPOINT) must be reachable;
  2. a cached copy: set HF_HOME to a folder into which the dataset was loaded before, and HF_HUB_OFFLINE=1;
  3. a local file: set BIGCODEBENCH_OVERRIDE_PATH to a JSONL file with one task a line."""


def load_tasks(subset: str, version: str = DATASET_VERSION) -> datasets.Dataset:
    """Load one version of one subset and check its rows.

    Args:
        subset: "full", "hard", "mini", or a Hub repository with the same columns.
        version: dataset version, such as "v0.1.4"; ignored for "mini" and a local file.

    Returns:
        A dataset with a row per task and at least `REQUIRED_COLUMNS`, all strings.

    Raises:
        DatasetError: the dataset cannot be loaded, or a row is not a task; the message says what to do.
    """
    dataset_path = SUBSETS.get(subset, subset)
    if dataset_path == MINI:
        bundled = resources.files("bigcodebench_tasks") / "data" / "mini.jsonl"
        return _checked(_parse(bundled.read_bytes(), "the bundled mini set"), "the bundled mini set")
    override = os.environ.get(OVERRIDE_VARIABLE)
    if override:
        return _checked(_read_file(Path(override)), f"{OVERRIDE_VARIABLE}={override}")
    try:
        rows = datasets.load_dataset(dataset_path, split=version)
    except Exception as error:  # `datasets` raises a dozen types if it cannot load, and they change
        first_line = (str(error).splitlines() or [""])[0]
        raise DatasetError(
            f"cannot load {dataset_path}, version {version}: {type(error).__name__}: {first_line}\n{_WAYS_OUT}"
        ) from error
    return _checked(rows, f"{dataset_path}, version {version}")


def select(tasks: datasets.Dataset, task_ids: Sequence[str]) -> datasets.Dataset:
    """The rows of these tasks, in the order of the dataset. Raises DatasetError: one is not in the dataset."""
    known = {task_id: number for number, task_id in enumerate(tasks["task_id"])}
    missing = [task_id for task_id in task_ids if task_id not in known]
    if missing:
        raise DatasetError(f"task_ids: the dataset has no {', '.join(missing[:5])}. Choose its version with test_split")
    return tasks.select(sorted({known[task_id] for task_id in task_ids}))


def canonical_program(task: Mapping[str, str]) -> str:
    """The canonical solution after its prompt: the program that a model should have written."""
    return task["complete_prompt"] + task["canonical_solution"]


def sha256(tasks: datasets.Dataset) -> str:
    """SHA-256, hex, of the JSONL that ``Dataset.to_json`` writes; the official package publishes it for Hard."""
    buffer = io.BytesIO()
    shows_progress = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # it takes a tenth of a second
    try:
        tasks.to_json(buffer)
    finally:
        if shows_progress:
            datasets.enable_progress_bars()
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def _read_file(path: Path) -> datasets.Dataset:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise DatasetError(f"{OVERRIDE_VARIABLE}={path}: cannot read it ({error}).\n{_WAYS_OUT}") from error
    return _parse(content, str(path))


def _parse(content: bytes, source: str) -> datasets.Dataset:
    """JSON lines to a dataset. The error names the number of a broken line."""
    rows: list[dict[str, Any]] = []
    # Only "\n" ends a line: str.splitlines would also cut at U+2028 inside a string.
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("it is not a JSON object")
        except ValueError as error:
            raise DatasetError(f"{source}, line {number} is not a task: {error}.\n{_WAYS_OUT}") from error
        missing = [name for name in REQUIRED_COLUMNS if name not in row]
        if missing:
            raise DatasetError(f"{source}, line {number} has no {', '.join(missing)}.\n{_WAYS_OUT}")
        rows.append(row)
    if not rows:
        raise DatasetError(f"{source} holds no task.\n{_WAYS_OUT}")
    return datasets.Dataset.from_list(rows)


def _checked(tasks: datasets.Dataset, source: str) -> datasets.Dataset:
    missing = [name for name in REQUIRED_COLUMNS if name not in tasks.column_names]
    if missing:
        raise DatasetError(f"{source} is not BigCodeBench: the columns {', '.join(missing)} are missing.\n{_WAYS_OUT}")
    for name in REQUIRED_COLUMNS:
        for number, value in enumerate(tasks[name]):
            if not isinstance(value, str):
                raise DatasetError(f"{source}, task {number}: {name} is {value!r}, not text.\n{_WAYS_OUT}")
    if len(set(tasks["task_id"])) != len(tasks):
        raise DatasetError(f"{source} holds a task_id twice.\n{_WAYS_OUT}")
    return tasks
