"""The real harness in this process: models that answer from a row, and one call that evaluates them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

COMPLETE, INSTRUCT = "bigcodebench_mini_complete", "bigcodebench_mini_instruct"


class FakeModel(LM):
    """A loader that only generates; subclasses say what, in `generate_until`."""

    tokenizer_name = "fake"

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> Any:
        return json.dumps(chat_history)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        raise NotImplementedError

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise NotImplementedError


def evaluate(
    model: LM | str,
    *tasks: str,
    options: Mapping[str, Any] | None = None,
    model_args: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Any:
    """Evaluate as the command line does, which hands the model's arguments to the tasks too.

    Args:
        model: a model, or the name of a loader.
        options: of the tasks, in `--metadata '{"bigcodebench": ...}'`.
        settings: further arguments of `simple_evaluate`.

    Returns:
        What `simple_evaluate` returns.
    """
    arguments = dict(model_args or {})
    return simple_evaluate(
        model,
        model_args=arguments or None,
        tasks=list(tasks),
        task_manager=TaskManager(include_defaults=False, metadata=arguments | {"bigcodebench": dict(options or {})}),
        **{"confirm_run_unsafe_code": True, "bootstrap_iters": 0} | settings,
    )


def run_of(results: Mapping[str, Any], task: str) -> dict[str, Any]:
    """What the results say of a task's run."""
    run: dict[str, Any] = results["configs"][task]["metadata"]["bigcodebench_run"]
    return run
