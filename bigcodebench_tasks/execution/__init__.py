"""Execution of model-written programs: programs in, verdicts out.

The rest of the package knows these things of this subpackage: `Program` and `Draft`, `Verdict`, `Limits` and
`execute`; and, to prepare, `Environment`.
"""

from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.execution.conditions import Limits
from bigcodebench_tasks.execution.pool import execute
from bigcodebench_tasks.execution.prepare import Prepared, prepare
from bigcodebench_tasks.execution.sandbox import Isolation, probe
from bigcodebench_tasks.execution.verdict import Draft, Program, Verdict

__all__ = [
    "Draft",
    "Environment",
    "Isolation",
    "Limits",
    "Prepared",
    "Program",
    "Verdict",
    "execute",
    "prepare",
    "probe",
]
