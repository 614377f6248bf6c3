"""BigCodeBench as tasks of lm-evaluation-harness: the only folder that imports lm_eval."""

import logging as _logging

# The level and the handlers of the harness's log apply to the package's.
_log = _logging.getLogger("bigcodebench_tasks")
_log.parent = _logging.getLogger("lm_eval")
_log.setLevel(_logging.NOTSET)  # drops the levels that loggers have cached
