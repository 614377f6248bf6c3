"""Why a response cannot score is told from its text."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.benchmark.diagnosis import (
    CUT,
    DEDENTED,
    DIAGNOSES,
    EMPTY,
    NO_CODE,
    NO_ENTRY_POINT,
    NO_SYNTAX,
    NULL,
    PASSED_OVER,
    UNFINISHED,
)
from bigcodebench_tasks.benchmark.prompts import Mode
from bigcodebench_tasks.benchmark.response_parser import ResponseParser
from bigcodebench_tasks.options import Options

TASK = {"complete_prompt": 'import os\n\ndef task_func(x):\n    """Doubles."""\n', "entry_point": "task_func"}
CODE = "import os\n\ndef task_func(x):\n    y = x + x\n    return y\n"


def found(response: object, mode: Mode = "api", **settings: object) -> str:
    parser = ResponseParser("complete", mode, settings.pop("options", Options()), **settings)  # type: ignore[arg-type]
    return parser.parse(TASK, response).diagnosis


def words(text: str) -> int:
    """A tokenizer."""
    return len(text.split())


def fenced(code: str) -> str:
    return f"Here it is:\n```python\n{code}```\nIt works.\n"


def indented(text: str, by: str = "   ") -> str:
    return "".join(f"{by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("response", "diagnosis"),
    [
        (fenced(CODE), ""),
        (CODE, ""),
        ("```\ntask_func = lambda x: 2 * x\nassert task_func(1) == 2\n```", ""),
        (None, NULL),
        (7, NULL),
        ([{"type": "thinking", "thinking": "hm"}], NULL),
        ("", EMPTY),
        (" \n", EMPTY),
        ("<think>Hm, " + fenced(CODE), UNFINISHED),
        ("<think>Hm.</think>", EMPTY),
        ("I cannot help with that.", NO_CODE),
        ("First of all, think.\nThen write it.", NO_CODE),
        (fenced("def other(x):\n    return x\n"), NO_ENTRY_POINT),
        (fenced("import os\nprint(os.name)\n"), NO_ENTRY_POINT),
        (fenced("def task_func(x):\n    return x +* 2\n    for\n"), NO_SYNTAX),
        (fenced("def task_func(x) {\n    return x;\n}\n"), NO_SYNTAX),
        ("1. Write it:\n\n" + indented(f"```python\n{CODE}```\n") + "\n2. Done.\n", DEDENTED),
        (fenced(indented(CODE)), DEDENTED),
        (fenced(CODE.replace("    ", "\u00a0\u00a0\u00a0\u00a0")), DEDENTED),
        ("Here it is:\n```python\n" + CODE[:-4], CUT),
        # The official sanitizer looks at slices of at least two lines, and takes the longest.
        (fenced("def task_func(x): return 2 * x\n"), PASSED_OVER),
        (fenced("task_func = lambda x: 2 * x\n"), PASSED_OVER),
        (fenced(CODE) + fenced("import re\n" * 9), PASSED_OVER),
        ("1. Write it:\n\n   ```python\n   def task_func(x): return 2 * x\n   ```\n2. Done.\n", DEDENTED),
        (fenced("if True:\n    def task_func(x):\n        return x\n"), ""),
        (fenced("class Solution:\n    def task_func(self, x):\n        return x\n"), NO_ENTRY_POINT),
    ],
)
def test_why_a_response_cannot_score(response: object, diagnosis: str) -> None:
    assert found(response) == diagnosis
    assert diagnosis in ("", *DIAGNOSES)


@pytest.mark.parametrize("response", [fenced("def task_func(x):\n    return x +* 2\n    for\n"), "I cannot."])
def test_the_loaders_tokenizer_says_what_was_cut(response: str) -> None:
    number = words(response)
    assert found(response, limit=number, count=words) == CUT
    assert found(response, limit=number + 2, count=words) != CUT
    assert found("Here it is:\n```python\n" + CODE[:-4], limit=1000, count=words) == ""


def test_a_response_that_a_stop_string_ended_was_not_cut() -> None:
    response = CODE + "\nprint(task_func(1))" + "\n# and so on" * 9
    assert found(response, "chat", stops=("\nprint(",), limit=words(response), count=words) == ""
    assert found(response, "chat", limit=words(response), count=words) == CUT


def test_a_prefilled_response_closes_a_fence_that_it_did_not_open() -> None:
    assert found(CODE + "```\nDone.\n", "chat") == ""
    assert found(CODE, "chat") == ""
    assert found(CODE + "\nx = (1,", "chat") == CUT


@pytest.mark.parametrize(
    ("completion", "diagnosis"),
    [
        ("    return 2 * x\n", ""),
        ("    return 2 * (x", CUT),
        ("    return '", CUT),
        ("    for each in x:", CUT),
        ("    return x +* 2\n    return 3\n", NO_SYNTAX),
        ("\u00a0\u00a0\u00a0\u00a0y = x\n\u00a0\u00a0\u00a0\u00a0return y\n", DEDENTED),
        ("\n", EMPTY),
    ],
)
def test_direct_completion_is_judged_behind_its_prompt(completion: str, diagnosis: str) -> None:
    assert found(completion, "direct") == diagnosis


def test_reasoning_that_the_prompt_started_has_to_end() -> None:
    assert found(fenced(CODE), "chat", options=Options(prefill=False), started_in_prompt=True) == UNFINISHED
    assert found("Hm.\n</think>\n" + fenced(CODE), "chat", options=Options(prefill=False), started_in_prompt=True) == ""


def test_after_reasoning_an_answer_opens_its_own_fence() -> None:
    assert found(CODE + "```\nHm.\n</think>\n" + fenced(CODE)[:-20], "chat") == CUT
    assert found(CODE + "```\nHm.\n</think>\n" + fenced(CODE), "chat") == ""


def test_a_long_chain_of_elif_is_no_error() -> None:
    chain = "if x == 0:\n    y = 0\n" + "".join(f"elif x == {n}:\n    y = {n}\n" for n in range(1, 1000))
    assert found(fenced(f"x = 3\n{chain}")) == NO_ENTRY_POINT
    assert found(fenced(f"x = 3\n{chain}else:\n    def task_func(x):\n        return x\n")) == ""
