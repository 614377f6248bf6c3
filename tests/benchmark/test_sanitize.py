from __future__ import annotations

import pytest

from bigcodebench_tasks.benchmark.sanitize import calibrate, sanitize

ANSWER = """Here's what I'd do (briefly):

```python
import os
from math import pi

LIMIT = 3
UNUSED = 4

class Shape:
    def area(self):
        return helper(LIMIT)

def helper(x):
    return x * pi

def other():
    return UNUSED

def area(shape: Shape):
    return shape.area()

def area(shape):
    return 0

print(area(Shape()))
```
I hope that's clear!"""

SOLUTION = """import os
from math import pi
LIMIT = 3
class Shape:
    def area(self):
        return helper(LIMIT)
def helper(x):
    return x * pi
def area(shape: Shape):
    return shape.area()"""


def test_keeps_imports_and_what_the_entry_point_reaches() -> None:
    assert sanitize(ANSWER, "area") == SOLUTION


def test_its_output_stays_as_it_is() -> None:
    assert sanitize(SOLUTION, "area") == SOLUTION


def test_keeps_every_first_definition_without_an_entry_point() -> None:
    kept = sanitize(ANSWER, None)
    assert "UNUSED = 4" in kept
    assert "def other" in kept
    assert kept.count("def area(shape") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "decorated functions are no definitions": ("import a\n@b\ndef f():\n    pass", "import a"),
        "a one-line function is cut off": ("import a\ndef f(): return a", "import a"),
        "tabs do not stop the cut": ("import a\ndef f():\n\treturn a", "import a"),
        "a mention below is cut off, even in a word": ("def f():\n    g()\ng = off", "def f():\n    g()"),
        "nothing left: the longest valid slice": ("x\ny\n", "x\ny"),
        "nothing left, nothing valid: the first line": ("\nHello there.\nI can't.", ""),
        "empty": ("", ""),
        "lone surrogate": ("\ud800", "\ud800"),
    }.values(),
)
def test_odd_rules(text: str, expected: str) -> None:
    assert sanitize(text, "f") == expected


def test_gives_the_longest_valid_slice_where_an_entry_point_would_be_needed() -> None:
    assert sanitize("Hi!\nx = 1\nx = 2\n\n", None) == "x = 1\nx = 2"


def test_calibration_puts_the_empty_function_first() -> None:
    assert calibrate("x = 1", "def f():") == "def f():\n    pass\nx = 1"
