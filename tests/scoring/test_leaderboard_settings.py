"""How a run differs from the settings whose scores are published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.dataset_version import DATASET_VERSION, TASKS
from bigcodebench_tasks.execution.conditions import Limits, Sandbox
from bigcodebench_tasks.scoring.leaderboard_settings import describe, differences
from bigcodebench_tasks.scoring.records import RunRecord
from tests.helpers.records import run_record

RUN = run_record()


def with_options(**options: Any) -> RunRecord:
    return replace(RUN, options=replace(RUN.options, **options))


def under(**conditions: Any) -> RunRecord:
    assert RUN.conditions is not None
    return replace(RUN, conditions=replace(RUN.conditions, **conditions))


def test_the_defaults_are_the_leaderboards_settings() -> None:
    assert differences(RUN, TASKS["hard"], "hard") == []
    assert describe(RUN, TASKS["hard"], "hard") == "leaderboard"


@pytest.mark.parametrize("options", [{"workers": 1, "sandbox": "none", "cache": False, "domains": True}])
def test_what_changes_no_score_is_no_difference(options: Mapping[str, Any]) -> None:
    assert differences(with_options(**options), TASKS["hard"], "hard") == []


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (with_options(version="v0.1.2"), "dataset version v0.1.2"),
        (replace(RUN, mode=None, prompting=None), "samples made elsewhere, how is not recorded"),
        (replace(RUN, dataset_sha256="0" * 64), f"another dataset than {DATASET_VERSION}"),
        (under(lock="current"), "current lock"),
        (under(limits=Limits(timeout_s=60.0)), "time limit 60 s"),
        (under(sandbox=Sandbox("landlock", "host")), "samples can use the internet"),
        (under(speed="fast"), "speed fast"),
        (None, "settings not recorded"),
    ],
)
def test_a_difference_is_named(run: RunRecord | None, words: str) -> None:
    assert differences(run, TASKS["hard"], "hard") == [words]
    assert describe(run, TASKS["hard"], "hard") == f"not leaderboard: {words}"


def test_a_run_of_some_tasks_is_named_with_their_number() -> None:
    assert differences(RUN, 40, "hard") == ["40 of 148 tasks"]
    assert differences(None, 40, "hard") == ["settings not recorded", "40 of 148 tasks"]
    assert differences(RUN, 148, "custom")[0] == "subset custom"


def test_how_the_model_was_asked_is_taken_from_the_record() -> None:
    reasoning = replace(RUN, prompting="reasoning", differs=["reasoning: enable_thinking=True", "max_gen_toks: 32768"])
    assert describe(reasoning, TASKS["hard"], "hard") == (
        "not leaderboard: prompting reasoning; reasoning: enable_thinking=True; max_gen_toks: 32768"
    )


def test_decoding_is_kept_with_the_run() -> None:
    assert RunRecord.from_dict(RUN.to_dict()) == RUN
    assert "generation" not in replace(RUN, generation=None).to_dict()
