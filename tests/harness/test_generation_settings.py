"""How a model is asked beside its prompt follows from its loader, the options and the generation arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.prompts import Mode
from bigcodebench_tasks.errors import OptionError, PromptError
from bigcodebench_tasks.harness.generation_settings import GenerationSettings, prompts_start_reasoning
from bigcodebench_tasks.harness.loader import Loader
from bigcodebench_tasks.options import Options

BASE = ["</s>", "\nprint("]
DIRECT = ["\ndef "]
END = ["<|endoftext|>"]
TASK = {"until": BASE, "max_gen_toks": 1280}
CODE = "```python\ndef task_func():\n    return 1\n```\n"


class Local:
    """A local loader with a chat template."""

    def __init__(self, opens: str = "", **attributes: object) -> None:
        self.opens = opens
        self.__dict__.update(attributes)

    def apply_chat_template(self, turns: Sequence[dict[str, str]]) -> str:
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in turns) + "<assistant>" + self.opens

    def tok_encode(self, text: str) -> list[int]:
        return [len(word) for word in text.split()]


class Server:
    """A loader of a chat server."""

    base_url = "http://somewhere"

    def apply_chat_template(self, turns: Sequence[dict[str, str]]) -> object:
        return ("json", turns)

    def tok_encode(self, text: str) -> str:
        return text


def asking(
    options: dict[str, Any] | None = None,
    *,
    model: Any = None,
    mode: Mode = "chat",
    generation: dict[str, Any] | None = None,
    **arguments: Any,
) -> GenerationSettings:
    template: Callable[..., Any] | None = None if model is None else model.apply_chat_template
    loader = Loader(arguments, template)
    given = {**TASK, **(generation or {})}
    return GenerationSettings.resolve(
        "complete",
        mode,
        Options.resolve(options),
        loader,
        given,
        base=BASE,
        direct=DIRECT,
        default_limit=1280,
        prefill_requested=(options or {}).get("prefill") is True,
    )


def test_a_model_that_does_not_reason_is_asked_as_on_the_leaderboard() -> None:
    plain = asking(model=Local())
    assert plain.reasoning == ""
    assert plain.arguments() == TASK
    assert plain.prompting() == ("leaderboard", [])
    assert asking(mode="direct").arguments()["until"] == [*BASE, *DIRECT]
    assert plain.options.prefill


@pytest.mark.parametrize(
    ("model", "arguments", "generation"),
    [
        (Local("<think>\n"), {}, {}),
        (Local(), {"enable_thinking": True}, {}),
        (Local(), {"think_end_token": "</think>"}, {}),
        (Local(), {"chat_template_args": {"thinking": True}}, {}),
        (Local(), {"chat_template_args": '{"enable_thinking": true}'}, {}),
        (Local(), {}, {"chat_template_kwargs": {"enable_thinking": True}}),
        (Local(), {}, {"reasoning_effort": "high"}),
        (Local(enable_thinking=True), {}, {}),
        (Local(think_end_token="</think>"), {}, {}),
    ],
)
def test_a_model_that_reasons_is_recognised(
    model: Local, arguments: dict[str, Any], generation: dict[str, Any]
) -> None:
    settings = asking(model=model, generation=generation, **arguments)
    assert settings.reasoning
    assert not settings.options.prefill
    assert settings.arguments()["until"] == END
    assert settings.stops == tuple(BASE)
    name, differs = settings.prompting()
    assert name == "reasoning"
    assert differs[0].startswith("reasoning: ")
    off = asking({"reasoning": "off"}, model=model, generation=generation, **arguments)
    assert (off.reasoning, off.options.prefill, off.arguments()["until"]) == ("", True, BASE)


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        (Local(), {"enable_thinking": False}),
        (Local("<think>\n\n</think>\n\n"), {}),
        (Local(), {"chat_template_args": "no json"}),
        (Local(), {"reasoning_effort": "none"}),
        (Local(), {"bigcodebench": {"thinking": True}}),
    ],
)
def test_what_does_not_show_reasoning(model: Local, arguments: dict[str, Any]) -> None:
    assert asking(model=model, **arguments).reasoning == ""


def test_the_option_decides_if_nothing_else_shows_it() -> None:
    settings = asking({"reasoning": "on"}, model=Local())
    assert "option" in settings.reasoning
    assert not settings.parser().started_in_prompt


def test_reasoning_that_the_prompt_starts_has_to_end_unless_the_loader_removes_it() -> None:
    assert asking(model=Local("<think>")).parser().started_in_prompt
    assert not asking(model=Local("<think>"), think_end_token="</think>").parser().started_in_prompt
    assert not asking({"reasoning": "off"}, model=Local("<think>")).parser().started_in_prompt


def test_a_prefilled_turn_that_was_asked_for_contradicts_reasoning() -> None:
    for options, model in (({"reasoning": "on"}, Local()), ({}, Local("<think>"))):
        with pytest.raises(OptionError, match=r'Leave "prefill" out .* or add "reasoning": "off"'):
            asking({"prefill": True, **options}, model=model)
    assert asking({"prefill": True, "reasoning": "off"}, model=Local("<think>")).options.prefill


def test_stop_strings_of_the_user_are_told_to_every_loader() -> None:
    assert asking({"reasoning": "on"}, generation={"until": "X"}).arguments()["until"] == ["X"]
    assert asking(mode="direct", base_url="x", generation={"until": ["X"] * 5}).arguments()["until"] == ["X"] * 5


def test_no_stop_strings_means_the_end_of_the_text() -> None:
    assert asking(generation={"until": None}).arguments()["until"] == END


def test_a_server_of_completions_is_told_three_stop_strings_and_the_rest_is_ours() -> None:
    server = asking(mode="direct", base_url="http://somewhere")
    assert server.arguments()["until"] == ["\ndef ", "\nprint("]
    assert server.stops == (*BASE, *DIRECT)
    assert asking(mode="direct", model_="x").arguments()["until"] == [*BASE, *DIRECT]


def test_a_users_limit_wins_whatever_it_is_called() -> None:
    assert asking(generation={"max_new_tokens": 9}).arguments() == {**TASK, "max_gen_toks": 9}
    assert asking(generation={"max_gen_toks": 9, "max_tokens": 7}).limit == 9
    assert asking(max_gen_toks="9").limit == 9
    assert asking(generation={"max_tokens": 7}, max_gen_toks=9).limit == 7
    assert asking(max_length=9).limit == 1280
    assert "max_tokens of --gen_kwargs" in asking(generation={"max_tokens": 7}).limit_name
    with pytest.raises(OptionError, match="max_tokens must be a number"):
        asking(generation={"max_tokens": "many"})


def notes(one: GenerationSettings) -> list[str]:
    return [text for serious, text in one.notes() if serious]


def test_before_generation_a_reasoning_model_with_few_tokens_is_warned_of() -> None:
    (line,) = notes(asking({"reasoning": "on"}))
    assert "at most 1280 tokens" in line
    assert "8192" in line
    assert notes(asking({"reasoning": "on"}, generation={"max_gen_toks": 8192})) == []
    assert notes(asking()) == []


@pytest.mark.parametrize("generation", [{}, {"do_sample": True}, {"temperature": 0}])
def test_several_greedy_samples_are_warned_of(generation: dict[str, Any]) -> None:
    (line,) = notes(asking({"n_samples": 2}, generation=generation))
    assert "decoding is greedy" in line


DRAWN = {"do_sample": True, "temperature": 0.8}


def test_each_sample_of_a_server_has_a_seed_of_its_own() -> None:
    several = {"n_samples": 3}
    requests = asking(several, model=Server(), mode="api", generation=DRAWN).requests()
    assert [each["seed"] for each in requests] == [1234, 1235, 1236]
    assert all("do_sample" not in each and each["top_p"] == 0.95 for each in requests)
    assert [
        each["seed"] for each in asking(several, mode="direct", base_url="x", seed=5, generation=DRAWN).requests()
    ] == [
        5,
        6,
        7,
    ]
    seeded = asking(several, model=Server(), mode="api", generation={**DRAWN, "seed": 9}).requests()
    assert [each["seed"] for each in seeded] == [9, 10, 11]


def test_one_request_is_repeated_where_samples_differ_by_themselves_or_cannot() -> None:
    several = {"n_samples": 3}
    anthropic = type("Anthropic", (Server,), {"anthropic_version": "2023-06-01"})()
    for one in (
        asking(several, model=Local(), generation=DRAWN),
        asking(several, model=Server(), mode="api"),
        asking(several, model=Server(), mode="api", generation={**DRAWN, "seed": None}),
        asking(several, model=anthropic, mode="api", generation=DRAWN),
        asking(model=Server(), mode="api", generation=DRAWN),
    ):
        assert len(one.requests()) == 1


def test_tokens_are_counted_where_the_loader_has_a_tokenizer() -> None:
    count = asking(model=Local()).parser().count
    assert count is not None
    assert count("a b c d") == 4
    assert asking(model=Server(), mode="api").parser().count is None
    assert asking(mode="direct").parser().count is None


def test_a_servers_prompts_start_reasoning_if_most_responses_end_some_that_they_did_not_start() -> None:
    parser = asking(model=Server(), mode="api").parser()
    assert prompts_start_reasoning(parser, ["Hm.\n</think>\n" + CODE, "Hm.\n</think>\n" + CODE, "Hm."])
    assert not prompts_start_reasoning(parser, ["Hm.\n</think>\n" + CODE, CODE, CODE])
    assert not prompts_start_reasoning(parser, [f"<think>Hm.\n</think>\n{CODE}"] * 3)
    assert not prompts_start_reasoning(asking(model=Local()).parser(), ["Hm.\n</think>\n" + CODE])


def test_what_differs_from_the_leaderboard_is_named() -> None:
    name, differs = asking({"n_samples": 2, "strip_newlines": True}, generation=DRAWN).prompting(
        examples="2", system="given"
    )
    assert name == "custom"
    assert differs == [
        "strip_newlines: True",
        "n_samples: 2",
        "temperature: 0.8",
        "examples: 2",
        "system: given",
    ]


@pytest.mark.parametrize(
    ("options", "generation", "words"),
    [
        ({"prefill": False}, {}, "prefill: False"),
        ({"direct_completion": True}, {}, "direct_completion: True"),
        ({"calibrated": False}, {}, "calibrated: False"),
        ({"instruction_prefix": "Do:"}, {}, "instruction_prefix: Do:"),
        ({"response_prefix": "Done:"}, {}, "response_prefix: Done:"),
        ({"n_samples": 10}, {}, "n_samples: 10"),
        ({}, {"temperature": 0.8, "do_sample": True}, "temperature: 0.8"),
        ({}, {"max_gen_toks": 8192}, "max_gen_toks: 8192"),
        ({}, {"max_new_tokens": 64}, "max_gen_toks: 64"),
    ],
)
def test_each_setting_that_differs_is_named(options: dict[str, Any], generation: dict[str, Any], words: str) -> None:
    assert asking(options, generation=generation).prompting() == ("custom", [words])


@pytest.mark.parametrize("options", [{"workers": 1, "sandbox": "none", "cache": False, "domains": True}])
def test_what_changes_no_score_is_no_difference(options: dict[str, Any]) -> None:
    assert asking(options).prompting() == ("leaderboard", [])


def test_the_loader_that_strips_completions_is_refused_with_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asking(mode="direct", base_url="http://somewhere")
    monkeypatch.setitem(sys.modules, "lm_eval.models.gguf", ModuleType("gguf"))
    with pytest.raises(PromptError, match="--model local-completions"):
        asking(mode="direct", base_url="http://somewhere")
    asking(mode="direct", pretrained="another loader, later in this process")
