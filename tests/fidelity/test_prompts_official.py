"""The text that reaches a model is what the official `make_raw_chat_prompt` builds, byte for byte.

The real harness asks: the real tasks, the real tokenizer, the ``hf`` loader's own rendering of chats.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import harness

pytestmark = [pytest.mark.fidelity, pytest.mark.torch]

# One template for each habit that can change a prompt.
TEMPLATES = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama3, trims messages": "{{ '<|begin|>' }}{% for m in messages %}"
    "{{ '<|header|>' + m['role'] + '<|end_header|>\n\n' + m['content'] | trim + '<|eot|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|header|>assistant<|end_header|>\n\n' }}{% endif %}",
    "mistral, instruction brackets": "{{ '<s>' }}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + '</s>' }}{% endif %}{% endfor %}",
    "gemma, no system role": "{{ '<bos>' }}{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + m.content | trim "
    "+ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
    "thinking, drops and adds thoughts": "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' + m.content.split('</think>')[-1].lstrip('\n') "
    "+ '<|im_end|>\n' }}{% else %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}",
    "a default system turn": "{% if messages[0].role != 'system' %}{{ '<sys>You are helpful.</sys>' }}{% endif %}"
    "{% for m in messages %}{{ '<' + m.role + '>' + m.content + '</>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}",
}

PREFIX = "Please provide a self-contained Python script that solves the following problem in a markdown code block:"
RESPONSE = (
    "Below is a Python script with a self-contained function that solves the problem and passes corresponding tests:"
)


class Model(harness.FakeModel):
    """Keeps what it is asked. Renders chats as the ``hf`` loader does, by calling that loader's method."""

    def __init__(self, template: str | None) -> None:
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from transformers import PreTrainedTokenizerFast

        super().__init__()
        make_tokenizer: Callable[..., Any] = PreTrainedTokenizerFast  # it has hardly a type
        self.tokenizer = make_tokenizer(tokenizer_object=Tokenizer(WordLevel({"?": 0}, unk_token="?")))
        self.tokenizer.chat_template = template
        self.asked: dict[str, str] = {}

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        from lm_eval.models.huggingface import HFLM

        loader: Any = SimpleNamespace(tokenizer=self.tokenizer, chat_template_args={})
        rendered: str = HFLM.apply_chat_template(loader, chat_history, add_generation_prompt)
        return rendered

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        self.asked = {request.doc["task_id"]: request.args[0] for request in requests}
        return [""] * len(requests)


@pytest.fixture(scope="module")
def official(official_package: Path) -> Callable[..., str]:
    """The official function, from the package's own file: importing the package would import every back end."""
    file = official_package / "bigcodebench" / "provider" / "utility.py"
    spec = importlib.util.spec_from_file_location("utility", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make: Callable[..., str] = module.make_raw_chat_prompt
    return make


TASKS = {"Hard": "bigcodebench_hard", "Full": "bigcodebench"}
UseData = Callable[[str], None]


@pytest.fixture
def real_data(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UseData:
    """Makes a subset's tasks ("Hard" or "Full") come from the real file."""

    def use(subset: str) -> None:
        name = f"BigCodeBench{'-Hard' if subset == 'Hard' else ''}-v0.1.4.jsonl"
        (tmp_path / name).write_bytes(gzip.decompress((shared / "data" / f"{name}.gz").read_bytes()))
        monkeypatch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(tmp_path / name))

    return use


def assert_same(
    official: Callable[..., str], task: str, template: str | None, options: dict[str, Any] | None = None
) -> None:
    model, options = Model(template), options or {}
    if template == TEMPLATES["thinking, drops and adds thoughts"]:
        options = {**options, "reasoning": "off"}  # else such a model is not prefilled
    results = harness.evaluate(
        model, task, options=options, apply_chat_template=template is not None, predict_only=True
    )
    split = task.rsplit("_", 1)[-1]
    subset = "hard" if "hard" in task else "full"
    samples = results["samples"][task]
    assert len(samples) == len(model.asked) > 0
    for sample in samples:
        row = sample["doc"]
        expected = official(
            row[f"{split}_prompt"],
            subset,
            split,
            options.get("instruction_prefix", PREFIX),
            options.get("response_prefix", RESPONSE),
            model.tokenizer,
            prefill=options.get("prefill", True),
            direct_completion=options.get("direct_completion", False),
        )
        assert model.asked[row["task_id"]] == expected


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("prefill", [True, False], ids=["prefill", "no prefill"])
@pytest.mark.parametrize("split", ["complete", "instruct"])
def test_mini(official: Callable[..., str], split: str, prefill: bool, template: str) -> None:
    assert_same(official, f"bigcodebench_mini_{split}", TEMPLATES[template], {"prefill": prefill})


def test_direct_completion(official: Callable[..., str]) -> None:
    assert_same(official, "bigcodebench_mini_complete", None)
    assert_same(official, "bigcodebench_mini_complete", TEMPLATES["chatml"], {"direct_completion": True})


def test_other_prefixes(official: Callable[..., str]) -> None:
    prefixes = {"instruction_prefix": "Solve:", "response_prefix": " Sure.\n"}
    assert_same(official, "bigcodebench_mini_instruct", TEMPLATES["llama3, trims messages"], prefixes)


@pytest.mark.slow
@pytest.mark.parametrize("subset", ["Hard", "Full"])
@pytest.mark.parametrize("split", ["complete", "instruct"])
@pytest.mark.parametrize("prefill", [True, False], ids=["prefill", "no prefill"])
def test_chat_on_real_data(
    official: Callable[..., str], real_data: UseData, subset: str, split: str, prefill: bool
) -> None:
    real_data(subset)
    for template in TEMPLATES.values():
        assert_same(official, f"{TASKS[subset]}_{split}", template, {"prefill": prefill})


@pytest.mark.parametrize("subset", ["Hard", "Full"])
def test_direct_completion_on_real_data(official: Callable[..., str], real_data: UseData, subset: str) -> None:
    real_data(subset)
    assert_same(official, f"{TASKS[subset]}_complete", None)
