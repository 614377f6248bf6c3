"""Thoughts are told from answers, in the markers of the families in use."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.benchmark.reasoning import has_unopened_end, opens_in_prompt, part

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
def test_the_answer_is_what_stands_behind_the_thought(begin: str, end: str) -> None:
    split = part(begin + DRAFT + end + ANSWER)
    assert split.answer.lstrip() == ANSWER
    assert split.thought
    assert not split.unfinished


@pytest.mark.parametrize(("begin", "end"), MARKED.values(), ids=MARKED)
def test_a_thought_that_never_ends_leaves_no_answer(begin: str, end: str) -> None:
    split = part(begin + DRAFT)
    assert (split.answer, split.unfinished, split.thought) == ("", True, True)


@pytest.mark.parametrize(("begin", "end"), MARKED.values(), ids=MARKED)
def test_the_prompt_may_have_opened_the_thought(begin: str, end: str) -> None:
    split = part(DRAFT + end + ANSWER)
    assert split.answer.lstrip() == ANSWER
    assert part(DRAFT + end + ANSWER, opened=True) == split
    assert has_unopened_end(DRAFT + end + ANSWER)
    assert not has_unopened_end(begin + DRAFT + end + ANSWER)


def test_an_opened_thought_without_an_end_is_no_answer_and_else_a_text_without_markers_is_left_alone() -> None:
    assert part(ANSWER, opened=True).unfinished
    split = part(ANSWER)
    assert (split.start, split.answer, split.thought, split.unfinished) == (0, ANSWER, False, False)
    assert part("").answer == ""
    assert not has_unopened_end(ANSWER)


def test_the_last_end_counts_of_nested_and_repeated_thoughts() -> None:
    assert part(f"<think>a <think>b</think> c\n</think>\n{ANSWER}").answer == f"\n{ANSWER}"
    assert part(f"<think>a</think>\n{DRAFT}\n<think>b</think>\n{ANSWER}").answer == f"\n{ANSWER}"
    assert part(f"a\n</think>\nb\n</think>\n{ANSWER}").answer == f"\n{ANSWER}"


def test_a_draft_whose_block_stays_open_hides_no_end() -> None:
    draft = "```python\ndef task_func():\n"
    for end in ("</think>\n", "\n</think>\n\n", "    '''Half a docstring\n</think>\n"):
        assert part(f"<think>{draft}{end}{ANSWER}").answer.lstrip() == ANSWER


def test_a_thought_that_begins_again_behind_the_answer_is_no_part_of_it() -> None:
    assert part(f"<think>a</think>\n{ANSWER}\n<think>Wait, {DRAFT}").answer == f"\n{ANSWER}\n"
    assert part(f"<think>a</think>\n<think>Wait, {DRAFT}").unfinished


def test_words_around_the_answer_are_taken_off_too() -> None:
    said = f"<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>"
    assert part(said).answer == ANSWER
    assert part(
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
def test_a_marker_that_the_code_quotes_ends_no_thought(code: str) -> None:
    answer = f"Here it is:\n```python\n{code}```\nIt's done.\n"
    split = part(answer)
    assert (split.answer, split.thought) == (answer, False)
    assert part(f"<think>It's about `</think>` here.\n{DRAFT}\n</think>\n{answer}").answer == f"\n{answer}"
    assert part(code).answer == code


def test_a_marker_that_prose_quotes_ends_no_thought_and_apostrophes_quote_nothing() -> None:
    assert not part(f"I remove everything before `</think>` first.\n{ANSWER}").thought
    assert part(f"It's what the users' tests want</think>Here's the code:\n{ANSWER}").answer.startswith("Here's")
    assert part(f"issue #5, done</think>Here:\n{ANSWER}").answer.startswith("Here")


def test_another_marker_can_be_named() -> None:
    assert part(f"{DRAFT}<done>{ANSWER}", "<done>").answer == ANSWER
    assert part(f"{DRAFT}</think>{ANSWER}", "<done>").answer == ANSWER
    assert not part(f"{DRAFT}<done>{ANSWER}").thought


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [
        ("<|user|>?<|assistant|><think>\n", True),
        ("?<|assistant|>[THINK]", True),
        ("?<|assistant|><think>\n\n</think>\n\n", False),
        ("Think in <think> and </think>.<|user|>?<|assistant|>\n", False),
    ],
)
def test_a_prompt_that_ends_in_an_opening_marker_opens_a_thought(prompt: str, opens: bool) -> None:
    assert opens_in_prompt(prompt) is opens


@pytest.mark.parametrize(
    "piece", ["</think>", "</think>\n", '"</think>" ', "```\n</think>\n", "<think>", "'''</think>"]
)
def test_a_model_that_repeats_a_marker_without_end_is_parted_all_the_same(piece: str) -> None:
    split = part(piece * 20_000)
    assert split.answer in ("", "\n", piece * 20_000) or len(split.answer) < len(piece) * 20_000
