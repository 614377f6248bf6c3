"""BigCodeBench as tasks of lm-evaluation-harness, and its engine for programs of your own.

Importing this package does nothing: no download, no process, no import of lm-eval. It is imported at the
start of every Python process (see `autoload`), so it imports next to nothing either: the public names below
are looked up when they are asked for.
"""

import os as _os

from bigcodebench_tasks.autoload import tasks_folder as _tasks_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
    from bigcodebench_tasks.execution import Conditions, Engine, Limits, Program, Verdict, cache_file
    from bigcodebench_tasks.execution.prepare import prepare
    from bigcodebench_tasks.harness.task import BigCodeBenchTask

__version__ = "0.1.0"

__all__ = [
    "DATASET_VERSION",
    "METRIC_PATH",
    "TASKS_PATH",
    "BigCodeBenchTask",
    "Conditions",
    "Engine",
    "Limits",
    "Program",
    "Verdict",
    "__version__",
    "cache_file",
    "prepare",
]

TASKS_PATH: str = _tasks_folder()
"""Folder of the task YAMLs, for ``--include_path`` where the automatic discovery is turned off."""

METRIC_PATH: str = _os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "metrics", "pass_at_k")
"""What to give to ``evaluate.load`` for the pass@k metric."""

_EXECUTION = ("Conditions", "Engine", "Limits", "Program", "Verdict", "cache_file", "prepare")
_HOMES = {
    "DATASET_VERSION": "bigcodebench_tasks.benchmark.dataset_version",
    "BigCodeBenchTask": "bigcodebench_tasks.harness.task",  # YAML files in users' folders name it: it stays
    **dict.fromkeys(_EXECUTION, "bigcodebench_tasks.execution"),
}
"""Public name to the module that is imported for it."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> "list[str]":
    return sorted({*globals(), *_HOMES})
