"""The report's content, as plain JSON types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bigcodebench_tasks.benchmark.dataset import canonical_program
from bigcodebench_tasks.benchmark.domains import DOMAINS, domains_of, libraries_of
from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.leaderboard.difficulty import published_rates
from bigcodebench_tasks.report.published import beside_published
from bigcodebench_tasks.results.evaluation import Evaluation, mean_of_splits
from bigcodebench_tasks.scoring.intervals import estimate
from bigcodebench_tasks.scoring.leaderboard_settings import describe
from bigcodebench_tasks.scoring.pass_at_k import estimate_pass_at_k
from bigcodebench_tasks.scoring.records import SampleRecord

# The middle of longer tracebacks and responses is left out.
LONGEST = 8000


def overview(evaluation: Evaluation, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """An evaluation without the tasks' texts: cards, pass rates, and the rows of the table of tasks.

    Args:
        evaluation: the evaluation, with its tasks.
        evaluations: all evaluations of the page, for the mean of both splits.
    """
    rates, rates_there = evaluation.solve_rates(), published_rates(evaluation)
    truth = evaluation.run.ground_truth if evaluation.run else None
    failed = truth.failed if truth else ()
    numbers = [len(samples) for samples in evaluation.samples.values()]
    return {
        "model": evaluation.model,
        "subset": evaluation.subset,
        "split": evaluation.split,
        "name": evaluation.name,
        "score": asdict(evaluation.score()),
        "mean": _mean_of_splits(evaluation, evaluations),
        "samples": sum(numbers),
        "fewest": min(numbers),
        "most": max(numbers),
        "facts": _facts(evaluation),
        "truthFails": [task_id for task_id in failed if task_id in evaluation.samples],
        "domains": _pass_rates(evaluation, rates, domains_of, DOMAINS),
        "libraries": _pass_rates(evaluation, rates, libraries_of),
        "reasons": _reasons(evaluation),
        "diagnoses": _diagnoses(evaluation),
        "curve": _curve(evaluation),
        "published": beside_published(evaluation, evaluations),
        "rows": [_row(task_id, evaluation, rates_there.get(task_id)) for task_id in evaluation.samples],
    }


def _mean_of_splits(evaluation: Evaluation, evaluations: Sequence[Evaluation]) -> dict[str, Any] | None:
    """pass@1 over both splits, by which the leaderboard ranks; None unless both exist with the same tasks."""
    mean = mean_of_splits(
        [other for other in evaluations if (other.model, other.subset) == (evaluation.model, evaluation.subset)]
    )
    return None if mean is None else asdict(mean)


def _facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What the score depends on, as label and value."""
    run = evaluation.run
    facts = [("executed", evaluation.date.strftime("%Y-%m-%d %H:%M"))]
    if run is None:
        return [*facts, ("source", "official results file, without settings")]
    seeds = ", ".join(f"{name} {seed}" for name, seed in run.seeds.items() if seed is not None)
    return [
        *facts,
        ("plugin", run.plugin),
        ("prompts", run.mode or "not recorded"),
        ("prompting", "; ".join([run.prompting, *run.differs]) if run.prompting else "not recorded"),
        *_conditions(run.conditions),
        ("calibrated", "yes" if run.options.calibrated else "no"),
        ("ground truth", f"{100 * run.ground_truth.pass_rate:.1f}% pass" if run.ground_truth else "not checked"),
        ("seeds", seeds or "none recorded"),
        ("dataset", run.dataset_sha256[:12]),
        ("settings", describe(run, len(evaluation.samples), evaluation.subset)),
    ]


def _conditions(conditions: Conditions | None) -> list[tuple[str, str]]:
    if conditions is None:
        return [("environment", "not recorded")]
    sandbox = conditions.sandbox
    return [
        ("environment", f"{conditions.lock} {conditions.lock_sha256[:12]}"),
        ("sandbox", "; ".join(filter(None, [sandbox.kind, sandbox.degraded]))),
        ("network", sandbox.network),
        ("time limit", f"{conditions.limits.timeout_s:g} s"),
        ("speed", conditions.speed),
    ]


