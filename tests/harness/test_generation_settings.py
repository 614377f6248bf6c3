"""How a model is asked beside its prompt follows from its loader, the options and the generation arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.prompts import Mode
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.harness.generation_settings import GenerationSettings, thoughts_begin_in_prompt
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
        "complete", mode, Options.resolve(options), loader, given, base=BASE, direct=DIRECT, default_limit=1280
    )


def test_a_model_that_does_not_think_is_asked_as_on_the_leaderboard() -> None:
    plain = asking(model=Local())
    assert plain.thinks == ""
    assert plain.arguments() == TASK
    assert plain.prompting(0, False) == ("leaderboard", [])
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
def test_thinking_is_recognised(model: Local, arguments: dict[str, Any], generation: dict[str, Any]) -> None:
    thinks = asking(model=model, generation=generation, **arguments)
    assert thinks.thinks
    assert not thinks.options.prefill
    assert thinks.arguments()["until"] == END
    assert thinks.stops == tuple(BASE)
    name, differs = thinks.prompting(0, False)
    assert name == "thinking"
    assert differs[0].startswith("thinking: ")
    off = asking({"thinking": "off"}, model=model, generation=generation, **arguments)
    assert (off.thinks, off.options.prefill, off.arguments()["until"]) == ("", True, BASE)


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
def test_what_says_nothing_of_thinking(model: Local, arguments: dict[str, Any]) -> None:
    assert asking(model=model, **arguments).thinks == ""


def test_the_option_says_it_where_nothing_else_does() -> None:
    thinks = asking({"thinking": "on"}, model=Local())
    assert "option" in thinks.thinks
    assert not thinks.reading().opened


def test_a_thought_that_the_prompt_opens_has_to_end_unless_the_loader_takes_it_off() -> None:
    assert asking(model=Local("<think>")).reading().opened
    assert not asking(model=Local("<think>"), think_end_token="</think>").reading().opened
    assert not asking({"thinking": "off"}, model=Local("<think>")).reading().opened


def test_a_prefilled_turn_that_was_asked_for_contradicts_thinking() -> None:
    for options, model in (({"thinking": "on"}, Local()), ({}, Local("<think>"))):
        with pytest.raises(OptionError, match=r'Leave "prefill" out .* or add "thinking": "off"'):
            asking({"prefill": True, **options}, model=model)
    assert asking({"prefill": True, "thinking": "off"}, model=Local("<think>")).options.prefill


def test_stop_strings_of_the_user_are_told_to_every_loader() -> None:
    assert asking({"thinking": "on"}, generation={"until": "X"}).arguments()["until"] == ["X"]
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


def test_before_generation_a_thinking_model_with_few_tokens_is_warned_of() -> None:
    (line,) = notes(asking({"thinking": "on"}))
    assert "at most 1280 tokens" in line
    assert "8192" in line
    assert notes(asking({"thinking": "on"}, generation={"max_gen_toks": 8192})) == []
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
    count = asking(model=Local()).reading().count
    assert count is not None
    assert count("a b c d") == 4
    assert asking(model=Server(), mode="api").reading().count is None
    assert asking(mode="direct").reading().count is None


def test_a_servers_prompts_open_thoughts_if_most_answers_end_one_that_they_never_began() -> None:
    reading = asking(model=Server(), mode="api").reading()
    assert thoughts_begin_in_prompt(reading, ["Hm.\n</think>\n" + CODE, "Hm.\n</think>\n" + CODE, "Hm."])
    assert not thoughts_begin_in_prompt(reading, ["Hm.\n</think>\n" + CODE, CODE, CODE])
    assert not thoughts_begin_in_prompt(reading, [f"<think>Hm.\n</think>\n{CODE}"] * 3)
    assert not thoughts_begin_in_prompt(asking(model=Local()).reading(), ["Hm.\n</think>\n" + CODE])


def test_what_differs_from_the_leaderboard_is_said() -> None:
    name, differs = asking({"n_samples": 2, "strip_newlines": True}, generation=DRAWN).prompting(2, True)
    assert name == "custom"
    assert differs == [
        "strip_newlines: True",
        "n_samples: 2",
        "temperature: 0.8",
        "examples: 2",
        "a system instruction",
    ]
