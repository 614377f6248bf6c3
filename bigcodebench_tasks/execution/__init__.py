"""Execution of model-written programs: programs in, verdicts out.

The rest of the package knows these things of this subpackage. `prepare` finds the environment and the conditions,
`Engine` runs programs there.
"""

from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution.cache import cache_file
from bigcodebench_tasks.execution.choose_sandbox import probe
from bigcodebench_tasks.execution.conditions import Conditions, Limits, Sandbox, resolve_limits
from bigcodebench_tasks.execution.engine import Engine
from bigcodebench_tasks.execution.preparation import Prepared, prepare
from bigcodebench_tasks.execution.verdict import Program, Verdict

__all__ = [
    "Conditions",
    "Engine",
    "Environment",
    "Limits",
    "Prepared",
    "Program",
    "Sandbox",
    "Verdict",
    "cache_file",
    "prepare",
    "probe",
    "resolve_limits",
]
