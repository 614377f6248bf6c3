"""A model's answers on disk while they are scored: whatever fails behind the model, they can be scored later.

The harness writes its files when everything is done, so without this an error in the scoring of one task would cost the
answers to all. They lie in the cache folder, as samples that ``bigcodebench-tasks evaluate`` takes, from the model's
last answer until this process ends well or begins another run.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import shlex
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bigcodebench_tasks.benchmark.dataset import SUBSETS
from bigcodebench_tasks.errors import BigCodeBenchError, printable
from bigcodebench_tasks.files import as_name, cache_folder, write_jsonl
from bigcodebench_tasks.options import Options

log = logging.getLogger("lm_eval.bigcodebench")

Row = Mapping[str, str]
"""A line of samples: ``task_id``, ``solution`` and ``raw_solution``."""


@dataclass
class _Run:
    """The tasks that the harness asks together: the answers to one are needed until the harness has written all.

    Attributes:
        begun: a task of it is being scored, or was.
        files: with the answers of the tasks that are scored, or being scored.
    """

    begun: bool = False
    files: list[Path] = field(default_factory=list)


_run = _Run()


def expect() -> None:
    """A task will be scored in this process, once the model is done; its requests were built."""
    global _run
    if _run.begun:  # by now its caller has what it returned, or has met its error
        _remove(_run.files)
        _run = _Run()


@atexit.register
def _at_exit() -> None:
    """Remove the answers of a run that ended well; after an error behind the scoring say where they are."""
    if getattr(sys, "last_value", None) is None:
        _remove(_run.files)
    elif _run.files:
        log.error("the model's answers are still in %s", ", ".join(map(str, _run.files)))


def _remove(files: list[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()
    files.clear()


@contextlib.contextmanager
def kept(
    name: str,
    raw: Sequence[tuple[str, str]],
    solutions: Callable[[], Sequence[str]],
    options: Sequence[str],
) -> Iterator[None]:
    """Keep the answers to a task while it is scored; if that fails, or is interrupted, say where they are.

    Where they cannot be written a warning says so, and the scoring goes on.

    Args:
        name: of the task, for people.
        raw: task_id and answer of each sample.
        solutions: makes the sanitized solution of each of them; called if the scoring fails.
        options: of ``bigcodebench-tasks evaluate``, as words, that score the samples as this run would have.
    """
    run = _run
    run.begun = True
    file = _write(name, raw)
    if file is not None:
        run.files.append(file)
    try:
        yield
    except BaseException as error:
        if file is not None:
            _say(name, error, file, raw, solutions, options)
        run.files.clear()  # those of the other tasks too: their scores go with the run
        raise


def evaluate_words(split: str, dataset_path: str, options: Options) -> list[str]:
    """The options of ``bigcodebench-tasks evaluate`` that score samples as the task would have, as words.

    Args:
        split: "complete" or "instruct".
        dataset_path: of the task.
        options: of the task.
    """
    subsets = {path: subset for subset, path in SUBSETS.items()}
    words = ["--split", split, "--subset", subsets.get(dataset_path, "full")]
    words += ["--dataset-version", options.version] if options.version else []
    for name in ("sandbox", "workers", "cluster"):
        value = getattr(options, name)
        words += [f"--{name}", str(value)] if value else []
    words += ["--network", options.network] if options.network != "loopback" else []
    words += ["--speed", options.speed] if options.speed != "official" else []
    words += [] if options.calibrated else ["--no-calibrated"]
    words += [] if options.cache else ["--no-cache"]
    return words + ([] if options.ground_truth == "check" else ["--ground-truth", "skip"])


def _write(name: str, raw: Sequence[tuple[str, str]]) -> Path | None:
    try:
        stem = f"{as_name(name)}-{datetime.now():%Y-%m-%dT%H-%M-%S}-{uuid.uuid4().hex[:8]}"
        file = cache_folder() / "answers" / f"{stem}.jsonl"
        write_jsonl(file, _rows(raw, [text for _, text in raw]))
    except (BigCodeBenchError, OSError) as error:
        log.warning("[%s] the answers are not kept on disk while they are scored: %s", name, error)
        return None
    return file


def _rows(raw: Sequence[tuple[str, str]], solutions: Sequence[str]) -> list[Row]:
    return [
        {"task_id": task_id, "solution": solution, "raw_solution": text}
        for (task_id, text), solution in zip(raw, solutions, strict=True)
    ]


def _say(
    name: str,
    error: BaseException,
    file: Path,
    raw: Sequence[tuple[str, str]],
    solutions: Callable[[], Sequence[str]],
    options: Sequence[str],
) -> None:
    """Tell the user of the answers, and of the command that scores them."""
    words = shlex.join(["bigcodebench-tasks", "evaluate", str(file), *options])
    try:
        write_jsonl(file, _rows(raw, solutions()))
    except (Exception, KeyboardInterrupt):
        # What is there is as the model gave it. Only `--subset` and `--dataset-version` concern the sanitizer.
        dataset = [
            word for at, word in enumerate(options) if {word, options[at - 1]} & {"--subset", "--dataset-version"}
        ]
        sanitized = str(file.with_name(f"{file.stem}-sanitized.jsonl"))
        words = shlex.join(["bigcodebench-tasks", "sanitize", str(file), *dataset])
        words += " && " + shlex.join(["bigcodebench-tasks", "evaluate", sanitized, *options])
    others = [str(each) for each in _run.files if each != file]
    log.error(
        "[%s] scoring failed (%s: %s). Nothing is lost: the model's %d answers are in %s. Score them, once the cause "
        "is gone, with\n  %s%s",
        name,
        type(error).__name__,
        printable(str(error))[:300],
        len(raw),
        file,
        words,
        f"\nThe answers to tasks that were scored before: {', '.join(others)}" if others else "",
    )
