"""What lm-eval does not report about `--metadata`, and what it reports wrongly."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bigcodebench_tasks.harness.workarounds import hide_unequal_counts, metadata_problems

GIVEN = '{"bigcodebench": {"n_samples": 2}}'
METADATA: dict[str, Any] = {"bigcodebench": {"n_samples": 2}, "pretrained": "x"}


def problems(metadata: dict[str, Any], *words: str) -> list[str]:
    return list(metadata_problems(metadata, ["lm_eval", "run", *words]))


def test_words_after_the_json_object_are_named_with_what_to_write() -> None:
    (line,) = problems(METADATA, "--metadata", GIVEN, "max_seq_lengths=[4096]", "--limit", "2")
    assert "ignores 'max_seq_lengths=[4096]'" in line
    assert '{"bigcodebench": {"n_samples": 2}, "max_seq_lengths": "..."}' in line


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--metadata"],
        ["--metadata", GIVEN],
        ["--metadata", GIVEN, "--limit", "2"],
        ["--metadata", "a=1", "b=2"],
        ["--metadata", GIVEN, "pretrained=x"],
    ],
)
def test_words_that_lm_eval_uses_are_no_problem(words: list[str]) -> None:
    assert problems(METADATA, *words) == []


def test_an_option_outside_of_the_key_is_named_with_what_to_write() -> None:
    (line,) = problems({"n_samples": 10})
    assert "n_samples is given outside of 'bigcodebench' and has no effect" in line
    assert """write --metadata '{"bigcodebench": {"n_samples": 10}}'""" in line


def test_unequal_counts_are_hidden_for_tasks_with_domains_only(caplog: pytest.LogCaptureFixture) -> None:
    hide_unequal_counts("with_domains")
    log = logging.getLogger("lm_eval.evaluator_utils")
    for name in ("with_domains", "another"):
        log.warning("[%s] Metrics were not scored on the same number of documents (...)", name)
    log.warning("[with_domains] No aggregation function defined for metric x. Using mean.")
    assert [record.getMessage().partition("]")[0] for record in caplog.records] == ["[another", "[with_domains"]
