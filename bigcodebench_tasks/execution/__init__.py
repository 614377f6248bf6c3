"""Execution of model-written programs: programs in, verdicts out.

The rest of the package knows four things of this subpackage: `Program`, `Verdict`, `Limits` and
`execute`; and, to prepare, `Environment`.
"""

from bigcodebench_tasks.execution.environment import Environment
from bigcodebench_tasks.execution.limits import Limits
from bigcodebench_tasks.execution.pool import execute
from bigcodebench_tasks.execution.prepare import Prepared, prepare
from bigcodebench_tasks.execution.sandbox import Isolation, probe
from bigcodebench_tasks.execution.verdict import Program, Verdict

__all__ = [
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
