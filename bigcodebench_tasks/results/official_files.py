"""The official evaluator's files, read and written: samples, ``_eval_results.json`` and ``_pass_at_k.json``.

Source: bigcodebench 0.2.5, ``data/utils.py`` (samples), ``generate.py`` (names) and ``evaluate.py`` (results).
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from bigcodebench_tasks.benchmark.dataset import CUSTOM, SUBSETS
from bigcodebench_tasks.benchmark.prompts import SPLITS
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.execution.verdict import Reason, Status, Verdict, exception_line
from bigcodebench_tasks.files import as_name, below, write_json, write_jsonl, write_text
from bigcodebench_tasks.results.evaluation import Evaluation
from bigcodebench_tasks.results.untrusted import BROKEN, read
from bigcodebench_tasks.scoring.pass_at_k import KS, mean_pass_at_k
from bigcodebench_tasks.scoring.records import RUN_KEY, GroundTruthRate, RunRecord, SampleRecord

EVAL_RESULTS = "eval_results.json"
"""End of the name of a results file; the whole name in a folder of samples."""

_PASS_AT_K = "pass_at_k.json"
_HARD_RESULTS = "_hard_eval_results.json"  # of samples of Full, by version 0.1.9
_DATE = "%Y-%m-%d %H:%M"
_NAME = re.compile(r"(?P<model>.+?)--bigcodebench(?:-(?P<subset>[a-z]+))??-(?P<split>complete|instruct)--")

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
"""lm_eval's loaders to the official tool's names of backends; others keep lm_eval's name."""


# -- samples ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleLine:
    """A sample in a file or folder.

    Attributes:
        where: file and line, or file, for messages.
        task_id: in the dataset's spelling.
        fields: of the line; ``task_id`` and ``solution`` for a file in a folder.
        file: its file in a folder of samples; None for a line.
    """

    where: str
    task_id: str
    fields: Mapping[str, Any]
    file: Path | None = None

    @property
    def is_solution(self) -> bool:
        """Whether it is a whole program, not the continuation of the prompt."""
        return isinstance(self.fields.get("solution"), str)

    @property
    def raw_solution(self) -> str | None:
        """The response before sanitizing; None if the file does not have it."""
        raw = self.fields.get("raw_solution")
        return raw if isinstance(raw, str) else None

    def solution(self, task: Mapping[str, str], joint: str = "") -> str:
        """``solution``, or the prompt and ``completion``, with `joint` between them."""
        if self.is_solution:
            return str(self.fields["solution"])
        return task["complete_prompt"] + joint + str(self.fields["completion"])


@dataclass
class Samples:
    """The samples of a file or folder in their order, and messages about what was left out."""

    samples: list[SampleLine] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_samples(path: Path, known: Iterable[str]) -> Samples:
    """Samples of a JSONL file or a JSON array (also compressed with gzip), or of a folder ``BigCodeBench_0/0.py``.

    Args:
        path: the file or folder.
        known: task_ids of the dataset; a sample of another task is a problem.

    Raises:
        OutputError: the path cannot be read at all, or is a known kind of other file.
    """
    samples = Samples()
    spellings = {spelling: task_id for task_id in known for spelling in (_normal(task_id), task_id.rpartition("/")[2])}
    try:
        candidates = _in_folder(path) if path.is_dir() else _in_file(path)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise OutputError(f"cannot read samples from {path}: {error}") from error
    if other := _other_kind(path, candidates):
        raise OutputError(f"{path} holds no samples: {other}")
    unknown: dict[str, str] = {}
    for where, fields in candidates:
        problem = fields if isinstance(fields, str) else _problem(fields)
        if problem or isinstance(fields, str):
            samples.problems.append(f"{where}: {problem}")
        elif task_id := spellings.get(_normal(fields["task_id"])):
            samples.samples.append(SampleLine(where, task_id, fields, Path(where) if path.is_dir() else None))
        else:
            name = repr(str(fields["task_id"])[:100])
            samples.problems.append(f"{where}: {name} is no task of this dataset")
            unknown[samples.problems[-1]] = name
    if len(unknown) > _UNKNOWN_NAMED:
        some = ", ".join(list(unknown.values())[:_UNKNOWN_NAMED])
        samples.problems = [problem for problem in samples.problems if problem not in unknown]
        samples.problems.append(f"{len(unknown)} samples of tasks that are not in this dataset: {some}, ...")
    return samples


