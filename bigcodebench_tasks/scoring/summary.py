"""What a run found, in a few lines for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bigcodebench_tasks.benchmark.diagnosis import (
    CUT,
    DEDENTED,
    DIAGNOSES,
    EMPTY,
    NO_CODE,
    NO_ENTRY_POINT,
    NO_SYNTAX,
    NULL,
    PASSED_OVER,
    UNFINISHED,
)
from bigcodebench_tasks.scoring.intervals import estimate
from bigcodebench_tasks.scoring.noise import chance
from bigcodebench_tasks.scoring.records import ResponseStats, RunRecord, SampleRecord

MIN_SHARE = 0.02
"""From this share of the answers on, what they fall short of is a warning."""

_MORE_TOKENS = "--gen_kwargs max_gen_toks=..."
_ASK_SERVER = "look at the server's answers (reasoning_content, finish_reason, refusal), and give it more tokens: "
_FORM = "the official evaluator does the same; it is what the model loses to the form of its answers"

# What to do about each.
_ADVICE = {
    NULL: _ASK_SERVER + _MORE_TOKENS,
    EMPTY: f"where they come from a server: {_ASK_SERVER}{_MORE_TOKENS}",
    UNFINISHED: f"give the model more tokens, 8192 at the least: {_MORE_TOKENS}; where stop strings ended them, add "
    'the option "thinking": "on"',
    CUT: _MORE_TOKENS,
    NO_CODE: "look at some: bigcodebench-tasks inspect OUT TASK",
    NO_ENTRY_POINT: "a chat model may need --apply_chat_template; look at some: bigcodebench-tasks inspect OUT TASK",
    NO_SYNTAX: "look at some: bigcodebench-tasks inspect OUT TASK",
    DEDENTED: _FORM,
    PASSED_OVER: _FORM,
}


# How the model was asked (`RunRecord.prompting`), for people.
_ASKED = {
    "leaderboard": "asked with the leaderboard's settings",
    "thinking": "asked as a model that thinks, which differs from the leaderboard's settings",
    "custom": "asked otherwise than with the leaderboard's settings",
}


def summary(records: Mapping[str, Sequence[SampleRecord]], run: RunRecord, seconds: float) -> str:
    """pass@1 with its 95% interval and what of it is chance, the verdicts' reasons, and what the score depends on.

    Args:
        records: task_id to those of its samples, executed.
        run: what the score depends on.
        seconds: from the last answer to the last verdict.
    """
    reasons = Counter(sample.reason for samples in records.values() for sample in samples)
    rates = [sum(sample.passed for sample in samples) / len(samples) for samples in records.values() if samples]
    score = estimate(rates)
    conditions = run.conditions or {}
    lines = [
        f"pass@1 {score.rate:.4f} (95% interval {score.low:.4f} to {score.high:.4f}); "
        f"{reasons['passed']} of {reasons.total()} samples of {len(records)} tasks pass",
        "verdicts: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        f"sandbox {(conditions.get('sandbox') or {}).get('kind')}; libraries of the {conditions.get('lock')} lock; "
        f"scored {seconds:.0f} s after the last answer",
    ]
    lines[1:1] = chance({task_id: [s.passed for s in samples] for task_id, samples in records.items() if samples})
    lines += [f"answers: {said}" for said in [_said(run.answers)] if said]
    if run.prompting is not None:
        lines.append(_ASKED.get(run.prompting, run.prompting) + (f" ({'; '.join(run.differs)})" if run.differs else ""))
    if run.ground_truth is not None:  # it is not executed where the model's answers are the ground truth themselves
        lines.append(f"ground truth {run.ground_truth:.4f}")
    elif run.options.get("ground_truth") == "skip":
        lines.append("ground truth not checked, as the option ground_truth asks")
    lines.append("to look at every task: run with --log_samples --output_path OUT, then bigcodebench-tasks report OUT")
    return "\n".join(lines)


def _said(answers: ResponseStats | None) -> str:
    if answers is None:
        return ""
    parts = [f"{answers.thoughts} with thoughts, which were taken off"] if answers.thoughts else []
    return ", ".join([*parts, *(f"{name} {count}" for name, count in answers.diagnoses.items())])


def warnings(answers: ResponseStats | None) -> list[str]:
    """A line for each thing that answers often fall short of (`MIN_SHARE`), with what to do."""
    if answers is None:
        return []
    lines = []
    for name, count in answers.diagnoses.items():
        if count >= MIN_SHARE * answers.samples:
            said = DIAGNOSES[name]
            if name == CUT and answers.limit is not None:
                said = f"cut at {answers.limit:,} tokens"
            share = f"{100 * count / answers.samples:.0f}% of the answers ({count} of {answers.samples})"
            lines.append(f"{share} are {said}: {_ADVICE[name]}")
    return lines
