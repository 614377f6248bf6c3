"""BigCodeBench as tasks of lm-evaluation-harness, and its engine for other programs.

This package is imported at the start of every Python process (see `autoload`). So the import
installs that hook and does nothing else (no download, no process, no import of lm-eval): a public name is imported
when it is first used.
"""

import os as _os

from bigcodebench_tasks.autoload import install as _install
from bigcodebench_tasks.autoload import tasks_folder as _tasks_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bigcodebench_tasks.benchmark.dataset import load_tasks
    from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION
    from bigcodebench_tasks.benchmark.sanitize import calibrate, sanitize
    from bigcodebench_tasks.errors import (
        BigCodeBenchError,
        ClusterUnavailable,
        DatasetError,
        EnvironmentBuildFailed,
        EnvironmentMismatch,
        EnvironmentMissing,
        ExecutionEnvironmentError,
        ExecutionFailed,
        OptionError,
        OutputError,
        PromptError,
        SandboxUnavailable,
    )
    from bigcodebench_tasks.execution import Engine, Limits, Program, Reason, Verdict
    from bigcodebench_tasks.harness.task import BigCodeBenchTask

_install()

__version__ = "0.1.0"

__all__ = [
    "DATASET_VERSION",
    "METRIC_PATH",
    "TASKS_PATH",
    "BigCodeBenchError",
    "BigCodeBenchTask",
    "ClusterUnavailable",
    "DatasetError",
    "Engine",
    "EnvironmentBuildFailed",
    "EnvironmentMismatch",
    "EnvironmentMissing",
    "ExecutionEnvironmentError",
    "ExecutionFailed",
    "Limits",
    "OptionError",
    "OutputError",
    "Program",
    "PromptError",
    "Reason",
    "SandboxUnavailable",
    "Verdict",
    "__version__",
    "calibrate",
    "load_tasks",
    "sanitize",
]

TASKS_PATH: str = _tasks_folder()
"""Folder of the task YAMLs, for ``--include_path`` if the automatic discovery is turned off."""

METRIC_PATH: str = _os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "metrics", "pass_at_k")
"""The argument of ``evaluate.load`` for the pass@k metric."""

_MODULES = {
    "BigCodeBenchTask": "harness.task",  # YAML files in users' folders name it
    "DATASET_VERSION": "benchmark.dataset_version",
    "calibrate": "benchmark.sanitize",
    "load_tasks": "benchmark.dataset",
    "sanitize": "benchmark.sanitize",
    **dict.fromkeys(("Engine", "Limits", "Program", "Reason", "Verdict"), "execution"),
}
"""Public name to the module that is imported when it is first used; the other names are errors."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