# Unknown tasks are named one by one up to this number.
_UNKNOWN_NAMED = 3


def _normal(task_id: object) -> str:
    """A task_id without what people write differently: case, spaces, "_" for "/", the number alone."""
    return str(task_id).strip().lower().replace("_", "/")


def _other_kind(path: Path, candidates: Sequence[tuple[str, Any]]) -> str:
    """What a path is that holds no samples, and what to do with it; "" if it is nothing known."""
    export = "first write its samples: bigcodebench-tasks export"
    if path.is_dir():
        if not candidates and any(path.rglob("samples_*.jsonl")):
            return f"lm_eval wrote it with --output_path; {export} {path}"
        files = [] if candidates else sorted(path.glob("*.jsonl*"))
        return f"give one of its files, such as {files[0]}, or a folder of BigCodeBench_0/0.py" if files else ""
    if path.name.endswith(EVAL_RESULTS):
        return f"it holds scored results; to see them: bigcodebench-tasks inspect {path}"
    first = candidates[0][1] if candidates else None
    if isinstance(first, dict) and {"doc", "filtered_resps"} <= first.keys():
        return f"it is a sample log of lm_eval; {export} {path.parent}"
    return ""


_MAGIC = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip archive",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def _in_file(path: Path) -> list[tuple[str, Any]]:
    """(location, content or problem) of each line that is not empty, or of each item of an array."""
    if path.exists() and not path.is_file():
        raise ValueError("it is not a regular file")  # results are written beside it
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    for magic, kind in _MAGIC.items():
        if content.startswith(magic):
            raise ValueError(f"it is {kind}; a .jsonl (or .jsonl.gz) has a sample per line")
    encoding = json.detect_encoding(content)
    if encoding != "utf-8":  # of the whole file: a byte order mark, or UTF-16 as PowerShell writes it
        content = content.decode(encoding).encode("utf-8", "surrogatepass")
    if content.lstrip().startswith(b"["):
        with contextlib.suppress(ValueError, RecursionError):
            items = json.loads(content)
            if all(isinstance(item, dict) for item in items):
                return [(f"{path}, item {number}", item) for number, item in enumerate(items, start=1)]
    candidates: list[tuple[str, Any]] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                candidates.append((f"{path}, line {number}", json.loads(line)))
            except (ValueError, RecursionError) as error:
                candidates.append((f"{path}, line {number}", f"is no JSON: {error}"))
    return candidates


def _in_folder(path: Path) -> list[tuple[str, Any]]:
    candidates: list[tuple[str, Any]] = []
    for file in sorted(path.glob("*/*.py"), key=lambda file: (file.parent.name, len(file.stem), file.stem)):
        try:
            fields = {"task_id": file.parent.name.replace("_", "/"), "solution": file.read_text(encoding="utf-8")}
            candidates.append((str(file), fields))
        except (OSError, ValueError) as error:
            candidates.append((str(file), f"cannot be read: {error}"))
    return candidates


def _problem(fields: Any) -> str:
    """Why a line's content is no sample; "" if it is one."""
    if not isinstance(fields, dict):
        return "is no JSON object"
    if "task_id" not in fields:
        return "has no task_id"
    text = fields.get("completion") if fields.get("solution") is None else fields["solution"]
    if text is None:
        return "has neither solution nor completion"
    if not isinstance(text, str):
        return "its solution is no text: give each sample a line of its own"
    return ""


def write_samples(target: Path, samples: Sequence[SampleLine], solutions: Sequence[str], source: Path) -> None:
    """Write new solutions in the form of the source: lines with their other fields, or files of a folder.

    Args:
        target: file or folder; may be the source.
        samples: from `read_samples`.
        solutions: one for each of them.
        source: what they were read from.

    Raises:
        OutputError: a file cannot be written.
    """
    for sample, solution in zip(samples, solutions, strict=True):
        if sample.file is not None:
            write_text(below(target, str(sample.file.relative_to(source))), solution)
    if not source.is_dir():
        pairs = zip(samples, solutions, strict=True)
        rows = ({**each.fields, "task_id": each.task_id, "solution": solution} for each, solution in pairs)
        write_jsonl(target, rows)


