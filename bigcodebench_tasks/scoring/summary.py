"""The result of a run, in a few lines for the log."""

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
"""A diagnosis is a warning if at least this share of the responses has it."""

_MORE_TOKENS = "--gen_kwargs max_gen_toks=..."
_ASK_SERVER = "see the server's responses (reasoning_content, finish_reason, refusal), and allow more tokens: "
_INSPECT = "see some of them: bigcodebench-tasks inspect OUT TASK"
_FORM = "the official evaluator does the same; the model loses this score by the form of its responses"

_ADVICE = {
    NULL: _ASK_SERVER + _MORE_TOKENS,
    EMPTY: f"if they come from a server: {_ASK_SERVER}{_MORE_TOKENS}",
    UNFINISHED: f"allow more tokens, at least 8192: {_MORE_TOKENS}; if stop strings ended them, add "
    'the option "reasoning": "on"',
    CUT: _MORE_TOKENS,
    NO_CODE: _INSPECT,
    NO_ENTRY_POINT: f"a chat model may need --apply_chat_template; {_INSPECT}",
    NO_SYNTAX: _INSPECT,
    DEDENTED: _FORM,
    PASSED_OVER: _FORM,
}
"""Diagnosis to what the user can do."""

_PROMPTING = {
    "leaderboard": "asked with the leaderboard's settings",
    "reasoning": "asked as a model that reasons, which differs from the leaderboard's settings",
    "custom": "asked with other settings than the leaderboard's",
}
"""`RunRecord.prompting` in words."""


def summary(records: Mapping[str, Sequence[SampleRecord]], run: RunRecord, seconds: float) -> str:
    """pass@1 with its 95% interval and its chance, the verdicts' reasons, and what the score depends on.

    Args:
        records: task_id to those of its samples, executed.
        run: what the score depends on.
        seconds: from the last response to the last verdict.
    """
    reasons = Counter(sample.reason for samples in records.values() for sample in samples)
    passed = {task_id: [sample.passed for sample in samples] for task_id, samples in records.items() if samples}
    score = estimate([sum(samples) / len(samples) for samples in passed.values()])
    lines = [
        f"pass@1 {score.rate:.4f} (95% interval {score.low:.4f} to {score.high:.4f}); "
        f"{reasons['passed']} of {reasons.total()} samples of {len(records)} tasks pass",
        *chance(passed),
        "verdicts: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        f"scored {seconds:.0f} s after the last response",
    ]
    if run.conditions is not None:
        sandbox, lock = run.conditions.sandbox, run.conditions.lock
        lines[-1] = f"sandbox {sandbox.kind}; libraries of the {lock} lock; {lines[-1]}"
    if stats := _stats(run.responses):
        lines.append(f"responses: {stats}")
    if run.prompting is not None:
        lines.append(_PROMPTING[run.prompting] + (f" ({'; '.join(run.differs)})" if run.differs else ""))
    if run.ground_truth is not None:  # None for the ground-truth model, whose score it is
        lines.append(f"ground truth {run.ground_truth.pass_rate:.4f}")
    elif run.options.ground_truth == "skip":
        lines.append("ground truth not checked, as the option ground_truth asks")
    lines.append("to see every task: run with --log_samples --output_path OUT, then bigcodebench-tasks report OUT")
    return "\n".join(lines)


def _stats(responses: ResponseStats | None) -> str:
    if responses is None:
        return ""
    parts = [f"{responses.reasoning} with reasoning, which was removed"] if responses.reasoning else []
    return ", ".join([*parts, *(f"{name} {count}" for name, count in responses.diagnoses.items())])


def warnings(responses: ResponseStats | None) -> list[str]:
    """A line for each diagnosis that many responses have (`MIN_SHARE`), with what the user can do."""
    if responses is None:
        return []
    lines = []
    for name, count in responses.diagnoses.items():
        if count >= MIN_SHARE * responses.samples:
            meaning = DIAGNOSES[name]
            if name == CUT and responses.limit is not None:
                meaning = f"cut at {responses.limit:,} tokens"
            share = f"{100 * count / responses.samples:.0f}% of the responses ({count} of {responses.samples})"
            lines.append(f"{share} are {meaning}: {_ADVICE[name]}")
    return lines
