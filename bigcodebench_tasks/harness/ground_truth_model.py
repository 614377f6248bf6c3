"""A harness model that responds to every prompt with the task's canonical solution.

It checks an installation without a GPU::

    lm_eval run --model bigcodebench-ground-truth --tasks bigcodebench_mini --confirm_run_unsafe_code
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from tqdm import tqdm

from bigcodebench_tasks.errors import OptionError

_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class GroundTruthLM(LM):
    """Responds with canonical solutions, in the form of a model that is asked in the same way.

    Loader arguments (``--batch_size``, ``--device``, ...) are accepted and have no effect.

    Raises:
        OptionError: it is used for something else than to generate for a BigCodeBench task.
    """

    _alive: ClassVar[weakref.WeakSet[GroundTruthLM]] = weakref.WeakSet()

    def __init__(self, **_loader_arguments: Any) -> None:
        super().__init__()
        self._alive.add(self)

    @classmethod
    def in_use(cls) -> bool:
        """Whether this process has such a model, which needs no chat template for instruct tasks."""
        return len(cls._alive) > 0

    @property
    def tokenizer_name(self) -> str:
        return "bigcodebench-ground-truth"

    def chat_template(self, chat_template: bool | str = False) -> str:
        return _CHAT_TEMPLATE

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        turns = [f"<|im_start|>{turn['role']}\n{turn['content']}" for turn in chat_history]
        text = "<|im_end|>\n".join(turns)
        return f"{text}<|im_end|>\n<|im_start|>assistant\n" if add_generation_prompt else text

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        return [
            _response(request.args[0], request.doc)
            for request in tqdm(requests, desc="Responding with ground truth", disable=disable_tqdm)
        ]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise OptionError("bigcodebench-ground-truth only generates; run other benchmarks with another model.")

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        raise OptionError("bigcodebench-ground-truth only generates; run other benchmarks with another model.")


def _response(context: str, task: Mapping[str, str]) -> str:
    if "canonical_solution" not in task or "code_prompt" not in task:
        raise OptionError(
            "bigcodebench-ground-truth knows BigCodeBench tasks only; run other benchmarks with another model."
        )
    body = task["canonical_solution"]
    for prompt in (task["complete_prompt"], task["complete_prompt"].strip("\n")):
        if context.endswith(prompt):
            return body if prompt.endswith("\n") else "\n" + body
    program = f"{task['code_prompt']}{body}"
    if context.endswith("```python\n"):
        return f"{program}\n```\n"
    return f"```python\n{program}\n```\n"
