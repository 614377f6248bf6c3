from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from jinja2 import Template

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.errors import PromptError
from bigcodebench_tasks.options import Options

TASK = {
    "complete_prompt": '\nimport os\n\ndef task_func(a):\n    """Add one."""\n',
    "instruct_prompt": "  Add one.\nYou should write self-contained code.\n",
    "code_prompt": "import os\ndef task_func(a):\n",
    "canonical_solution": "    return a + 1",
    "entry_point": "task_func",
}
PREFIX = "Please provide a self-contained Python script that solves the following problem in a markdown code block:"
RESPONSE = (
    "Below is a Python script with a self-contained function that solves the problem and passes corresponding tests:"
)
BASE = ["</s>", "\nprint("]
DIRECT = ["\ndef "]


def render(conversation: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
    """A local chat template."""
    text: str = Template("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}").render(
        messages=conversation
    )
    return text + ("[assistant]" if add_generation_prompt else "")


def to_server(conversation: list[dict[str, str]], add_generation_prompt: bool = True) -> object:
    """What loaders of chat servers return instead of text."""
    return ("json", conversation)


def test_direct_completion_is_the_complete_prompt_unchanged() -> None:
    assert prompts.question(TASK, "complete", "direct", Options()) == TASK["complete_prompt"]


def test_strip_newlines_strips_newlines_only() -> None:
    stripped = prompts.question(TASK, "complete", "direct", Options(strip_newlines=True))
    assert stripped == 'import os\n\ndef task_func(a):\n    """Add one."""'


@pytest.mark.parametrize("mode", ["chat", "api"])
def test_the_complete_question_fences_the_stripped_prompt(mode: prompts.Mode) -> None:
    assert prompts.question(TASK, "complete", mode, Options()) == (
        f'{PREFIX}\n```\nimport os\n\ndef task_func(a):\n    """Add one."""\n```\n'
    )


def test_the_instruct_question_has_no_fence() -> None:
    assert prompts.question(TASK, "instruct", "chat", Options()) == (
        f"{PREFIX}\nAdd one.\nYou should write self-contained code.\n"
    )


def test_the_prefilled_turn_opens_a_python_block_after_the_response_prefix() -> None:
    before, after = prompts.prefilled_turn(Options()).split(prompts.ANSWER_MARK)
    assert before == f"{RESPONSE}\n```python\n"
    assert after == "\n```\n"


@pytest.mark.parametrize(
    ("chat_template", "options", "mode"),
    [
        (None, Options(), "direct"),
        (render, Options(), "chat"),
        (to_server, Options(), "api"),
        (render, Options(direct_completion=True), "direct"),
        (to_server, Options(direct_completion=True), "direct"),
    ],
)
def test_the_loader_and_the_options_choose_the_mode(
    chat_template: Callable[..., Any] | None, options: Options, mode: str
) -> None:
    assert prompts.resolve_mode("complete", options, chat_template) == mode


@pytest.mark.parametrize(
    ("chat_template", "options", "fix"),
    [
        (None, Options(), "--apply_chat_template"),
        (render, Options(direct_completion=True), 'remove "direct_completion"'),
    ],
)
def test_instruct_without_a_chat_is_refused_with_the_fix(
    chat_template: Callable[..., Any] | None, options: Options, fix: str
) -> None:
    with pytest.raises(PromptError, match=fix):
        prompts.resolve_mode("instruct", options, chat_template)


def test_stop_strings_follow_the_mode() -> None:
    stops = partial(prompts.stop_strings, BASE, DIRECT)
    assert stops(mode="direct", options=Options()) == [*BASE, *DIRECT]
    assert stops(mode="chat", options=Options()) == BASE
    assert stops(mode="api", options=Options()) == ["<|endoftext|>"]


def test_the_fence_stops_only_when_the_response_prefix_holds_one_and_is_prefilled() -> None:
    fenced = Options(response_prefix="```python")
    assert prompts.stop_strings(BASE, DIRECT, "chat", fenced) == [*BASE, "\n```\n"]
    assert prompts.stop_strings(BASE, DIRECT, "chat", Options(response_prefix="```", prefill=False)) == BASE


@pytest.mark.parametrize("mode", ["direct", "chat"])
def test_local_completions_are_cut_at_the_first_stop_and_lose_their_tabs(mode: prompts.Mode) -> None:
    assert prompts.completion_text("\tx = 1</s>\nprint(", ["\nprint(", "</s>"], mode) == "    x = 1"


def test_answers_of_chat_servers_are_kept_as_they_are() -> None:
    assert prompts.completion_text("\tx</s>", ["</s>"], "api") == "\tx</s>"


def test_direct_completion_is_judged_with_its_prompt_and_chat_without() -> None:
    completion = TASK["canonical_solution"]
    assert prompts.answer_text(TASK, "complete", completion, "direct", Options()) == (
        TASK["complete_prompt"] + completion
    )
    assert prompts.answer_text(TASK, "instruct", completion, "chat", Options()) == completion
