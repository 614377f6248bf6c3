"""Every response becomes a sample: text, parts, null, reasoning, lone surrogates."""

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
REASONING = f"A draft:\n```python\n{WRONG}\n```\nNo, wrong.\n</think>\n\n"
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
@pytest.mark.parametrize("reasoning", ["auto", "on", "off"])
def test_every_response_becomes_text_that_files_take(response: object, reasoning: str) -> None:
    parsed = ResponseParser("complete", "api", Options(reasoning=reasoning)).parse(TASK, response)
    assert isinstance(parsed.diagnosis, str)
    for text in (parsed.raw, parsed.solution):
        text.encode("utf-8")


def test_text_that_can_be_written_is_left_alone() -> None:
    text = "é \U0001f600 \\ud83d \x00"
    assert writable(text) is text or writable(text) == text


def test_reasoning_is_removed_before_sanitizing_and_stays_in_the_record() -> None:
    for mode in ("api", "chat"):
        parsed = ResponseParser("complete", mode, Options(), STOPS).parse(TASK, REASONING + ANSWER)
        assert parsed.solution == RIGHT
        assert parsed.raw == REASONING + ANSWER
        assert parsed.reasoning.found


def test_off_takes_the_longest_code_as_the_official_sanitizer_does() -> None:
    parsed = ResponseParser("complete", "api", Options(reasoning="off")).parse(TASK, REASONING + ANSWER)
    assert parsed.solution == WRONG
    assert not parsed.reasoning.found


def test_stop_strings_end_the_answer_and_not_the_reasoning() -> None:
    thought = "I try:\nprint(task_func(1))\n</s>\n</think>\n"
    said = f"{thought}{ANSWER}\nprint(task_func(1))\n"
    parsed = ResponseParser("complete", "chat", Options(prefill=False), STOPS, reasons=True).parse(TASK, said)
    assert (parsed.solution, parsed.raw) == (RIGHT, thought + ANSWER)
    assert parsed.stopped
    official = ResponseParser("complete", "chat", Options(reasoning="off"), STOPS).parse(TASK, said)
    assert official.raw == "I try:"


def test_what_a_base_model_writes_after_its_answer_is_not_reasoning() -> None:
    completion = f"    return 2 * x\nprint(task_func(1))\n</think>\n{WRONG}\n"
    parsed = ResponseParser("complete", "direct", Options(), STOPS).parse(TASK, completion)
    assert parsed.raw == TASK["complete_prompt"] + "    return 2 * x"
    assert "return 2 * x" in parsed.solution


def test_a_base_model_that_is_known_to_reason_completes_its_prompt() -> None:
    completion = "Hm:\nprint(1)\n</think>    return 2 * x\nprint(2)"
    parsed = ResponseParser("complete", "direct", Options(reasoning="on"), STOPS, reasons=True).parse(TASK, completion)
    assert parsed.solution.endswith("return 2 * x")
    assert not parsed.reasoning.unfinished


def test_no_code_is_taken_from_unfinished_reasoning() -> None:
    for said in (f"<think>{WRONG}", f"<think>\nHm.\n```python\n{WRONG}\n```\n"):
        parsed = ResponseParser("complete", "api", Options()).parse(TASK, said)
        assert (parsed.solution, parsed.raw) == ("", said)


def test_real_answers_of_a_reasoning_model_are_parsed_as_officially_or_after_their_reasoning(shared: Path) -> None:
    file = shared / "real" / "r1_distill_qwen_14b.jsonl.gz"
    if not file.is_file():
        pytest.skip("needs the real answers of a reasoning model, ../shared/real/r1_distill_qwen_14b.jsonl.gz")
    stops = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")
    off = ResponseParser("complete", "chat", Options(reasoning="off"), stops)
    auto = ResponseParser("complete", "chat", Options(), stops)
    behind = 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            raw = row["raw_solution"]
            official = off.parse(TASK, raw)
            assert official.solution == row["official_solution"]
            assert official.raw == raw
            parsed = auto.parse(TASK, raw)
            assert parsed.reasoning.answer == raw.rpartition("</think>")[2]
            behind += parsed.reasoning.found
    assert behind == 724