def _pass_rates(
    evaluation: Evaluation,
    rates: Mapping[str, float],
    labels_of: Callable[[Mapping[str, Any]], list[str]],
    order: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Pass rate of the tasks with each label, in the order given, else by number of tasks."""
    per_label: dict[str, list[float]] = {}
    for task_id, rate in rates.items():
        for label in dict.fromkeys(labels_of(evaluation.tasks[task_id])):
            per_label.setdefault(label, []).append(rate)
    names = [name for name in order if name in per_label] or sorted(per_label, key=lambda n: (-len(per_label[n]), n))
    return [{"name": name, **asdict(estimate(per_label[name]))} for name in names]


def _reasons(evaluation: Evaluation) -> list[dict[str, Any]]:
    """How many samples got a verdict for each reason, the most frequent first."""
    counts = Counter((s.reason, s.passed) for samples in evaluation.samples.values() for s in samples)
    return [{"name": reason, "passed": passed, "samples": n} for (reason, passed), n in counts.most_common()]


def _diagnoses(evaluation: Evaluation) -> list[dict[str, Any]]:
    """How many responses have which diagnosis, the most frequent first."""
    counts = Counter(
        sample.diagnosis for samples in evaluation.samples.values() for sample in samples if sample.diagnosis
    )
    return [{"name": name, "samples": n} for name, n in counts.most_common()]


def _curve(evaluation: Evaluation) -> list[tuple[int, float]]:
    """(k, pass@k) for each k that every task has samples for; empty for a single sample."""
    counts = [(len(samples), sum(s.passed for s in samples)) for samples in evaluation.samples.values()]
    fewest = min(n for n, _ in counts)
    if fewest < 2:
        return []
    return [(k, sum(estimate_pass_at_k(n, c, k) for n, c in counts) / len(counts)) for k in range(1, fewest + 1)]


def _row(task_id: str, evaluation: Evaluation, published: float | None) -> dict[str, Any]:
    samples, task = evaluation.samples[task_id], evaluation.tasks[task_id]
    times = [s.seconds for s in samples if s.seconds is not None]
    return {
        "id": task_id,
        "passed": sum(s.passed for s in samples),
        "samples": len(samples),
        "verdicts": _verdicts(samples),
        # Of the samples that do not pass.
        "reasons": Counter(s.reason for s in samples if not s.passed).most_common(),
        "diagnoses": sorted({s.diagnosis for s in samples if s.diagnosis}),
        "domains": domains_of(task),
        "libraries": libraries_of(task),
        "published": published,
        "seconds": max(times) if times else None,
    }


def _verdicts(samples: Sequence[SampleRecord]) -> list[str]:
    """Values of the verdict filter: the status of the only sample, or how many of several pass, and rare statuses."""
    statuses = {sample.status for sample in samples}
    if len(samples) == 1:
        return sorted(statuses)
    passed = sum(sample.passed for sample in samples)
    kind = "all pass" if passed == len(samples) else "some pass" if passed else "none passes"
    return [kind, *sorted(statuses - {"pass", "fail"})]


def details(task_id: str, evaluation: Evaluation) -> dict[str, Any]:
    """The texts of a task: prompt, ground truth, tests, and each sample's response, program and tracebacks."""
    task = evaluation.tasks[task_id]
    return {
        "prompt": task[f"{evaluation.split}_prompt"],
        "reference": canonical_program(task),
        "test": task["test"],
        "samples": [_sample(sample, task_id, evaluation) for sample in evaluation.samples[task_id]],
    }


def _sample(sample: SampleRecord, task_id: str, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "status": sample.status,
        "reason": sample.reason,
        "diagnosis": sample.diagnosis,
        "seconds": sample.seconds,
        "raw": None if sample.response is None else _cut(sample.response),
        "program": evaluation.program(task_id, sample),
        # The difference to the ground truth starts at the sanitized solution.
        "solution": evaluation.solution_start(task_id, sample),
        "details": {test: _cut(text) for test, text in sample.details.items()},
    }


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n\n[... {len(text) - 2 * half} characters left out ...]\n\n{text[-half:]}"
