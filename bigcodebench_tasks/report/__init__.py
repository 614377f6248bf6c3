"""Evaluations as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from bigcodebench_tasks.results.evaluation import Evaluation


def in_order(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Models in their order; of each, subset by subset, Complete before Instruct. A link names the first evaluation."""
    models = [evaluation.model for evaluation in evaluations]
    return sorted(evaluations, key=lambda each: (models.index(each.model), each.subset, each.split))
