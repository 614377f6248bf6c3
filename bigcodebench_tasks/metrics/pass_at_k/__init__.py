"""pass@k of candidate solutions; `bigcodebench_tasks.METRIC_PATH` is this folder."""
