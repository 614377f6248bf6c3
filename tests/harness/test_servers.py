"""The harness's real loaders of servers against a loopback one that behaves as those that people run."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.diagnosis import CUT, EMPTY, UNFINISHED
from tests.harness.conftest import StartServer
from tests.helpers import harness
from tests.helpers.harness import COMPLETE, INSTRUCT
from tests.helpers.saying_model import STARTS_REASONING, save_tokenizer


def evaluate(
    loader: str, url: str, task: str = INSTRUCT, options: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    """Evaluate with the server at this URL."""
    results: dict[str, Any] = harness.evaluate(
        loader,
        task,
        options={"ground_truth": "skip", **(options or {})},
        model_args={"model": "loopback", "base_url": url, **settings.pop("model_args", {})},
        **{"apply_chat_template": "chat" in loader, **settings},
    )
    return results


def requests(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize("behaviour", ["thought", "thought-closed", "reasoning", "parts"])
def test_reasoning_with_a_longer_wrong_draft_costs_nothing(start_server: StartServer, behaviour: str) -> None:
    url, _ = start_server(behaviour)
    results = evaluate("local-chat-completions", f"{url}/chat/completions")
    assert results["results"][INSTRUCT]["pass@1,execute"] == 1.0
    run = harness.run_of(results, INSTRUCT)
    assert run["responses"]["diagnoses"] == {}
    assert run["responses"]["reasoning"] == (16 if "thought" in behaviour else 0)


@pytest.mark.parametrize("loader", ["openai-chat-completions", "anthropic-chat"])
def test_reasoning_is_removed_with_other_loaders_of_chats_too(start_server: StartServer, loader: str) -> None:
    url, log = start_server("thought", "four-stops")
    path = "messages" if "anthropic" in loader else "chat/completions"
    results = evaluate(loader, f"{url}/{path}", limit=4)
    assert results["results"][INSTRUCT]["pass@1,execute"] == 1.0
    assert len(requests(log)) == 4


def test_a_server_of_completions_is_not_stopped_in_its_reasoning(start_server: StartServer) -> None:
    url, log = start_server("thought-closed", "four-stops", "stops")
    model = {"tokenizer_backend": None, "tokenized_requests": False}
    results = evaluate(
        "local-completions", f"{url}/completions", COMPLETE, {"reasoning": "on"}, model_args=model, limit=4
    )
    assert results["results"][COMPLETE]["pass@1,execute"] == 1.0
    assert all(each["stop"] == ["<|endoftext|>"] for each in requests(log))
    assert harness.run_of(results, COMPLETE)["prompting"] == "reasoning"


def test_completions_that_start_with_reasoning_score_without_an_option(start_server: StartServer) -> None:
    url, _ = start_server("thought")
    model = {"tokenizer_backend": None, "tokenized_requests": False}
    results = evaluate("local-completions", f"{url}/completions", COMPLETE, model_args=model)
    assert results["results"][COMPLETE]["pass@1,execute"] == 1.0
    assert harness.run_of(results, COMPLETE)["responses"]["reasoning"] == 16


def test_completions_that_a_server_stops_in_their_reasoning_are_warned_of(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    url, _ = start_server("thought", "stops")
    model = {"tokenizer_backend": None, "tokenized_requests": False}
    results = evaluate("local-completions", f"{url}/completions", COMPLETE, model_args=model, limit=4)
    assert harness.run_of(results, COMPLETE)["responses"]["diagnoses"] == {UNFINISHED: 4}
    assert "100% of the responses (4 of 4) are reasoning that never ended" in caplog.text
    assert 'if stop strings ended them, add the option "reasoning": "on"' in caplog.text


@pytest.mark.torch  # and with it transformers, for a tokenizer
def test_a_server_of_completions_whose_chat_template_starts_reasoning_scores_without_an_option(
    start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer", ["a text"], STARTS_REASONING)
    monkeypatch.setenv("TOKENIZER", str(tmp_path / "tokenizer" / "tokenizer.json"))  # for the server
    url, log = start_server("thought-closed", "four-stops", "stops")
    model = {"tokenizer": str(tmp_path / "tokenizer"), "max_length": 20_000}
    results = evaluate("local-completions", f"{url}/completions", COMPLETE, model_args=model, apply_chat_template=True)
    assert results["results"][COMPLETE]["pass@1,execute"] == 1.0
    run = harness.run_of(results, COMPLETE)
    assert (run["mode"], run["prompting"], run["responses"]["reasoning"]) == ("chat", "reasoning", 16)
    assert all(each["stop"] == ["<|endoftext|>"] for each in requests(log))
    assert all(tokenizer.decode(each["prompt"][0]).endswith("assistant\n<think>\n") for each in requests(log))


def test_a_server_of_completions_gets_no_more_stop_strings_than_it_takes(start_server: StartServer) -> None:
    url, log = start_server("four-stops")
    model = {"tokenizer_backend": None, "tokenized_requests": False}
    results = evaluate("local-completions", f"{url}/completions", COMPLETE, model_args=model, limit=4)
    assert results["results"][COMPLETE]["pass@1,execute"] == 1.0
    assert all("\ndef " in each["stop"] for each in requests(log))


def test_null_and_refused_responses_are_counted_and_warned_of(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    url, _ = start_server("null")
    results = evaluate("local-chat-completions", f"{url}/chat/completions", predict_only=True)
    assert harness.run_of(results, INSTRUCT)["responses"]["diagnoses"] == {EMPTY: 8}
    assert "50% of the responses (8 of 16) are empty" in caplog.text


def test_a_refusal_is_an_empty_response(start_server: StartServer) -> None:
    url, _ = start_server("refusal")
    results = evaluate("local-chat-completions", f"{url}/chat/completions", predict_only=True, limit=2)
    assert harness.run_of(results, INSTRUCT)["responses"]["diagnoses"] == {EMPTY: 2}


def test_responses_that_are_cut_are_counted_and_warned_of_in_one_line(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    url, _ = start_server("length")
    with caplog.at_level(logging.WARNING):
        results = evaluate("local-chat-completions", f"{url}/chat/completions", gen_kwargs="max_gen_toks=20")
    stats = harness.run_of(results, INSTRUCT)["responses"]
    assert stats["limit"] == 20
    cut = stats["diagnoses"][CUT]
    assert cut > 8
    (line,) = [record.message for record in caplog.records if "cut at 20 tokens" in record.message]
    assert f"({cut} of 16)" in line
    assert "--gen_kwargs max_gen_toks=" in line


def test_half_of_a_surrogate_pair_is_kept_escaped_and_everything_can_be_written(start_server: StartServer) -> None:
    url, _ = start_server("surrogate")
    results = evaluate("local-chat-completions", f"{url}/chat/completions", predict_only=True, limit=2)
    for sample in results["samples"][INSTRUCT]:
        (logged,) = sample["filtered_resps"][0]
        for text in (logged, str(sample["resps"])):
            text.encode("utf-8")
        assert logged.record.response.endswith("\\ud83d")


def test_a_busy_server_is_asked_again(start_server: StartServer) -> None:
    url, log = start_server("busy")
    results = evaluate("local-chat-completions", f"{url}/chat/completions", predict_only=True, limit=1)
    assert harness.run_of(results, INSTRUCT)["responses"]["diagnoses"] == {}
    assert len(requests(log)) == 3


@pytest.mark.parametrize(
    ("given", "of_model"),
    [
        ({"max_gen_toks": 77}, {}),
        ({"max_new_tokens": 77}, {}),
        ({"max_tokens": 77}, {}),
        ({"max_completion_tokens": 77}, {}),
        ({"max_length": 77}, {}),
        ({}, {"max_gen_toks": 77}),
    ],
)
def test_every_name_of_the_limit_means_the_limit(
    start_server: StartServer, given: dict[str, int], of_model: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    url, log = start_server()
    with caplog.at_level(logging.INFO):
        evaluate(
            "local-chat-completions",
            f"{url}/chat/completions",
            gen_kwargs=given or None,
            model_args=of_model,
            predict_only=True,
            limit=1,
        )
    (request,) = requests(log)
    assert request["max_tokens"] == 77
    assert not {"max_gen_toks", "max_new_tokens", "max_completion_tokens", "max_length"} & request.keys()
    assert "responses have at most 77 tokens" in caplog.text


def test_samples_are_asked_with_seeds_of_their_own_and_a_cache_serves_them_again(
    start_server: StartServer, tmp_path: Path
) -> None:
    url, log = start_server("seeded")
    settings: dict[str, Any] = {
        "options": {"n_samples": 10},
        "gen_kwargs": "do_sample=True,temperature=0.8",
        "use_cache": str(tmp_path / "responses"),
    }
    results = evaluate("local-chat-completions", f"{url}/chat/completions", **settings)
    scores = results["results"][INSTRUCT]
    assert scores["pass@1,execute"] < scores["pass@5,execute"] < scores["pass@10,execute"]
    seeds = [request["seed"] for request in requests(log)]
    assert sorted(set(seeds)) == list(range(1234, 1244))
    assert len(seeds) == 160
    assert harness.run_of(results, INSTRUCT)["seeds"]["generation"] == list(range(1234, 1244))
    assert [len(sample["filtered_resps"]) for sample in results["samples"][INSTRUCT]] == [10] * 16
    again = evaluate("local-chat-completions", f"{url}/chat/completions", **settings)
    assert len(requests(log)) == 160
    assert again["results"] == results["results"]


def test_equal_samples_are_warned_of(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    url, _ = start_server()
    settings: dict[str, Any] = {"gen_kwargs": "do_sample=True,temperature=0.8", "limit": 2, "predict_only": True}
    evaluate("local-chat-completions", f"{url}/chat/completions", options={"n_samples": 3}, **settings)
    assert "all 3 samples are the same for 2 of 2 tasks" in caplog.text


def test_what_a_server_answered_before_it_failed_is_not_asked_again(start_server: StartServer, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"use_cache": str(tmp_path / "responses"), "predict_only": True}
    url, log = start_server("drop")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        evaluate("local-chat-completions", f"{url}/chat/completions", model_args={"max_retries": 1}, **settings)
    log.unlink()
    other, log = start_server()
    results = evaluate("local-chat-completions", f"{other}/chat/completions", **settings)
    assert len(requests(log)) == 8
    assert harness.run_of(results, INSTRUCT)["responses"]["samples"] == 16
