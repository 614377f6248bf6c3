"""Execution of model-written programs: programs in, verdicts out.

`prepare.prepare` finds the environment and chooses the sandbox; an `Engine` runs programs there.
"""

from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution.cache import cache_file
from bigcodebench_tasks.execution.conditions import Conditions, Limits, Sandbox
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.verdict import Program, Reason, Verdict

__all__ = [
    "Conditions",
    "Engine",
    "Environment",
    "Limits",
    "Program",
    "Reason",
    "Sandbox",
    "Verdict",
    "cache_file",
]
