"""Reasoning is split from the answer, in the markers of the model families in use."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.benchmark.reasoning import has_unopened_end, prompt_starts_reasoning, split_reasoning

ANSWER = "Here it is:\n```python\ndef task_func():\n    return 1\n```\n"
DRAFT = "A draft:\n```python\ndef task_func():\n    return 2\n```\nNo, wrong."

MARKED = {
    "Qwen3": ("<think>\n", "\n</think>\n\n"),
    "on one line": ("<think>", "</think>"),
    "Magistral": ("[THINK]", "[/THINK]"),
    "Seed-OSS": ("<seed:think>\n", "\n</seed:think>\n"),
    "Command A": ("<|START_THINKING|>", "<|END_THINKING|>"),
    "gpt-oss": ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    "gpt-oss with a constraint": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final <|constrain|>code<|message|>",
    ),
    "gpt-oss without special tokens": ("analysis", "assistantfinal"),
    "EXAONE Deep": ("<thought>\n", "\n</thought>\n\n"),
    "Kimi-VL": ("◁think▷", "◁/think▷"),
}


@pytest.mark.parametrize(("begin", "end"), MARKED.values(), ids=MARKED)
def test_the_answer_is_the_text_after_the_reasoning(begin: str, end: str) -> None:
    split = split_reasoning(begin + DRAFT + end + ANSWER)
    assert split.answer.lstrip() == ANSWER
    assert split.found
    assert not split.unfinished


@pytest.mark.parametrize(("begin", "end"), MARKED.values(), ids=MARKED)
def test_reasoning_that_never_ends_leaves_no_answer(begin: str, end: str) -> None:
    split = split_reasoning(begin + DRAFT)
    assert (split.answer, split.unfinished, split.found) == ("", True, True)


@pytest.mark.parametrize(("begin", "end"), MARKED.values(), ids=MARKED)
def test_the_prompt_may_have_started_the_reasoning(begin: str, end: str) -> None:
    split = split_reasoning(DRAFT + end + ANSWER)
    assert split.answer.lstrip() == ANSWER
    assert split_reasoning(DRAFT + end + ANSWER, started_in_prompt=True) == split
    assert has_unopened_end(DRAFT + end + ANSWER)
    assert not has_unopened_end(begin + DRAFT + end + ANSWER)


def test_without_markers_a_text_is_all_reasoning_if_the_prompt_started_it_else_all_answer() -> None:
    assert split_reasoning(ANSWER, started_in_prompt=True).unfinished
    split = split_reasoning(ANSWER)
    assert (split.start, split.answer, split.found, split.unfinished) == (0, ANSWER, False, False)
    assert split_reasoning("").answer == ""
    assert not has_unopened_end(ANSWER)


def test_the_last_end_counts_of_nested_and_repeated_reasoning() -> None:
    assert split_reasoning(f"<think>a <think>b</think> c\n</think>\n{ANSWER}").answer == f"\n{ANSWER}"
    assert split_reasoning(f"<think>a</think>\n{DRAFT}\n<think>b</think>\n{ANSWER}").answer == f"\n{ANSWER}"
    assert split_reasoning(f"a\n</think>\nb\n</think>\n{ANSWER}").answer == f"\n{ANSWER}"


def test_a_draft_whose_block_stays_open_hides_no_end() -> None:
    draft = "```python\ndef task_func():\n"
    for end in ("</think>\n", "\n</think>\n\n", "    '''Half a docstring\n</think>\n"):
        assert split_reasoning(f"<think>{draft}{end}{ANSWER}").answer.lstrip() == ANSWER


def test_reasoning_that_starts_again_after_the_answer_is_not_part_of_it() -> None:
    assert split_reasoning(f"<think>a</think>\n{ANSWER}\n<think>Wait, {DRAFT}").answer == f"\n{ANSWER}\n"
    assert split_reasoning(f"<think>a</think>\n<think>Wait, {DRAFT}").unfinished


def test_markers_around_the_answer_are_removed_too() -> None:
    said = f"<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>"
    assert split_reasoning(said).answer == ANSWER
    assert split_reasoning(
        f"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
    )


QUOTING = {
    "a string": 'def task_func(text):\n    return text.split("</think>")[-1]\n',
    "a pattern": 'def task_func(text):\n    return re.sub(r"<think>.*?</think>", "", text)\n',
    "elements of a list": 'def task_func(text):\n    return [\n        "</think>",\n        "[/THINK]",\n    ]\n',
    "a comment": "def task_func(text):\n    return text[8:]  # behind </think> alone\n",
    "a comment at its end": "def task_func(text):\n    # what follows </think>\n    return text[8:]\n",
    "a docstring": 'def task_func(text):\n    """Takes off <think> and </think>."""\n    return text\n',
    "lines of a string": 'T = """<think>\nfoo\n</think>\nbar"""\n\ndef task_func():\n    return T\n',
}


@pytest.mark.parametrize("code", QUOTING.values(), ids=QUOTING)
def test_a_marker_that_the_code_quotes_ends_no_reasoning(code: str) -> None:
    answer = f"Here it is:\n```python\n{code}```\nIt's done.\n"
    split = split_reasoning(answer)
    assert (split.answer, split.found) == (answer, False)
    assert split_reasoning(f"<think>It's about `</think>` here.\n{DRAFT}\n</think>\n{answer}").answer == f"\n{answer}"
    assert split_reasoning(code).answer == code


def test_a_marker_that_prose_quotes_ends_no_reasoning_and_apostrophes_quote_nothing() -> None:
    assert not split_reasoning(f"I remove everything before `</think>` first.\n{ANSWER}").found
    assert split_reasoning(f"It's what the users' tests want</think>Here's the code:\n{ANSWER}").answer.startswith(
        "Here's"
    )
    assert split_reasoning(f"issue #5, done</think>Here:\n{ANSWER}").answer.startswith("Here")


def test_another_marker_can_be_named() -> None:
    assert split_reasoning(f"{DRAFT}<done>{ANSWER}", "<done>").answer == ANSWER
    assert split_reasoning(f"{DRAFT}</think>{ANSWER}", "<done>").answer == ANSWER
    assert not split_reasoning(f"{DRAFT}<done>{ANSWER}").found


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [
        ("<|user|>?<|assistant|><think>\n", True),
        ("?<|assistant|>[THINK]", True),
        ("?<|assistant|><think>\n\n</think>\n\n", False),
        ("Think in <think> and </think>.<|user|>?<|assistant|>\n", False),
    ],
)
def test_a_prompt_that_ends_in_an_opening_marker_starts_reasoning(prompt: str, opens: bool) -> None:
    assert prompt_starts_reasoning(prompt) is opens


@pytest.mark.parametrize(
    "piece", ["</think>", "</think>\n", '"</think>" ', "```\n</think>\n", "<think>", "'''</think>"]
)
def test_a_model_that_repeats_a_marker_without_end_is_split_all_the_same(piece: str) -> None:
    split = split_reasoning(piece * 20_000)
    assert split.answer in ("", "\n", piece * 20_000) or len(split.answer) < len(piece) * 20_000
