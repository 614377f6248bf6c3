"""The harness's real local loaders, and its loader of completions with a tokenizer, with models that reason.

Loader, tokenizer, chat template, stop criteria and decoding are the real ones; what the model says is known.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.dataset import MINI, load_tasks
from tests.helpers.lm_eval_output import of_task, results, samples, score
from tests.helpers.project import LmEval
from tests.helpers.saying_model import STARTS_REASONING, TEMPLATE, save_model, thought

pytestmark = pytest.mark.torch

COMPLETE = "bigcodebench_mini_complete"
VLLM = pytest.param(
    "vllm",
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM, which is installed by hand"),
    ],
)


@pytest.mark.parametrize("loader", ["hf", VLLM])
@pytest.mark.parametrize("opens", [True, False], ids=["the template starts the reasoning", "the model starts it"])
def test_reasoning_with_a_longer_wrong_draft_costs_nothing(
    lm_eval: LmEval, tmp_path: Path, opens: bool, loader: str
) -> None:
    folder, out = tmp_path / "model", tmp_path / "out"
    task = load_tasks(MINI, "v1")[0]
    text = thought(task) if opens else f"<think>\n{thought(task)}"
    tokens = save_model(folder, task, text, STARTS_REASONING if opens else TEMPLATE)
    assert tokens < 1280
    more = {"hf": "", "vllm": ",dtype=bfloat16,max_model_len=4096,enforce_eager=True"}[loader]
    words = [
        "run",
        "--model",
        loader,
        "--model_args",
        f"pretrained={folder}{more}",
        "--tasks",
        COMPLETE,
        "--limit",
        "1",
    ]
    if not opens:
        words += ["--metadata", json.dumps({"bigcodebench": {"reasoning": "on"}})]
    device = ["--device", "cpu"] if loader == "hf" else []
    done = lm_eval(
        *words,
        *device,
        *("--apply_chat_template", "--confirm_run_unsafe_code", "--log_samples", "--output_path", str(out)),
        env={"VLLM_CPU_KVCACHE_SPACE": "1"},
    )
    assert score(done.stdout, COMPLETE) == 1.0
    said = done.stdout.index("no prefilled turn, no stop strings; responses have at most 1280 tokens")
    assert said < done.stdout.index("Running generate_until requests")
    (sample,) = samples(out, COMPLETE)
    asked = sample["arguments"]["gen_args_0"]
    assert asked["arg_0"].endswith("assistant\n<think>\n" if opens else "assistant\n")
    assert asked["arg_1"]["until"] == ["<|endoftext|>"]
    assert sample["resps"][0][0] == text  # whole: nothing was cut inside the reasoning
    (record,) = sample["records"]
    assert (record["status"], record["diagnosis"]) == ("pass", "")
    assert "draft" not in record["solution"]
    run: dict[str, Any] = of_task(results(out)["configs"], COMPLETE)["metadata"]["bigcodebench_run"]
    assert run["prompting"] == "reasoning"
    assert run["responses"] == {"samples": 1, "reasoning": 1, "diagnoses": {}, "limit": 1280}


def test_a_local_model_that_reasons_unasked_is_warned_of_what_ended_it(lm_eval: LmEval, tmp_path: Path) -> None:
    """Prefilled, as on the leaderboard; the loader applies the stop strings inside the reasoning."""
    folder = tmp_path / "model"
    task = load_tasks(MINI, "v1")[0]
    save_model(folder, task, f"<think>\n{thought(task)}", TEMPLATE, prefilled=True)
    done = lm_eval(
        *("run", "--model", "hf", "--device", "cpu", "--model_args", f"pretrained={folder}", "--tasks", COMPLETE),
        *("--limit", "1", "--apply_chat_template", "--confirm_run_unsafe_code"),
    )
    assert score(done.stdout, COMPLETE) == 0.0
    assert "100% of the responses (1 of 1) are reasoning that never ended" in done.stdout
    assert 'if stop strings ended them, add the option "reasoning": "on"' in done.stdout
