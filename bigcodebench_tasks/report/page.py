"""The page: the overview, and the texts of all tasks in compressed blocks, which the browser unpacks on demand."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

import jinja2

from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.report.content import details, overview
from bigcodebench_tasks.report.pictures import pictures
from bigcodebench_tasks.results.evaluation import Evaluation

# Samples per block: more compress better, fewer open faster.
SAMPLES_PER_BLOCK = 40

# Together, in this order, the page's script.
SCRIPTS = ("elements.js", "code.js", "published.js", "overview.js", "table.js", "task.js", "start.js")


def render(evaluations: Sequence[Evaluation]) -> str:
    """The HTML text of the page.

    Model output is hostile. It enters the page only inside JSON and gzip, and from there only as text nodes; the page's
    policy allows its own script and style by hash, and no connections.

    Args:
        evaluations: evaluations with their tasks, at least one.
    """
    script, style = "".join(map(_asset, SCRIPTS)), _asset("page.css")
    blocks: list[str] = []
    overviews, drawn = [], []
    with progress(sum(len(evaluation.samples) for evaluation in evaluations), "Packing", "task", leave=False) as bar:
        for number, evaluation in enumerate(evaluations):
            content = overview(evaluation, evaluations)
            for row, block in zip(content["rows"], _packed(evaluation, blocks, bar), strict=True):
                row["block"] = block
            overviews.append(content)
            drawn.append(pictures(evaluation, content["curve"], number))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("page.html.j2")).render(
        title=", ".join(dict.fromkeys(evaluation.model for evaluation in evaluations)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        overview=_json(overviews),
        pictures=drawn,
        blocks=blocks,
    )


def _asset(name: str) -> str:
    return (resources.files("bigcodebench_tasks.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The hash of a script or style in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _packed(evaluation: Evaluation, blocks: list[str], bar: Any) -> list[int]:
    """Pack the texts of every task, appending to `blocks`; returns the block of each task."""
    numbers: list[int] = []
    together: dict[str, Any] = {}
    samples = 0
    for task_id, several in evaluation.samples.items():
        together[task_id] = details(task_id, evaluation)
        numbers.append(len(blocks))
        samples += len(several)
        bar.update()
        if samples >= SAMPLES_PER_BLOCK:
            blocks.append(_pack(together))
            together, samples = {}, 0
    if together:
        blocks.append(_pack(together))
    return numbers


def _pack(content: dict[str, Any]) -> str:
    return base64.b64encode(gzip.compress(json.dumps(content).encode("ascii"), mtime=0)).decode("ascii")


def _json(content: Any) -> str:
    """JSON that cannot end its script element."""
    return json.dumps(content).replace("<", "\\u003c")
