"""The official evaluator's files, read and written: samples, ``_eval_results.json`` and ``_pass_at_k.json``.

Source: bigcodebench 0.2.5, ``data/utils.py`` (samples), ``generate.py`` (names) and ``evaluate.py`` (results).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.files import write_text

_BACKENDS = {
    "hf": "hf",
    "vllm": "vllm",
    "local-completions": "openai",
    "openai-completions": "openai",
    "local-chat-completions": "openai",
    "openai-chat-completions": "openai",
    "anthropic-chat-completions": "anthropic",
    "anthropic-chat": "anthropic",
}
"""The harness's loaders and what the official tool calls the like; others keep the harness's name."""


@dataclass(frozen=True)
class Sample:
    """A sample that was made elsewhere.

    Attributes:
        where: file and line, or file, for messages.
        fields: the line as it was, or ``task_id`` and ``solution`` of a file in a folder.
    """

    where: str
    task_id: str
    fields: Mapping[str, Any]

    def solution(self, task: Mapping[str, str], joint: str = "") -> str:
        """``solution``, or the prompt and ``completion``, with `joint` between them."""
        if "solution" in self.fields:
            return str(self.fields["solution"])
        return task["complete_prompt"] + joint + str(self.fields["completion"])


@dataclass
class Samples:
    """What a file or folder holds: samples in their order, and a message for each line that is none."""

    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_samples(path: Path, known: Iterable[str]) -> Samples:
    """Samples of a JSONL file (also ``.gz``), or of a folder ``BigCodeBench_0/0.py``.

    Args:
        path: the file or folder.
        known: task_ids of the dataset; a sample of another task is a problem.

    Raises:
        OutputError: the path cannot be read at all.
    """
    found, task_ids = Samples(), frozenset(known)
    try:
        candidates = _in_folder(path) if path.is_dir() else _in_file(path)
    except (OSError, EOFError, ValueError) as error:
        raise OutputError(f"cannot read samples from {path}: {error}") from error
    for where, fields in candidates:
        problem = fields if isinstance(fields, str) else _problem(fields, task_ids)
        if problem or isinstance(fields, str):
            found.problems.append(f"{where}: {problem}")
        else:
            found.samples.append(Sample(where, fields["task_id"], fields))
    return found


def _in_file(path: Path) -> list[tuple[str, Any]]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    found: list[tuple[str, Any]] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                found.append((f"{path}, line {number}", json.loads(line)))
            except ValueError as error:
                found.append((f"{path}, line {number}", f"is no JSON: {error}"))
    return found


def _in_folder(path: Path) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for file in sorted(path.glob("*/*.py"), key=lambda file: (file.parent.name, len(file.stem), file.stem)):
        task_id = file.parent.name.replace("_", "/")
        try:
            found.append((str(file), {"task_id": task_id, "solution": file.read_text(encoding="utf-8")}))
        except (OSError, ValueError) as error:
            found.append((str(file), f"cannot be read: {error}"))
    return found


def _problem(fields: Any, known: frozenset[str]) -> str:
    if not isinstance(fields, dict):
        return "is no JSON object"
    if "task_id" not in fields:
        return "has no task_id"
    if fields["task_id"] not in known:
        return f"{fields['task_id']!r} is no task of this dataset"
    text = fields.get("solution", fields.get("completion"))
    if text is None:
        return "has neither solution nor completion"
    if not isinstance(text, str):
        return "its solution is no text: give each sample a line of its own"
    return ""


def stem(
    model: str,
    *,
    split: str,
    subset: str,
    loader: str,
    revision: str = "main",
    temperature: float = 0.0,
    n_samples: int = 1,
    prefill: bool = True,
) -> str:
    """Official name of a run's files, without ``.jsonl`` (``generate.py``, ``identifier``)."""
    extra = "" if subset == "full" else f"-{subset}"
    shown = 0 if temperature == 0 else temperature  # the official tool sets the integer for greedy decoding
    return (
        model.replace("/", "--")
        + ("" if prefill else "--skip_prefill")
        + f"--{revision}--bigcodebench{extra}-{split}--{_BACKENDS.get(loader, loader)}-{shown}-{n_samples}"
        + "-sanitized_calibrated"
    )


@dataclass(frozen=True)
class ResultFiles:
    """Where the results of a samples file go, as the official evaluator names them."""

    eval_results: Path
    pass_at_k: Path

    @classmethod
    def of(cls, samples: Path) -> ResultFiles:
        if samples.is_dir():
            return cls(samples / "eval_results.json", samples / "pass_at_k.json")
        base = samples.name.removesuffix(".gz").removesuffix(".jsonl")
        return cls(samples.with_name(f"{base}_eval_results.json"), samples.with_name(f"{base}_pass_at_k.json"))


def model_name(samples: Path) -> str:
    """The model as the official evaluator reads it off the file's name."""
    return samples.name.split("--bigcodebench-")[0]


def eval_results(outcomes: Mapping[str, Sequence[Mapping[str, Any]]], date: datetime) -> dict[str, Any]:
    """Content of ``_eval_results.json``.

    Args:
        outcomes: per task_id its samples' "solution" (the executed program), "status" and "details".
        date: when they were executed.
    """
    return {
        "date": date.strftime("%Y-%m-%d %H:%M"),
        "eval": {
            task_id: [
                {
                    "task_id": task_id,
                    "solution": sample["solution"],
                    "status": sample["status"],
                    "details": sample["details"],
                }
                for sample in samples
            ]
            for task_id, samples in outcomes.items()
        },
    }


def pass_at_k(
    scores: Mapping[str, float],
    *,
    model: str,
    split: str,
    subset: str,
    calibrated: bool,
    ground_truth: tuple[float, Sequence[str]] | None,
) -> dict[str, Any]:
    """Content of ``_pass_at_k.json``; without ground truth its pass rate is null (the official tool says 0)."""
    rate, failed = ground_truth or (None, [])
    return {
        **scores,
        "model": model,
        "split": split,
        "subset": subset,
        "calibrated": calibrated,
        "gt_pass_rate": rate,
        "failed_tasks": list(failed),
    }


def write_folder(folder: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """``{task_id, solution}`` as ``BigCodeBench_0/0.py``, as the official tool's ``write_directory``."""
    counts: dict[str, int] = {}
    for row in rows:
        name = row["task_id"].replace("/", "_")
        number = counts[name] = counts.get(name, -1) + 1
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_text(folder / name / f"{number}.py", row["solution"])
