"""What a run found, in a few lines for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bigcodebench_tasks.intervals import mean_interval


def summary(records: Sequence[Sequence[Mapping[str, Any]]], run: Mapping[str, Any], seconds: float) -> str:
    """pass@1 with its 95% interval, the reasons of the verdicts, and what the score depends on.

    Args:
        records: per task its samples' "status" and "reason".
        run: what the score depends on (`harness_output.RUN_KEY`).
        seconds: that sanitizing and executing took.
    """
    reasons = Counter(sample["reason"] for samples in records for sample in samples)
    rates = [sum(sample["status"] == "pass" for sample in samples) / len(samples) for samples in records if samples]
    low, high = mean_interval(rates)
    truth = run.get("ground_truth")
    return "\n".join(
        [
            f"pass@1 {sum(rates) / max(1, len(rates)):.4f} (95% interval {low:.4f} to {high:.4f}); "
            f"{reasons['passed']} of {reasons.total()} samples of {len(records)} tasks pass",
            "verdicts: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
            f"ground truth {truth['pass_rate']:.4f}" if truth else "ground truth not checked",
            f"isolation {run['isolation']}; lock {run['environment']['lock']}; {seconds:.0f} s",
            "every task as a page: bigcodebench-tasks report <folder of --output_path>, after --log_samples",
        ]
    )
