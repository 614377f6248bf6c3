"""The bundled public figures: what they hold, and the claims of BigCodeBench-Hard's announcement that they bear out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from scipy import stats

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.leaderboard.published import (
    NEWEST,
    STATES,
    find,
    of_like_size,
    published_models,
    size_in,
    solve_rates,
    solved_by,
)
from tests.helpers.project import ROOT

ANNOUNCED = STATES[0]
DATA = ROOT / "bigcodebench_tasks" / "data"


def percent(name: str, subset: str, split: str) -> float:
    score = find(name, ANNOUNCED).score(subset, split)
    assert score is not None
    return 100 * score


def gain(new: str, old: str, subset: str, split: str) -> float:
    """By how many percent of the old score the new one is higher, with one decimal."""
    before = percent(old, subset, split)
    return round(100 * (percent(new, subset, split) - before) / before, 1)


def test_the_files_are_small_and_say_where_their_figures_come_from() -> None:
    files = sorted(DATA.glob("published_*.jsonl"))
    assert [file.name for file in files] == ["published_models.jsonl", "published_solve_rates.jsonl"]
    assert sum(file.stat().st_size for file in files) < 100_000
    for file in files:
        head = json.loads(file.read_text().splitlines()[0])
        assert head["source"].startswith("https://github.com/bigcode-bench/")
        assert head.get("commit") or set(head["commits"]) == set(STATES)


def test_they_are_the_figures_that_they_were_made_from(shared: Path) -> None:
    for as_of in STATES:
        lines = (shared / "data" / f"leaderboard_{as_of}.jsonl").read_text().splitlines()
        rows = {row["model"]: row for row in map(json.loads, lines)}
        assert {model.name for model in published_models(as_of)} == set(rows)
        for model in published_models(as_of):
            row = rows[model.name]
            assert (model.size, model.date, model.prefilled) == (row["size_b"], row["date"], row["prefill"])
            for subset in ("full", "hard"):
                for split in ("complete", "instruct"):
                    score = model.score(subset, split)
                    assert (None if score is None else round(100 * score, 1)) == row[subset][split]
    for line in (shared / "data" / "solve_rates_2024-06-11.jsonl").read_text().splitlines():
        row = json.loads(line)
        for split in ("complete", "instruct"):
            assert round(solve_rates(split)[row["task_id"]], 3) == row[split]


def test_the_announcement_speaks_of_96_models_and_the_newest_state_has_202() -> None:
    assert (len(published_models(ANNOUNCED)), len(published_models(NEWEST))) == (96, 202)


def test_deepseek_v2_chat_gains_109_percent_on_hard_complete_and_15_7_on_instruct() -> None:
    new, old = "DeepSeek-V2-Chat (2024-06-28)", "DeepSeek-V2-Chat"
    assert [percent(name, "hard", "complete") for name in (old, new)] == pytest.approx([15.5, 32.4])
    assert [percent(name, "hard", "instruct") for name in (old, new)] == pytest.approx([21.6, 25.0])
    assert gain(new, old, "hard", "complete") == 109.0
    assert gain(new, old, "hard", "instruct") == 15.7


def test_gemma_2_27b_is_3_7_percent_behind_llama_3_70b_on_full_complete_and_1_8_on_instruct() -> None:
    names = "Gemma-2-27B-Instruct", "Llama-3-70B-Instruct"
    assert gain(*names, "full", "complete") == -3.7
    assert gain(*names, "full", "instruct") == -1.8


def test_the_update_of_phi_3_mini_128k_gains_24_3_percent_on_full_instruct_and_13_8_on_complete() -> None:
    names = "Phi-3-Mini-128K-Instruct (June 2024)", "Phi-3-Mini-128K-Instruct (Old)"
    assert gain(*names, "full", "instruct") == 24.3
    assert gain(*names, "full", "complete") == 13.8


def test_four_models_stand_on_hard_in_an_order_that_full_does_not_give() -> None:
    names = ["GPT-4-Turbo-2024-04-09", "Claude-3.5-Sonnet-20240620", "GPT-4o-2024-05-13", "Gemini-1.5-Pro-API-0514"]

    def by_mean(subset: str) -> list[str]:
        means = {name: find(name, ANNOUNCED).mean(subset) or 0.0 for name in names}
        return sorted(names, key=lambda name: -means[name])

    assert by_mean("hard") == names
    assert by_mean("full") == [names[2], names[0], names[1], names[3]]


@pytest.mark.parametrize(("as_of", "models", "tau"), [(ANNOUNCED, 67, 0.775), (NEWEST, 122, 0.810)])
def test_rankings_on_hard_and_on_full_agree_so_far(as_of: str, models: int, tau: float) -> None:
    means = [(model.mean("hard"), model.mean("full")) for model in published_models(as_of)]
    both = [pair for pair in means if None not in pair]
    assert len(both) == models
    assert stats.kendalltau(*zip(*both, strict=True)).statistic == pytest.approx(tau, abs=0.0005)


def test_all_tasks_of_hard_are_under_half_in_the_pooled_solve_rates_and_not_in_those_of_a_split(shared: Path) -> None:
    lines = gzip.decompress((shared / "data" / "BigCodeBench-Hard-v0.1.4.jsonl.gz").read_bytes()).splitlines()
    hard = [json.loads(line)["task_id"] for line in lines]
    assert (solved_by("complete")[0], solved_by("instruct")[0]) == (60, 35)
    under = {
        splits: sum(solve_rates(*splits)[task_id] < 0.5 for task_id in hard)
        for splits in (("complete", "instruct"), ("complete",), ("instruct",))
    }
    assert under == {("complete", "instruct"): 148, ("complete",): 147, ("instruct",): 143}


def test_a_name_is_found_in_any_case_and_an_unknown_one_gets_near_misses() -> None:
    assert find("deepseek-v2-chat").name == "DeepSeek-V2-Chat"
    with pytest.raises(OptionError, match=r"Did you mean: DeepSeek-V2-Chat"):
        find("DeepSeek-V2-Chta")
    with pytest.raises(OptionError, match=r"Phi-3-Mini-128K-Instruct \(Old\)"):
        find("Phi-3-Mini", ANNOUNCED)
    with pytest.raises(OptionError, match="leaderboard --published"):
        find("")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", 7.0),
        ("mistralai/Mixtral-8x22B-v0.1", 176.0),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 0.135),
        ("deepseek-coder-1.3b-base", 1.3),
        ("Qwen3-30B-A3B", 30.0),
        ("gpt-4o", None),
        ("some/model-128k", None),
    ],
)
def test_a_size_is_read_off_a_models_name(name: str, size: float | None) -> None:
    assert size_in(name) == (None if size is None else pytest.approx(size))


def test_models_of_like_size_differ_by_half_at_most() -> None:
    sizes = [model.size for model in of_like_size(published_models(), 7.0)]
    assert all(size is not None and 7 / 1.5 <= size <= 7 * 1.5 for size in sizes)
    assert len(sizes) > 20
