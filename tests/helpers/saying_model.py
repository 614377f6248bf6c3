"""A real model, of random vectors and no training, that says one text: for the harness's real local loaders.

A GPT-2 whose attention and MLP add nothing, so that the next token follows from the position alone. Loader, tokenizer,
chat template, stop criteria and decoding are the real ones, and the score of what it says is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.options import Options

TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STARTS_REASONING = TEMPLATE.replace("assistant\n", "assistant\n<think>\n")
END = "<|endoftext|>"
POSITIONS = 4096
WIDTH = 256

DRAFT = "def task_func(*arguments):\n" + "".join(f"    draft_{number} = {number}\n" for number in range(60))


def thought(task: Mapping[str, str]) -> str:
    """An answer behind a thought with a longer, wrong draft in it, and with what ends answers: a fence, a print."""
    code = f"{task['code_prompt']}{task['canonical_solution']}"
    draft = f"First a draft:\n```python\n{DRAFT}\nprint(task_func())\n```\nBut no, that is wrong."
    return f"{draft}\n</think>\n\nHere it is:\n```python\n{code}\n```\nIt works as follows ..."


def save_tokenizer(folder: Path, texts: list[str], template: str) -> Any:
    """A tokenizer trained on these texts, in a folder from which loaders load it."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    special = [END, "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        texts, BpeTrainer(vocab_size=1500, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    )
    make: Callable[..., Any] = PreTrainedTokenizerFast  # it has hardly a type
    tokenizer = make(tokenizer_object=words, eos_token=END, pad_token=END, model_max_length=POSITIONS)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_model(folder: Path, task: Mapping[str, str], text: str, template: str, *, prefilled: bool = False) -> int:
    """A model and its tokenizer in a folder; asked for a task's Complete, prefilled or not, it says the text.

    Returns:
        How many tokens the text has.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    asked = prompts.question(task, "complete", "chat", Options())
    tokenizer = save_tokenizer(folder, [asked, text], template)
    turns = [{"role": "user", "content": asked}]
    prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    if prefilled:
        prompt += prompts.prefilled_turn(Options()).split(prompts.ANSWER_MARK)[0]
    before = len(tokenizer(prompt)["input_ids"])
    said = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    torch.manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(len(tokenizer), WIDTH), dim=1)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=POSITIONS,
            n_embd=WIDTH,
            n_layer=1,
            n_head=4,
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "c_proj" in name:  # what attention and MLP add
                weights.zero_()
        model.transformer.wte.weight.copy_(vectors)
        positions = model.transformer.wpe.weight
        positions.zero_()
        positions[before - 1 : before - 1 + len(said)] = 20 * vectors[said]
    model.save_pretrained(folder)
    return len(said)
