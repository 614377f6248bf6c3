from __future__ import annotations

import ast
import random
import warnings

import pytest

from bigcodebench_tasks.benchmark.code_extract import code_extract, is_valid_syntax
from tests.helpers import responses


def by_definition(text: str) -> str:
    """The slice that is wanted, found by trying all."""
    lines = text.split("\n")
    best = (0, 0, 0)
    for start in range(len(lines)):
        for end in range(start + 1, len(lines)):
            size = sum(bool(line.strip()) for line in lines[start : end + 1])
            if size > best[0] and is_valid_syntax("\n".join(lines[start : end + 1])):
                best = (size, start, end)
    return "\n".join(lines[best[1] : best[2] + 1])


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_finds_the_slice_of_the_definition_in_random_text() -> None:
    rng = random.Random(20240613)
    found = 0
    for _ in range(5000):
        text = responses.random_answer(rng)
        expected = by_definition(text)
        assert code_extract(text) == expected, repr(text)
        found += "\n" in expected
    assert found > 300


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "the first of two equally long": ("a\nb\n$\nc\nd", "a\nb"),
        "blank lines do not count": ("a\n\n\n\n$\nc\nd", "c\nd"),
        "but come along in front": ("\n\na\nb\n", "\n\na\nb"),
        "a comment counts": ("# a\n# b\n$\nc", "# a\n# b"),
        "one line is no slice": ("a\n$\nb\n$", "a"),
        "unless a blank one follows": ("$\nb\n\n$", "b\n"),
        "nothing valid: the first line": ("$\n$\n$", "$"),
        "empty": ("", ""),
        "blank": ("\n\n", ""),
        "header without a body": ("a\nb\nif x:", "a\nb"),
        "try without except": ("x\ntry:\n  y\n  z\nw", "x"),
        "decorator without function": ("a\nb\n@c", "a\nb"),
        "decorated": ("$\n@c\n# d\n@e\ndef f(): pass", "@c\n# d\n@e\ndef f(): pass"),
        "decorated import": ("a\n$\n@c\nimport f\nb", "import f\nb"),
        "unclosed bracket": ("a\nb\nc(\nd\ne", "a\nb"),
        "unclosed string": ("a\nb\nx = '''\nc\nd\ne", "c\nd\ne"),
        "else belongs above": ("$\nelse:\n  a\n  b\nc\nd", "c\nd"),
        "carriage returns end rows, not lines": ("$\nif a:\r  b\rc\nd\n$", "if a:\r  b\rc\nd"),
        "backslash at the end": ("a\nb\nc \\", "a\nb"),
        "backslash before a blank line": ("$\na \\\n \n$", "a \\\n "),
        "NUL": ("a\n\x00\nb\nc\nd", "b\nc\nd"),
        "surrogate in a string": ("a\nb\nx = '''\n\ud800\n'''\nc", "a\nb"),
    }.values(),
)
def test_chooses(text: str, expected: str) -> None:
    assert code_extract(text) == expected == by_definition(text)


def test_warnings_do_not_make_code_invalid() -> None:
    code = "x = '\\d'\ny = 1or 2"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert code_extract(code) == code


@pytest.mark.parametrize("code", ["x = \x00", "'\ud800'", "(" * 300 + ")" * 300, "print x", "-" * 100_000])
def test_whatever_python_raises_is_invalid_syntax(code: str) -> None:
    assert not is_valid_syntax(code)


def test_valid_syntax_is_what_parses_not_what_compiles() -> None:
    ast.parse("return 1")
    assert is_valid_syntax("return 1")


@pytest.mark.parametrize(
    "lines",
    [
        ["(the model", "isn't sure"] * 2500,
        ["item (see the docs"] * 5000,
        ['x = """', *["prose it is"] * 5000],
        ["x = 1", "some prose"] * 2500,
        ["def f():", *["    y = 2"] * 2500, "    oh no", *["    y = 2"] * 2500],
        ["@x"] * 5000,
        ["- point (a", "  * point [b", "1. c"] * 1700,
    ],
    ids=["prose", "open brackets", "open string", "fragments", "broken function", "decorators", "list"],
)
def test_asks_python_about_each_part_a_few_times(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # The official way asks about 12,500,000 slices. Time is the benchmark's business; this is what causes it.
    characters = 0
    parse = ast.parse

    def counting_parse(source: str) -> ast.AST:
        nonlocal characters
        characters += len(source)
        return parse(source)

    monkeypatch.setattr(ast, "parse", counting_parse)
    text = "\n".join(lines)
    code_extract(text)
    assert characters < 60 * len(text)
