"""BigCodeBench as tasks of lm-evaluation-harness.

Importing this package does nothing: no download, no process, no import of lm-eval. It is imported at the
start of every Python process (see `autoload`), so it imports next to nothing either.
"""

import os as _os

from bigcodebench_tasks.autoload import tasks_folder as _tasks_folder

__version__ = "0.1.0"

__all__ = ["DATASET_VERSION", "METRIC_PATH", "TASKS_PATH", "__version__"]

DATASET_VERSION = "v0.1.4"
"""Dataset version that the task YAMLs and the commands take by default."""

TASKS_PATH: str = _tasks_folder()
"""Folder of the task YAMLs, for ``--include_path`` where the automatic discovery is turned off."""

METRIC_PATH: str = _os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "metrics", "pass_at_k")
"""What to give to ``evaluate.load`` for the pass@k metric."""
