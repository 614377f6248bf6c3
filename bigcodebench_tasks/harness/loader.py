"""What a task can know of the model's loader.

A task of the harness never sees the loader. What it can know without private names is: the model's arguments, which
the harness merges into a task's metadata where the command line or ``simple_evaluate`` were told them; and the renderer
of chats that `build_all_requests` is given, a bound method, whose object is the loader. What neither says, the answers
tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bigcodebench_tasks.benchmark.reasoning import opens_in_prompt
from bigcodebench_tasks.options import KEY

# Arguments of loaders, of chat templates, and of what servers hand to those, that say whether a model thinks.
_SWITCHES = ("enable_thinking", "thinking")
_NESTED = ("chat_template_args", "chat_template_kwargs")


class Loader:
    """What can be known of a model's loader."""

    def __init__(self, arguments: Mapping[str, Any], chat_template: Callable[..., Any] | None) -> None:
        """
        Args:
            arguments: of the model, among whatever else is in a task's metadata.
            chat_template: the loader's renderer of conversations; None where none is applied.
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
    def sends_seed(self) -> bool:
        """Whether it sends one seed with every request, so that a server which honours it repeats its answer."""
        return self.is_server and not hasattr(self._model, "anthropic_version")

    @property
    def seed(self) -> int:
        """The seed that it sends: an argument of the harness's API loaders, 1234 by default."""
        seed = self.arguments.get("seed", 1234)
        return seed if isinstance(seed, int) else 1234

    @property
    def takes_off_thoughts(self) -> bool:
        """Whether it cuts thoughts off by itself, so that an answer without them says nothing."""
        return self._argument("think_end_token") is not None

    def thinks(self, generation: Mapping[str, Any]) -> str:
        """What says that the model thinks before it answers, in words; "" where nothing does.

        Args:
            generation: the harness's generation arguments, some of which servers hand to the chat template.
        """
        for place in (self.arguments, generation):
            for name, value in _flat(place).items():
                if (name in _SWITCHES and value is True) or (
                    name == "reasoning_effort" and value not in (None, "none")
                ):
                    return f"{name}={value} was given"
        if self.takes_off_thoughts:
            return "think_end_token was given"
        if any(getattr(self._model, name, None) is True for name in _SWITCHES):
            return "the loader says so"
        return "the chat template opens a thought" if self.opens_thought else ""

    @property
    def opens_thought(self) -> bool:
        """Whether the chat template ends a prompt with the beginning of a thought."""
        rendered = self._rendered([{"role": "user", "content": "?"}])
        return rendered is not None and opens_in_prompt(rendered)

    @property
    def drops_thoughts(self) -> bool:
        """Whether the chat template takes thoughts off earlier turns: the mark of a model that can think."""
        turns = [("user", "?"), ("assistant", "<think>\nthought\n</think>\n\nanswer"), ("user", "?")]
        rendered = self._rendered([{"role": role, "content": content} for role, content in turns])
        return rendered is not None and "answer" in rendered and "thought" not in rendered

    def tokens(self) -> Callable[[str], int] | None:
        """Counts a text's tokens by the loader's tokenizer; None where that cannot be had."""
        encode = getattr(self._model, "tok_encode", None)
        try:
            known = encode is not None and _all_numbers(encode("a b c"))
        except Exception:  # a loader's own code, which may want a tokenizer that it has not
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
        except Exception:  # a template may refuse anything; the real prompts say so in time
            return None
        return rendered if isinstance(rendered, str) else None


def _all_numbers(tokens: Any) -> bool:
    return isinstance(tokens, list) and bool(tokens) and all(isinstance(token, int) for token in tokens)


def _flat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments together with those of the chat template among them, which may come as JSON."""
    flat = dict(arguments)
    for name in _NESTED:
        nested = flat.pop(name, None)
        if isinstance(nested, str):
            try:
                nested = json.loads(nested)
            except ValueError:
                continue
        if isinstance(nested, Mapping):
            flat |= nested
    # The task's own options are no arguments of the model.
    return {name: value for name, value in flat.items() if name != KEY}
