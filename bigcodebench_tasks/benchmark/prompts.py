"""The prompts of the official generator, byte for byte.

Source: bigcodebench 0.2.5, ``provider/utility.py`` (``make_raw_chat_prompt``, the stop strings), ``provider/vllm.py``
and ``generate.py``. If its back ends differ, this module follows the vLLM one, which made the leaderboard. Its Hugging
Face back end passes ``direct_completion`` in place of ``prefill`` and so never prefills.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from bigcodebench_tasks.errors import PromptError
from bigcodebench_tasks.options import Options

Split = Literal["complete", "instruct"]
SPLITS: tuple[str, ...] = get_args(Split)
Mode = Literal["direct", "chat", "api"]
"""How the model is asked. "direct": it continues the raw prompt. "chat": a local chat template renders the
conversation to text, which may be prefilled. "api": the conversation itself is sent to a server."""

ANSWER_MARK = "<<the-answer-starts-here>>"
"""Marks the start of the response while a chat template renders the prefilled turn. The text is cut there, so the
newline after the fence survives templates that trim messages."""

FENCE_STOP = "\n```\n"
"""Ends the prefilled code block. Like the official generator, it is added only if the response prefix itself holds a
fence, which the default one does not."""

API_STOPS = ["<|endoftext|>"]
"""The official generator sends no stop strings to chat servers. The harness's loaders need one. This is their default,
and does not occur in a response. (OpenAI's servers accept at most four.)"""


def resolve_mode(split: Split, options: Options, chat_template: Callable[..., Any] | None) -> Mode:
    """How to ask this model.

    Args:
        split: "complete" or "instruct".
        options: the task's options.
        chat_template: the loader's renderer of conversations, or None if no template is applied.

    Raises:
        PromptError: an instruct task has no chat template, or direct completion was asked for.
    """
    if chat_template is None or options.direct_completion:
        if split == "instruct":
            raise PromptError(
                "BigCodeBench instruct tasks need a chat model, as in the official evaluator: "
                + (
                    'remove "direct_completion" from the options, '
                    if options.direct_completion
                    else "add --apply_chat_template (apply_chat_template=True in Python), "
                )
                + "or run the complete split of the same subset, which base models can complete."
            )
        return "direct"
    # Loaders of chat servers do not render text. They return the conversation in a wrapper.
    rendered = chat_template([{"role": "user", "content": "?"}])
    return "chat" if isinstance(rendered, str) else "api"


def question(task: Mapping[str, str], split: Split, mode: Mode, options: Options) -> str:
    """The raw prompt ("direct") or the user's message ("chat", "api") for one task."""
    prompt = task[f"{split}_prompt"]
    if options.strip_newlines:
        prompt = prompt.strip("\n")
    if mode == "direct":
        return prompt
    prompt = prompt.strip()
    if split == "complete":
        prompt = f"```\n{prompt}\n```"
    return f"{options.instruction_prefix}\n{prompt}\n"


def prefilled_turn(options: Options) -> str:
    """The assistant's turn around `ANSWER_MARK`, for the chat template."""
    return f"{options.response_prefix}\n```python\n{ANSWER_MARK}\n```\n"


def reference_answer(task: Mapping[str, str], split: Split, mode: Mode, options: Options) -> str:
    """The canonical solution as a response in this mode, without prefill."""
    if mode == "direct":
        return task["canonical_solution"]
    start = task["complete_prompt"] if split == "complete" else task["code_prompt"]
    return f"{options.response_prefix}\n```python\n{start}{task['canonical_solution']}\n```\n"


def stop_strings(base: list[str], direct: list[str], mode: Mode, options: Options) -> list[str]:
    """Stop strings of a mode.

    Args:
        base: those of every mode, from the YAML.
        direct: those that direct completion adds, from the YAML.
    """
    if mode == "api":
        return list(API_STOPS)
    if mode == "direct":
        return [*base, *direct]
    if options.prefill and "```" in options.response_prefix:
        return [*base, FENCE_STOP]
    return list(base)


def completion_text(raw: str, stops: list[str], mode: Mode) -> str:
    """The part of a response that the official generator would have kept.

    Its local back ends cut at the first stop string and turn tabs into four spaces; it does not change the responses of
    chat servers. Most loaders cut already, but servers of completions take a few stop strings only.
    """
    if mode == "api":
        return raw
    end = min((at for stop in stops if (at := raw.find(stop)) >= 0), default=len(raw))
    return raw[:end].replace("\t", "    ")


def answer_text(task: Mapping[str, str], split: Split, completion: str, mode: Mode, options: Options) -> str:
    """The text that is sanitized: prompt and completion in direct completion, else the completion alone."""
    return question(task, split, mode, options) + completion if mode == "direct" else completion
