"""How a run differs from the leaderboard's settings: without a difference its score compares with published ones.

How the model is asked is compared before generation (`harness.generation_settings`), and recorded as
`RunRecord.differs`. The rest is compared here.
"""

from __future__ import annotations

from collections.abc import Iterator

from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION, SHA256, TASKS
from bigcodebench_tasks.execution.speed import OFFICIAL
from bigcodebench_tasks.execution.worker.protocol import Limits
from bigcodebench_tasks.scoring.records import RunRecord

LEADERBOARD = "leaderboard"
"""Name of the settings whose scores are published."""

LOCK = "official"
"""The lock that holds the leaderboard's versions of libraries."""


def differences(run: RunRecord | None, tasks: int, subset: str) -> list[str]:
    """How a run's settings differ from the leaderboard's, each in a few words.

    Args:
        run: the run; None for files of the official evaluator, which record no settings.
        tasks: how many were asked.
        subset: of what.
    """
    of_tasks = [*_of_the_tasks(tasks, subset)]
    if run is None:
        return ["settings not recorded", *of_tasks]
    return [*_of_the_prompt(run), *of_tasks, *_of_the_dataset(run), *_of_the_execution(run)]


def describe(run: RunRecord | None, tasks: int, subset: str) -> str:
    """The settings of a run in a line: "leaderboard", or "not leaderboard: " and its `differences`."""
    different = differences(run, tasks, subset)
    return f"not {LEADERBOARD}: {'; '.join(different)}" if different else LEADERBOARD


def _of_the_prompt(run: RunRecord) -> Iterator[str]:
    if run.prompting is None:
        yield "samples made elsewhere, how is not recorded"
    elif run.prompting != LEADERBOARD:
        yield f"prompting {run.prompting}"
    yield from run.differs


def _of_the_tasks(tasks: int, subset: str) -> Iterator[str]:
    whole = TASKS.get(subset)
    if whole is None:
        yield f"subset {subset}"
    elif tasks < whole:
        yield f"{tasks} of {whole} tasks"


def _of_the_dataset(run: RunRecord) -> Iterator[str]:
    if (version := run.options.version) not in (None, DATASET_VERSION):
        yield f"dataset version {version}"
    elif run.subset in SHA256 and run.dataset_sha256 != SHA256[run.subset]:
        yield f"another dataset than {DATASET_VERSION}"


def _of_the_execution(run: RunRecord) -> Iterator[str]:
    conditions = run.conditions
    if conditions is None:
        yield "not executed"
        return
    if conditions.lock != LOCK:
        yield f"{conditions.lock} lock"
    if conditions.limits.timeout_s != Limits().timeout_s:
        yield f"time limit {conditions.limits.timeout_s:g} s"
    if conditions.speed != OFFICIAL:
        yield f"speed {conditions.speed}"
    if conditions.sandbox.network != "loopback":
        yield "samples can use the internet"
