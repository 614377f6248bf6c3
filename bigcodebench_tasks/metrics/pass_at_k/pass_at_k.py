"""pass@k of BigCodeBench as an `evaluate.Metric`: execute candidate solutions, estimate pass@k.

import evaluate, bigcodebench_tasks
metric = evaluate.load(bigcodebench_tasks.METRIC_PATH)
metric.compute(predictions=[[solution, ...], ...], references=[task, ...], k=[1])
"""

from __future__ import annotations

from functools import partial
from typing import Any

import datasets
import evaluate

import bigcodebench_tasks.scoring.evaluate
import bigcodebench_tasks.scoring.pass_at_k
from bigcodebench_tasks.options import Options

_DESCRIPTION = """\
Executes each candidate solution with its task's unittest suite, in the execution environment and not in this
process, and estimates pass@k without bias (Chen et al., 2021, arXiv 2107.03374)."""

_INPUTS = """\
Args:
    predictions: per task a list of candidate solutions, Python source (sanitize responses first, with
        `bigcodebench_tasks.benchmark.sanitize`).
    references: per task its row of the dataset: at least "task_id", "code_prompt" and "test".
    k: the k of pass@k; those larger than the number of candidates of a task are left out.
    calibrated: put code_prompt and `pass` before each solution, as the official evaluator does.
Returns:
    {"pass@k": mean over tasks, ...} and "verdicts": per task and candidate a mapping with "status", "reason",
    "details", "seconds" and "tests_run".
"""

_CITATION = """\
@article{zhuo2024bigcodebench,
  title={BigCodeBench: Benchmarking Code Generation with Diverse Function Calls and Complex Instructions},
  author={Zhuo, Terry Yue and others},
  journal={arXiv preprint arXiv:2406.15877},
  year={2024}
}"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _INPUTS)
class PassAtK(evaluate.Metric):
    """See `_DESCRIPTION` and `_INPUTS`."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {
                    "predictions": datasets.Sequence(text),
                    "references": {"task_id": text, "code_prompt": text, "test": text},
                }
            ),
            reference_urls=["https://github.com/bigcode-project/bigcodebench"],
        )

    def _compute(
        self,
        predictions: list[list[str]],
        references: list[dict[str, str]],
        k: tuple[int, ...] = bigcodebench_tasks.scoring.pass_at_k.KS,
        calibrated: bool = True,
    ) -> dict[str, Any]:
        evaluate = bigcodebench_tasks.scoring.evaluate
        options = Options.resolve({"calibrated": calibrated, "cache": False, "ground_truth": "skip"})
        evaluator = evaluate.Evaluator.prepare(options)
        samples = [[evaluate.Sample(partial(str, text)) for text in texts] for texts in predictions]
        records = evaluator.evaluate(references, samples).records
        outcomes = [[record.passed for record in of_task] for of_task in records]
        verdicts = [[record.to_dict() for record in of_task] for of_task in records]
        return {**bigcodebench_tasks.scoring.pass_at_k.mean_pass_at_k(outcomes, k), "verdicts": verdicts}