# -- names -----------------------------------------------------------------------------------------------


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
    """Official name of a run's files, without ``.jsonl`` (``generate.py``, ``identifier``); one part of a path.

    With the longest ending it has less than 255 bytes, the limit of most file systems: long parts are shortened.
    """
    extra = "" if subset == "full" else f"-{subset}"
    shown = 0 if temperature == 0 else temperature  # the official tool writes an integer for greedy decoding
    return (
        as_name(model, 110)
        + ("" if prefill else "--skip_prefill")
        + f"--{as_name(revision, 40)}--bigcodebench{extra}-{split}--{_BACKENDS.get(loader, as_name(loader, 30))}"
        + f"-{shown}-{n_samples}"
        + "-sanitized_calibrated"
    )


def without_ending(samples: Path) -> str:
    """The name of a samples file without ``.jsonl`` and ``.jsonl.gz``."""
    return samples.name.removesuffix(".gz").removesuffix(".jsonl")


def beside(samples: Path, name: str) -> Path:
    """A file that belongs to samples: in a folder of samples, or beside a file as ``<samples>_<name>``."""
    return samples / name if samples.is_dir() else samples.with_name(f"{without_ending(samples)}_{name}")


@dataclass(frozen=True)
class ResultFiles:
    """The results of a samples file, with the official evaluator's names."""

    eval_results: Path
    pass_at_k: Path

    @classmethod
    def of(cls, samples: Path) -> ResultFiles:
        """Beside a samples file, or in a folder of samples."""
        return cls(beside(samples, EVAL_RESULTS), beside(samples, _PASS_AT_K))

    @property
    def paths(self) -> tuple[Path, Path]:
        return self.eval_results, self.pass_at_k


def model_name(samples: Path) -> str:
    """The model, as the official evaluator takes it from the file's name."""
    return samples.name.split("--bigcodebench-")[0]


# -- results ---------------------------------------------------------------------------------------------


def write_results(
    samples: Path,
    records: Mapping[str, Sequence[SampleRecord]],
    tasks: Mapping[str, Mapping[str, str]],
    run: RunRecord,
    *,
    date: datetime,
    ks: Iterable[int] = KS,
) -> dict[str, float]:
    """Write both files of results beside a samples file or in its folder (`ResultFiles`).

    Args:
        samples: the file or folder.
        records: task_id to those of its executed samples.
        tasks: task_id to row of the dataset.
        run: what the scores depend on.
        date: when the samples were executed.
        ks: each k of pass@k that every task has samples for.

    Returns:
        {"pass@k": mean over tasks}

    Raises:
        OutputError: a file cannot be written.
    """
    files = ResultFiles.of(samples)
    scores = mean_pass_at_k([[record.passed for record in each] for each in records.values()], ks)
    write_json(files.eval_results, eval_results(records, tasks, run, date))
    content = pass_at_k(
        scores,
        model=model_name(samples),
        split=run.split,
        subset=run.subset,
        calibrated=run.options.calibrated,
        ground_truth=run.ground_truth,
    )
    write_json(files.pass_at_k, content)
    return scores


def eval_results(
    records: Mapping[str, Sequence[SampleRecord]],
    tasks: Mapping[str, Mapping[str, str]],
    run: RunRecord,
    date: datetime,
) -> dict[str, Any]:
    """Content of ``_eval_results.json``: the official keys, and more, which official code ignores.

    Each sample has the official "task_id", "solution" (the executed program), "status" and "details", and the other
    fields of its record; `RUN_KEY` is beside "eval".

    Args:
        records: task_id to those of its executed samples.
        tasks: task_id to row of the dataset.
        run: what the scores depend on.
        date: when the samples were executed.
    """

    def content(task_id: str, record: SampleRecord) -> dict[str, Any]:
        program = record.solution
        if run.options.calibrated:
            program = calibrate(program, tasks[task_id]["code_prompt"])
        official = {"task_id": task_id, "solution": program, "status": record.status, "details": record.details}
        more = record.to_dict()
        names = ["reason", "seconds", "tests_run", *(name for name in ("raw_solution", "diagnosis") if more[name])]
        return {**official, **{name: more[name] for name in names}}

    return {
        "date": date.strftime(_DATE),
        "eval": {task_id: [content(task_id, record) for record in each] for task_id, each in records.items()},
        RUN_KEY: run.to_dict(),
    }


