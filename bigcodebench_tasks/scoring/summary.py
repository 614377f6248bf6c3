"""What a run found, in a few lines for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bigcodebench_tasks.scoring.intervals import estimate
from bigcodebench_tasks.scoring.records import RunRecord, SampleRecord


def summary(records: Sequence[Sequence[SampleRecord]], run: RunRecord, seconds: float) -> str:
    """pass@1 with its 95% interval, the reasons of the verdicts, and what the score depends on.

    Args:
        records: per task those of its samples, executed.
        run: what the score depends on.
        seconds: that sanitizing and executing took.
    """
    reasons = Counter(sample.reason for samples in records for sample in samples)
    rates = [sum(sample.passed for sample in samples) / len(samples) for samples in records if samples]
    score = estimate(rates)
    conditions = run.conditions or {}
    lines = [
        f"pass@1 {score.rate:.4f} (95% interval {score.low:.4f} to {score.high:.4f}); "
        f"{reasons['passed']} of {reasons.total()} samples of {len(records)} tasks pass",
        "verdicts: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        f"isolation {conditions.get('level')}; libraries of the {conditions.get('lock')} lock; "
        f"sanitized and executed in {seconds:.0f} s",
    ]
    if run.ground_truth is not None:  # it is not executed where the model's answers are the ground truth themselves
        lines.append(f"ground truth {run.ground_truth:.4f}")
    elif run.options.get("ground_truth") == "skip":
        lines.append("ground truth not checked, as the option ground_truth asks")
    lines.append("to look at every task: run with --log_samples --output_path OUT, then bigcodebench-tasks report OUT")
    return "\n".join(lines)
