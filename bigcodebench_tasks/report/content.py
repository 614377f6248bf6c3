"""What the report says of one evaluation, as plain JSON types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from bigcodebench_tasks.domains import DOMAINS, domains_of, libraries_of
from bigcodebench_tasks.evaluations import Evaluation, Judged
from bigcodebench_tasks.intervals import mean_interval
from bigcodebench_tasks.scoring import estimate_pass_at_k

# A traceback, or an answer, longer than this is cut in its middle: people read its ends.
LONGEST = 8000


def overview(one: Evaluation) -> dict[str, Any]:
    """Everything but the tasks' texts: cards, pass rates, and the rows of the table of tasks."""
    rates = one.solve_rates()
    low, high = mean_interval(list(rates.values()))
    truth = one.run.get("ground_truth") or {}
    return {
        "model": one.model,
        "subset": one.subset,
        "split": one.split,
        "name": one.name,
        "score": one.score(),
        "low": low,
        "high": high,
        "tasks": len(rates),
        "samples": sum(map(len, one.samples.values())),
        "facts": _facts(one),
        "domains": _pass_rates(one, rates, domains_of, DOMAINS),
        "libraries": _pass_rates(one, rates, libraries_of),
        "reasons": Counter(s.reason for samples in one.samples.values() for s in samples).most_common(),
        "curve": _curve(one),
        "rows": [_row(task_id, one, task_id in truth.get("failed", ())) for task_id in one.samples],
    }


def _facts(one: Evaluation) -> list[tuple[str, str]]:
    """What the score depends on, as label and value."""
    run = one.run
    truth = run.get("ground_truth")
    facts = [("executed", one.date.strftime("%Y-%m-%d %H:%M"))]
    if run:
        environment = run.get("environment") or {}
        facts += [
            ("plugin", str(run.get("plugin", "unknown"))),
            ("prompts", str(run.get("mode", "unknown"))),
            ("environment", str(environment.get("lock", "unknown"))),
            ("isolation", str(run.get("isolation", "unknown"))),
            ("ground truth", f"{100 * truth['pass_rate']:.1f}% pass" if truth else "not checked"),
            ("dataset", str(run.get("dataset_sha256", "unknown"))[:12]),
        ]
    return facts


def _pass_rates(
    one: Evaluation,
    rates: Mapping[str, float],
    labels_of: Callable[[Mapping[str, Any]], list[str]],
    order: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Pass rate of the tasks with each label, in the order given, else by number of tasks."""
    per_label: dict[str, list[float]] = {}
    for task_id, rate in rates.items():
        for label in dict.fromkeys(labels_of(one.tasks[task_id])):
            per_label.setdefault(label, []).append(rate)
    names = [name for name in order if name in per_label] or sorted(per_label, key=lambda n: (-len(per_label[n]), n))
    found = []
    for name in names:
        low, high = mean_interval(per_label[name])
        mean = sum(per_label[name]) / len(per_label[name])
        found.append({"name": name, "tasks": len(per_label[name]), "rate": mean, "low": low, "high": high})
    return found


def _curve(one: Evaluation) -> list[tuple[int, float]]:
    """(k, pass@k) for each k that every task has samples for; empty for a single sample."""
    counts = [(len(samples), sum(s.passed for s in samples)) for samples in one.samples.values()]
    fewest = min(n for n, _ in counts)
    if fewest < 2:
        return []
    return [(k, sum(estimate_pass_at_k(n, c, k) for n, c in counts) / len(counts)) for k in range(1, fewest + 1)]


def _row(task_id: str, one: Evaluation, truth_fails: bool) -> dict[str, Any]:
    samples, task = one.samples[task_id], one.tasks[task_id]
    times = [s.seconds for s in samples if s.seconds is not None]
    return {
        "id": task_id,
        "passed": sum(s.passed for s in samples),
        "samples": len(samples),
        "statuses": sorted({s.status for s in samples}),
        "reasons": [reason for reason, _ in Counter(s.reason for s in samples).most_common()],
        "domains": domains_of(task),
        "libraries": libraries_of(task),
        "seconds": max(times) if times else None,
        "truthFails": truth_fails,
    }


def details(task_id: str, one: Evaluation) -> dict[str, Any]:
    """The texts of one task: prompt, canonical solution, tests, and each sample's answer, program and tracebacks."""
    task = one.tasks[task_id]
    return {
        "prompt": task[f"{one.split}_prompt"],
        "reference": task["complete_prompt"] + task["canonical_solution"],
        "test": task["test"],
        "samples": [_sample(sample, task) for sample in one.samples[task_id]],
    }


def _sample(sample: Judged, task: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": sample.status,
        "reason": sample.reason,
        "seconds": sample.seconds,
        "raw": None if sample.raw is None else _cut(sample.raw),
        "program": sample.program,
        # A difference from the canonical solution starts where the sanitized one does.
        "solution": sample.solution_start(task),
        "details": {test: _cut(text) for test, text in sample.details.items()},
    }


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n\n[... {len(text) - 2 * half} characters left out ...]\n\n{text[-half:]}"
