"""What a run found, in a few lines for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bigcodebench_tasks.scoring.intervals import estimate


def summary(records: Sequence[Sequence[Mapping[str, Any]]], run: Mapping[str, Any], seconds: float) -> str:
    """pass@1 with its 95% interval, the reasons of the verdicts, and what the score depends on.

    Args:
        records: per task its samples' "status" and "reason".
        run: what the score depends on (`harness_output.RUN_KEY`).
        seconds: that sanitizing and executing took.
    """
    reasons = Counter(sample["reason"] for samples in records for sample in samples)
    rates = [sum(sample["status"] == "pass" for sample in samples) / len(samples) for samples in records if samples]
    score = estimate(rates)
    lines = [
        f"pass@1 {score.rate:.4f} (95% interval {score.low:.4f} to {score.high:.4f}); "
        f"{reasons['passed']} of {reasons.total()} samples of {len(records)} tasks pass",
        "verdicts: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        f"isolation {run['isolation']}; libraries of the {run['environment']['lock']} lock; "
        f"sanitized and executed in {seconds:.0f} s",
    ]
    if "ground_truth" in run:  # it is not executed where the model's answers are the ground truth themselves
        lines.append(f"ground truth {run['ground_truth']['pass_rate']:.4f}")
    elif run["options"]["ground_truth"] == "skip":
        lines.append("ground truth not checked, as the option ground_truth asks")
    lines.append("to look at every task: run with --log_samples --output_path OUT, then bigcodebench-tasks report OUT")
    return "\n".join(lines)
