"""Named settings, so that two numbers can be compared at all, and how a run differs from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION, SHA256, TASKS
from bigcodebench_tasks.execution.speed import OFFICIAL
from bigcodebench_tasks.execution.worker.protocol import Limits
from bigcodebench_tasks.options import LEADERBOARD, Options
from bigcodebench_tasks.scoring.records import RunRecord

LOCK = "official"
"""The lock that holds the leaderboard's versions of libraries."""

TOKENS = 1280
"""The leaderboard's limit of an answer, in tokens."""

TOKEN_LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens", "max_length")
"""What the limit is called, by the harness and by those who know other names; the first that is set counts."""

# Options of the prompt and the solution, and what a run is said to be where one has another value than its default.
_OPTIONS = {
    "direct_completion": "raw prompt in place of the chat template",
    "prefill": "no prefilled turn",
    "calibrated": "not calibrated",
    "strip_newlines": "prompt stripped of newlines",
    "instruction_prefix": "another first line of the question",
    "response_prefix": "another prefilled turn",
}


def differences(run: RunRecord | None, tasks: int, subset: str) -> list[str]:
    """How a run's settings differ from the preset `leaderboard`, each in a few words; empty for a run of the preset.

    Args:
        run: what is known of the run; None where its source says nothing, as files of the official evaluator.
        tasks: how many were asked.
        subset: of what.
    """
    if run is None:
        return ["settings not recorded", *_of_the_tasks(tasks, subset)]
    if run.prompting is None:  # a run of an earlier version, or samples that were made elsewhere
        asked = [*_of_the_question(run), *_of_decoding(run)]
    else:
        asked = list(run.differs)
        if run.prompting != LEADERBOARD:
            asked.insert(0, f"prompting {run.prompting}")
    return [*asked, *_of_the_tasks(tasks, subset), *_of_the_dataset(run), *_of_the_execution(run)]


def named(run: RunRecord | None, tasks: int, subset: str) -> str:
    """The settings of a run in a line: "leaderboard", or "not leaderboard: " and its `differences`."""
    different = differences(run, tasks, subset)
    return f"not {LEADERBOARD}: {'; '.join(different)}" if different else LEADERBOARD


def _of_the_question(run: RunRecord) -> Iterator[str]:
    if run.mode is None:
        yield "samples made elsewhere, how is not recorded"
        return
    defaults = Options()
    for name, words in _OPTIONS.items():
        if run.options.get(name, getattr(defaults, name)) != getattr(defaults, name):
            yield words


def _of_decoding(run: RunRecord) -> Iterator[str]:
    samples = run.options.get("n_samples") or 1
    if samples != 1:
        yield f"{samples} samples a task"
    if run.mode is None:
        return
    if run.generation is None:
        yield "decoding not recorded"
        return
    temperature = float(run.generation.get("temperature") or 0.0)
    if temperature > 0 or run.generation.get("do_sample"):
        yield f"sampled at temperature {temperature or 1.0:g}"
    limit = token_limit(run)
    if limit != TOKENS:
        yield f"token limit {'not recorded' if limit is None else limit}"


def token_limit(run: RunRecord) -> Any:
    """The limit of an answer in tokens; None where it is not known."""
    generation = run.generation or {}
    return next((generation[name] for name in TOKEN_LIMITS if generation.get(name) is not None), None)


def _of_the_tasks(tasks: int, subset: str) -> Iterator[str]:
    whole = TASKS.get(subset)
    if whole is None:
        yield f"subset {subset}"
    elif tasks < whole:
        yield f"{tasks} of {whole} tasks"


def _of_the_dataset(run: RunRecord) -> Iterator[str]:
    if (version := run.options.get("version")) not in (None, DATASET_VERSION):
        yield f"dataset version {version}"
    elif run.subset in SHA256 and run.dataset_sha256 != SHA256[run.subset]:
        yield f"another dataset than {DATASET_VERSION}"


def _of_the_execution(run: RunRecord) -> Iterator[str]:
    conditions = run.conditions or {}
    if (lock := conditions.get("lock")) != LOCK:
        yield f"{lock} lock" if lock else "lock not recorded"
    # What an earlier version recorded holds no limits.
    limit = (conditions.get("limits") or {}).get("timeout_s", Limits().timeout_s)
    if limit != Limits().timeout_s:
        yield f"time limit {limit:g} s"
    if (speed := conditions.get("speed", OFFICIAL)) != OFFICIAL:
        yield f"speed {speed}"
    if (conditions.get("sandbox") or {}).get("network", "loopback") != "loopback":
        yield "programs reach the internet"