def pass_at_k(
    scores: Mapping[str, float],
    *,
    model: str,
    split: str,
    subset: str,
    calibrated: bool,
    ground_truth: GroundTruthRate | None,
) -> dict[str, Any]:
    """Content of ``_pass_at_k.json``; without ground truth its pass rate is null (the official tool says 0)."""
    return {
        **scores,
        "model": model,
        "split": split,
        "subset": subset,
        "calibrated": calibrated,
        "gt_pass_rate": None if ground_truth is None else ground_truth.pass_rate,
        "failed_tasks": [] if ground_truth is None else list(ground_truth.failed),
    }


class _OfficialSample(msgspec.Struct):
    """A sample of an ``_eval_results.json``; files of the official evaluator end with `details`."""

    solution: str
    status: Status
    details: dict[str, str] = {}
    reason: str | None = None
    raw_solution: str | None = None
    seconds: float | None = None
    tests_run: int = 0
    diagnosis: str = ""

    def record(self) -> SampleRecord:
        reason = self.reason or _reason(self.status, self.details)
        verdict = Verdict(self.status, reason, self.details, self.seconds or 0.0, self.tests_run)
        return SampleRecord(self.solution, self.raw_solution, verdict, self.diagnosis)


def _reason(status: Status, details: Mapping[str, str]) -> Reason:
    """The reason of a verdict of the official evaluator, which writes only status and details."""
    if status != "fail":
        return Reason.PASSED if status == "pass" else Reason.TIMEOUT
    if "ALL" in details:  # not a test's name: the program raised an exception before its tests
        return Reason.DID_NOT_LOAD
    failed_only = details and all(exception_line(text).startswith("AssertionError") for text in details.values())
    return Reason.ASSERTION if failed_only else Reason.ERROR


class _EvalResults(msgspec.Struct):
    """An ``_eval_results.json``."""

    date: str
    eval: dict[str, list[_OfficialSample]]
    run: dict[str, Any] | None = msgspec.field(default=None, name=RUN_KEY)


class _Scores(msgspec.Struct):
    """A ``_pass_at_k.json``; early versions of the official evaluator wrote fewer fields."""

    model: str | None = None
    split: str | None = None
    subset: str | None = None


def read_evaluation(file: Path) -> Evaluation:
    """The evaluation in an ``_eval_results.json``, without the dataset's rows (`Evaluation.with_tasks`).

    Raises:
        OutputError: the file is broken or empty, or its model, split and subset are unknown.
    """
    what = "results of the official evaluator"
    content = read(file, _EvalResults, what)
    try:
        date = datetime.strptime(content.date, _DATE)
        run = None if content.run is None else RunRecord.from_dict(content.run)
    except BROKEN as error:
        raise OutputError(f"{file} cannot be read as {what}: {error!r}") from error
    samples = {task_id: [each.record() for each in several] for task_id, several in content.eval.items() if several}
    if not samples:
        raise OutputError(f"{file} holds no sample")
    model, split, subset = _identity(file)
    return Evaluation(model, split, subset, file, date, samples, run=run, holds_programs=True)


def _identity(file: Path) -> tuple[str, str, str]:
    """Model, split and subset: each from ``_pass_at_k.json`` beside it, or from the official name."""
    match = _NAME.match(file.name)
    name = match.groupdict() if match else {}
    if file.name.endswith(_HARD_RESULTS):
        name["subset"] = "hard"
    scores_file = file.with_name(file.name.replace(EVAL_RESULTS, _PASS_AT_K))
    try:
        scores = read(scores_file, _Scores, "scores of the official evaluator")
    except OutputError:
        scores = _Scores()
    model, split = name.get("model") or scores.model, scores.split or name.get("split")
    subset = scores.subset or name.get("subset") or ("full" if match else None)
    if not (model and split and subset):
        raise OutputError(
            f"{file}: neither its name (<model>--<revision>--bigcodebench[-hard]-<split>--...) nor "
            f"{scores_file.name} beside it says which model, split and subset it is"
        )
    if split not in SPLITS or subset not in (*SUBSETS, CUSTOM):
        raise OutputError(f"{scores_file}: unknown split {split!r} or subset {subset!r}")
    return model.removesuffix("--main").replace("--", "/"), split, subset
