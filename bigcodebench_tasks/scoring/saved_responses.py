"""A model's responses on disk: if anything fails after generation, they can be scored later.

The harness writes its files at the very end, and no task learns whether it could. So the responses are saved in the
cache folder as soon as the model is done, and removed when they are a week old.
"""

from __future__ import annotations

import logging
import shlex
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bigcodebench_tasks.benchmark.dataset import subset_of
from bigcodebench_tasks.errors import BigCodeBenchError, printable
from bigcodebench_tasks.files import as_name, cache_folder, others_who_may_write, write_jsonl
from bigcodebench_tasks.options import Options

log = logging.getLogger("bigcodebench_tasks")

KEPT_DAYS = 7


class SavedResponses:
    """The responses to one task, in a file of samples that ``bigcodebench-tasks evaluate`` takes."""

    def __init__(self, task_name: str, responses: Sequence[tuple[str, str]], evaluate: Sequence[str]) -> None:
        """Save them; if that fails, log a warning.

        Args:
            task_name: of the harness's task.
            responses: task_id and text of each sample.
            evaluate: options of ``bigcodebench-tasks evaluate`` (`evaluate_words`).
        """
        self._name, self._responses, self._evaluate = task_name, responses, evaluate
        self._sanitized = False
        self.file: Path | None = None
        try:
            self.file = _new_file(task_name)
        except (BigCodeBenchError, OSError) as error:
            log.warning("[%s] the responses cannot be saved: %s", task_name, error)
        if self._write([text for _, text in responses]):
            log.info("[%s] responses are saved in %s for %d days", task_name, self.file, KEPT_DAYS)

    def add_solutions(self, solutions: Sequence[str]) -> None:
        """Save the sanitized solutions too."""
        self._sanitized = self._write(solutions)

    def _write(self, solutions: Sequence[str]) -> bool:
        if self.file is None:
            return False
        try:
            write_jsonl(
                self.file,
                [
                    {"task_id": task_id, "solution": solution, "raw_solution": text}
                    for (task_id, text), solution in zip(self._responses, solutions, strict=True)
                ],
            )
        except (BigCodeBenchError, OSError) as error:
            log.warning("[%s] the responses cannot be saved: %s", self._name, error)
            self.file = None
        return self.file is not None

    def command(self) -> str:
        """The command that scores them."""
        file = str(self.file)
        if self._sanitized:
            return shlex.join(["bigcodebench-tasks", "evaluate", file, *self._evaluate])
        # Of these options only --subset and --dataset-version matter to `sanitize`.
        pairs = zip(self._evaluate, self._evaluate[1:], strict=False)
        dataset = [word for pair in pairs if pair[0] in ("--subset", "--dataset-version") for word in pair]
        sanitized = f"{file.removesuffix('.jsonl')}-sanitized.jsonl"
        first = shlex.join(["bigcodebench-tasks", "sanitize", file, *dataset])
        return f"{first} && {shlex.join(['bigcodebench-tasks', 'evaluate', sanitized, *self._evaluate])}"


def report_failure(error: BaseException, saved: Sequence[SavedResponses]) -> None:
    """Log where the responses are and the commands that score them, after scoring failed or was interrupted."""
    commands = [each.command() for each in saved if each.file is not None]
    if commands:
        log.error(
            "scoring failed (%s: %s). The model's responses are saved. After fixing the cause, score them with\n  %s",
            type(error).__name__,
            printable(str(error))[:300],
            "\n  ".join(commands),
        )


def evaluate_words(split: str, dataset_path: str, options: Options) -> list[str]:
    """The options of ``bigcodebench-tasks evaluate`` that score samples as the task would have.

    Args:
        split: "complete" or "instruct".
        dataset_path: of the task.
        options: of the task.
    """
    words = ["--split", split, "--subset", subset_of(dataset_path)]
    named = {"version": "dataset-version", "sandbox": "sandbox", "workers": "workers", "cluster": "cluster"}
    for name, argument in named.items():
        value = getattr(options, name)
        words += [f"--{argument}", str(value)] if value else []
    words += ["--network", options.network] if options.network != "loopback" else []
    words += ["--speed", options.speed] if options.speed != "official" else []
    words += [] if options.calibrated else ["--no-calibrated"]
    words += [] if options.cache else ["--no-cache"]
    return words + ([] if options.ground_truth == "check" else ["--ground-truth", "skip"])


def _new_file(task_name: str) -> Path:
    """A name in the folder of responses, from which old files are removed. Raises OSError, OptionError."""
    folder = cache_folder() / "responses"
    folder.mkdir(parents=True, exist_ok=True)
    if why := others_who_may_write(folder):
        raise PermissionError(why)
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for file in folder.iterdir():
        if file.stat().st_mtime < oldest:
            file.unlink()
    return folder / f"{as_name(task_name)}-{datetime.now():%Y-%m-%dT%H-%M-%S}-{uuid.uuid4().hex[:8]}.jsonl"
