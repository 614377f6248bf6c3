"""``compare`` with published models: the announcement's claims, and no test that totals do not allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.leaderboard.comparison import unpaired
from bigcodebench_tasks.scoring.intervals import Estimate, mean_interval
from tests.helpers.made import official_results
from tests.helpers.official_files import statuses

ANNOUNCED = ["--as-of", "2024-07-18"]


def compared(capsys: pytest.CaptureFixture[str], *words: str) -> dict[tuple[str, str], Any]:
    """(subset, split) to the only pair's difference."""
    assert main(["compare", *words, "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)["published"]
    return {(each["subset"], each["split"]): each["pairs"][0] for each in content}


@pytest.mark.parametrize(
    ("first", "second", "relative"),
    [
        (
            "DeepSeek-V2-Chat (2024-06-28)",
            "DeepSeek-V2-Chat",
            {("hard", "complete"): 109.0, ("hard", "instruct"): 15.7},
        ),
        (
            "Gemma-2-27B-Instruct",
            "Llama-3-70B-Instruct",
            {("full", "complete"): -3.7, ("full", "instruct"): -1.8},
        ),
        (
            "Phi-3-Mini-128K-Instruct (June 2024)",
            "Phi-3-Mini-128K-Instruct (Old)",
            {("full", "complete"): 13.8, ("full", "instruct"): 24.3},
        ),
    ],
)
def test_a_claim_of_the_announcement_is_what_the_command_says(
    first: str, second: str, relative: dict[tuple[str, str], float], capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(capsys, f"published:{first}", f"published:{second}", *ANNOUNCED)
    assert {key: round(100 * found[key]["relative"], 1) for key in relative} == relative


def test_ones_own_run_stands_beside_a_published_model_without_a_paired_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    official_results(tmp_path / "out", "mine", statuses("1" * 37 + "0" * 111), subset="hard")
    page = tmp_path / "page.html"
    assert main(["compare", str(tmp_path / "out"), "published:deepseek-v2-chat", "--html", str(page)]) == 0
    said = capsys.readouterr().out
    assert "DeepSeek-V2-Chat - mine" in said
    assert "no paired test is possible" in said
    assert "McNemar" not in said
    assert "mine: settings not leaderboard: settings not recorded" in said
    assert "no paired test is possible" in page.read_text()


def test_two_runs_of_ones_own_are_still_compared_task_by_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model, text in (("a", "110"), ("b", "100")):
        official_results(tmp_path, model, statuses(text), subset="hard")
    assert main(["compare", str(tmp_path), "published:GPT-4-0613", "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [(pair["first"], pair["second"]) for pair in content["comparisons"][0]["pairs"]] == [("a", "b")]
    pairs = [(pair["first"], pair["second"]) for pair in content["published"][0]["pairs"]]
    assert pairs == [("GPT-4-0613", "a"), ("GPT-4-0613", "b")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["published:DeepSeek-V2-Chta", "published:GPT-4-0613"], "Did you mean: DeepSeek-V2-Chat"),
        (["published:GPT-4-0613"], "no two of GPT-4-0613"),
        (["published:"], "see bigcodebench-tasks leaderboard --published"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_message(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *words]) == 2
    assert says in capsys.readouterr().err


def test_the_unpaired_interval_is_newcombes() -> None:
    # The example of his paper (1998): 56 of 70 against 48 of 80, method 10 gives 0.0524 to 0.3339.
    scores = [
        Estimate(solved / tasks, *mean_interval([1.0] * solved + [0.0] * (tasks - solved)), tasks)
        for solved, tasks in ((56, 70), (48, 80))
    ]
    pair = unpaired(*scores)
    assert [pair.low, pair.high] == pytest.approx([0.0524, 0.3339], abs=1e-4)
    assert pair.relative == pytest.approx(1 / 3)
    nothing = Estimate(0.0, 0.0, 0.1, 10)
    assert unpaired(scores[0], nothing).relative is None
