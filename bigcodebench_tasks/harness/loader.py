"""What a task knows of the model's loader.

A task of the harness never gets the loader. It gets, with public names:

- the model's arguments, merged into the task's metadata by the command line and by ``simple_evaluate``;
- the renderer of chats that `build_all_requests` is given: a bound method of the loader.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from bigcodebench_tasks.benchmark.reasoning import prompt_starts_reasoning
from bigcodebench_tasks.options import KEY

# Arguments of loaders, of chat templates, and of what servers pass to those, that show whether a model reasons.
_SWITCHES = ("enable_thinking", "thinking")
_NESTED = ("chat_template_args", "chat_template_kwargs")


class Loader:
    """The model's loader, as far as a task can know it."""

    def __init__(self, arguments: Mapping[str, Any], chat_template: Callable[..., Any] | None) -> None:
        """
        Args:
            arguments: the task's metadata, which holds the model's arguments.
            chat_template: the loader's renderer of conversations; None if no template is applied.
        """
        self.arguments = arguments
        self._chat_template = chat_template
        self._model = getattr(chat_template, "__self__", None)

    @property
    def is_server(self) -> bool:
        """Whether the model is asked through an API of completions or chats."""
        if self._model is not None:
            return hasattr(self._model, "base_url")
        named = "model" in self.arguments and "pretrained" not in self.arguments
        return "base_url" in self.arguments or named

    @property
    def is_gguf(self) -> bool:
        """Whether it is the loader ``gguf``, which sends no token limit and strips responses."""
        unnamed = "base_url" in self.arguments and not {"model", "pretrained"} & self.arguments.keys()
        return unnamed and "lm_eval.models.gguf" in sys.modules  # lm-eval imports a loader when it is used

    @property
    def sends_seed(self) -> bool:
        """Whether it sends the same seed with every request, so that a server repeats its response."""
        return self.is_server and not hasattr(self._model, "anthropic_version")

    @property
    def seed(self) -> int:
        """The seed that it sends: an argument of the harness's API loaders, 1234 by default."""
        seed = self.arguments.get("seed", 1234)
        return seed if isinstance(seed, int) else 1234

    @property
    def removes_reasoning(self) -> bool:
        """Whether it removes reasoning itself (hf, vllm, sglang; local-chat-completions since lm-eval 0.4.13)."""
        return self._argument("think_end_token") is not None

    def reasoning(self, generation: Mapping[str, Any]) -> str:
        """What shows that the model reasons before it answers, in words; "" if nothing does.

        Args:
            generation: the harness's generation arguments, some of which servers pass to the chat template.
        """
        for place in (self.arguments, generation):
            for name, value in _flat(place).items():
                if (name in _SWITCHES and value is True) or (
                    name == "reasoning_effort" and value not in (None, "none")
                ):
                    return f"{name}={value} was given"
        if self.removes_reasoning:
            return "think_end_token was given"
        if any(getattr(self._model, name, None) is True for name in _SWITCHES):
            return "the loader's default"
        return "the chat template starts reasoning" if self.template_starts_reasoning else ""

    @property
    def template_starts_reasoning(self) -> bool:
        """Whether the chat template ends a prompt with an opening marker."""
        rendered = self._rendered([{"role": "user", "content": "?"}])
        return rendered is not None and prompt_starts_reasoning(rendered)

    @property
    def template_drops_reasoning(self) -> bool:
        """Whether the chat template removes reasoning from earlier turns: then the model can reason."""
        turns = [("user", "?"), ("assistant", "<think>\nthought\n</think>\n\nanswer"), ("user", "?")]
        rendered = self._rendered([{"role": role, "content": content} for role, content in turns])
        return rendered is not None and "answer" in rendered and "thought" not in rendered

    def tokens(self) -> Callable[[str], int] | None:
        """Counts a text's tokens with the loader's tokenizer; None if the loader has none."""
        encode = getattr(self._model, "tok_encode", None)
        try:
            known = encode is not None and _all_numbers(encode("a b c"))
        except Exception:  # a loader's own code, which may need a tokenizer that it does not have
            return None
        return (lambda text: len(encode(text))) if known and encode is not None else None

    def _argument(self, name: str) -> Any:
        value = self.arguments.get(name)
        return getattr(self._model, name, None) if value is None else value

    def _rendered(self, conversation: list[dict[str, str]]) -> str | None:
        if self._chat_template is None:
            return None
        try:
            rendered = self._chat_template(conversation)
        except Exception:  # a template may refuse any conversation; the real prompts report it
            return None
        return rendered if isinstance(rendered, str) else None


def _all_numbers(tokens: Any) -> bool:
    return isinstance(tokens, list) and bool(tokens) and all(isinstance(token, int) for token in tokens)


def _flat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with those of the chat template among them, which may be JSON; without the task's own options."""
    flat = {name: value for name, value in arguments.items() if name != KEY}
    for name in _NESTED:
        nested = flat.pop(name, None)
        if isinstance(nested, str):
            try:
                nested = json.loads(nested)
            except ValueError:
                continue
        if isinstance(nested, Mapping):
            flat |= nested
    return flat
