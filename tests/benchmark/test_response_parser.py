"""Whatever a loader returns becomes an answer: text, parts, null, thoughts, halves of surrogate pairs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bigcodebench_tasks.benchmark.response_parser import ResponseParser, text_of, writable
from bigcodebench_tasks.options import Options

TASK = {"complete_prompt": 'def task_func(x):\n    """Doubles."""\n', "entry_point": "task_func"}
RIGHT = "def task_func(x):\n    return 2 * x"
WRONG = "def task_func(x):\n    # a draft, which is longer\n    y = x\n    y += 1\n    return y"
THOUGHT = f"A draft:\n```python\n{WRONG}\n```\nNo, wrong.\n</think>\n\n"
ANSWER = f"```python\n{RIGHT}\n```\n"
STOPS = ("\nprint(", "</s>")


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ("a", "a"),
        (["a", "b"], "ab"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        ([{"type": "thinking", "thinking": "no"}, {"type": "output_text", "text": "a"}], "a"),
        ({"type": "text", "text": "a"}, "a"),
        ({"content": [{"text": "a"}]}, "a"),
        (("a", None, 1), "a"),
        (None, None),
        ([], None),
        (1.5, None),
        ({"type": "image_url", "image_url": "x"}, None),
        ("half \ud83d of it", "half \\ud83d of it"),
    ],
)
def test_the_text_in_what_a_loader_returned(response: object, text: str | None) -> None:
    assert text_of(response) == text


@pytest.mark.parametrize("response", ["a", ["a", 1], None, 1.5, {"x": object()}, "\ud83d", ["\ud83d"], b"\xff", [None]])
@pytest.mark.parametrize("thinking", ["auto", "on", "off"])
def test_of_whatever_there_is_a_record_that_files_take(response: object, thinking: str) -> None:
    answer = ResponseParser("complete", "api", Options(thinking=thinking)).read(TASK, response)
    assert isinstance(answer.diagnosis, str)
    for text in (answer.raw, answer.solution):
        text.encode("utf-8")


def test_text_that_can_be_written_is_left_alone() -> None:
    text = "é \U0001f600 \\ud83d \x00"
    assert writable(text) is text or writable(text) == text


def test_thoughts_are_taken_off_before_sanitizing_and_stay_in_the_record() -> None:
    for mode in ("api", "chat"):
        answer = ResponseParser("complete", mode, Options(), STOPS).read(TASK, THOUGHT + ANSWER)
        assert answer.solution == RIGHT
        assert answer.raw == THOUGHT + ANSWER
        assert answer.split.thought


def test_off_takes_the_longest_code_as_the_official_sanitizer_does() -> None:
    answer = ResponseParser("complete", "api", Options(thinking="off")).read(TASK, THOUGHT + ANSWER)
    assert answer.solution == WRONG
    assert not answer.split.thought


def test_stop_strings_end_the_answer_and_not_the_thought() -> None:
    thought = "I try:\nprint(task_func(1))\n</s>\n</think>\n"
    said = f"{thought}{ANSWER}\nprint(task_func(1))\n"
    answer = ResponseParser("complete", "chat", Options(prefill=False), STOPS, thinks=True).read(TASK, said)
    assert (answer.solution, answer.raw) == (RIGHT, thought + ANSWER)
    assert answer.stopped
    official = ResponseParser("complete", "chat", Options(thinking="off"), STOPS).read(TASK, said)
    assert official.raw == "I try:"


def test_what_a_base_model_goes_on_with_holds_no_thoughts_of_its_answer() -> None:
    completion = f"    return 2 * x\nprint(task_func(1))\n</think>\n{WRONG}\n"
    answer = ResponseParser("complete", "direct", Options(), STOPS).read(TASK, completion)
    assert answer.raw == TASK["complete_prompt"] + "    return 2 * x"
    assert "return 2 * x" in answer.solution


def test_a_base_model_that_is_known_to_think_answers_behind_its_prompt() -> None:
    completion = "Hm:\nprint(1)\n</think>    return 2 * x\nprint(2)"
    answer = ResponseParser("complete", "direct", Options(thinking="on"), STOPS, thinks=True).read(TASK, completion)
    assert answer.solution.endswith("return 2 * x")
    assert not answer.split.unfinished


def test_an_unfinished_thought_has_no_code_dug_out_of_it() -> None:
    for said in (f"<think>{WRONG}", f"<think>\nHm.\n```python\n{WRONG}\n```\n"):
        answer = ResponseParser("complete", "api", Options()).read(TASK, said)
        assert (answer.solution, answer.raw) == ("", said)


def test_real_answers_of_a_reasoning_model_are_read_as_officially_or_behind_their_thoughts(shared: Path) -> None:
    file = shared / "real" / "r1_distill_qwen_14b.jsonl.gz"
    if not file.is_file():
        pytest.skip("needs the real answers of a reasoning model, ../shared/real/r1_distill_qwen_14b.jsonl.gz")
    stops = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")
    off = ResponseParser("complete", "chat", Options(thinking="off"), stops)
    auto = ResponseParser("complete", "chat", Options(), stops)
    behind = 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            raw = row["raw_solution"]
            official = off.read(TASK, raw)
            assert official.solution == row["official_solution"]
            assert official.raw == raw
            answer = auto.read(TASK, raw)
            assert answer.split.answer == raw.rpartition("</think>")[2]
            behind += answer.split.thought
    assert behind == 724
