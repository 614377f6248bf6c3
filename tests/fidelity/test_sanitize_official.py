"""Our sanitizer and the official package's give the same text."""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bigcodebench_tasks.benchmark.sanitize import code_extract, sanitize
from tests.fidelity.official_sanitizer import CRASHES, OfficialSanitizer, Unavailable, install
from tests.helpers import responses

pytestmark = pytest.mark.fidelity

Solution = tuple[str, str]  # program, entry point


@pytest.fixture(scope="module")
def official(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficialSanitizer]:
    """The official sanitizer, installed once and kept in pytest's cache."""
    cached = pytestconfig.pluginmanager.hasplugin("cacheprovider") and pytestconfig.cache
    name = f"official-sanitizer-{sys.version_info.major}.{sys.version_info.minor}"
    folder = cached.mkdir(name) if cached else tmp_path_factory.mktemp(name)
    try:
        python = install(folder)
    except Unavailable as reason:
        pytest.skip(f"needs bigcodebench from PyPI: {reason}")
    with OfficialSanitizer(python) as process:
        yield process


@pytest.fixture(scope="module")
def solutions(shared: Path) -> list[Solution]:
    with gzip.open(shared / "data" / "BigCodeBench-v0.1.4.jsonl.gz", "rt", encoding="utf8") as rows:
        tasks = [json.loads(row) for row in rows]
    return [(task["code_prompt"] + task["canonical_solution"], task["entry_point"]) for task in tasks]


def assert_same(official: OfficialSanitizer, text: str, entry_point: str | None) -> str:
    """The official output; ours has to be the same, or to exist where the official code crashes."""
    theirs = official.sanitize(text, entry_point)
    ours = sanitize(text, entry_point)
    if theirs not in CRASHES:
        assert ours == theirs, repr(text)
    return theirs


SAMPLE = 60  # every so many solutions in the quick tests


def test_every_kind_of_answer_for_a_sample_of_solutions(official: OfficialSanitizer, solutions: list[Solution]) -> None:
    for code, entry_point in solutions[::SAMPLE]:
        for text in responses.wrapped(code, entry_point).values():
            assert_same(official, text, entry_point)


@pytest.mark.slow
def test_every_kind_of_answer_for_all_solutions(official: OfficialSanitizer, solutions: list[Solution]) -> None:
    for code, entry_point in solutions:
        for text in responses.wrapped(code, entry_point).values():
            assert_same(official, text, entry_point)


@pytest.mark.slow
def test_truncated_at_every_tenth_line(official: OfficialSanitizer, solutions: list[Solution]) -> None:
    longest = sorted(solutions, key=lambda solution: solution[0].count("\n"))[-100:]
    for code, entry_point in longest:
        lines = responses.wrapped(code, entry_point)["text around"].split("\n")
        for count in range(10, len(lines), 10):
            assert_same(official, "\n".join(lines[:count]), entry_point)


def test_random_fragments(official: OfficialSanitizer) -> None:
    rng = random.Random(5)
    crashes = 0
    for _ in range(4000):
        output = assert_same(official, responses.random_answer(rng), rng.choice(["f", "x", "task_func", "", None]))
        crashes += output.startswith("<")
    assert crashes < 2000


@seed(5)
@settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(st.sampled_from(responses.FRAGMENTS), st.text(max_size=8)), max_size=8).flatmap(
        lambda lines: st.tuples(
            st.just(lines), st.lists(st.sampled_from(responses.INDENTS), min_size=len(lines), max_size=len(lines))
        )
    ),
    st.sampled_from(["f", "x", "a", "A"]),
)
def test_generated_text(official: OfficialSanitizer, text: tuple[list[str], list[str]], entry_point: str) -> None:
    lines, indents = text
    assert_same(official, "\n".join(map(str.__add__, indents, lines)), entry_point)


def mutations(solutions: list[Solution], count: int) -> Iterator[Solution]:
    rng = random.Random(7)
    for _ in range(count):
        code, entry_point = rng.choice(solutions)
        text = rng.choice(list(responses.wrapped(code, entry_point).values()))
        yield responses.mutated(rng, text), entry_point


def test_some_mutated_answers(official: OfficialSanitizer, solutions: list[Solution]) -> None:
    short = [solution for solution in solutions if solution[0].count("\n") < 20]
    for text, entry_point in mutations(short, 150):
        assert_same(official, text, entry_point)


@pytest.mark.slow
def test_mutated_answers(official: OfficialSanitizer, solutions: list[Solution]) -> None:
    for text, entry_point in mutations(solutions, 5000):
        assert_same(official, text, entry_point)


@pytest.mark.parametrize(
    ("text", "entry_point"),
    {
        "first definition wins": ("def f(): return 1\n\ndef f(): return 2\n\nx = 1\nx = 2\n", "f"),
        "a class hides a function": ("class f:\n    pass\ndef f():\n    pass\n", "f"),
        "an attribute connects": ("def g():\n    pass\ndef f(x):\n    return x.g\n", "f"),
        "a string does not connect": ("def g():\n    pass\ndef f(x):\n    return 'g'\n", "f"),
        "named by the value of an attribute assignment": ("a.b = f\ndef f():\n    pass\n", "f"),
        "annotated assignment": ("x: int = 1\ndef f():\n    return x\n", "f"),
        "several targets": ("a, b = 1, 2\ndef f():\n    return a\n", "f"),
        "augmented assignment": ("a = 1\na += 2\ndef f():\n    return a\n", "f"),
        "decorated is left out": ("@g\ndef f():\n    return 1\nx = 2\n", "f"),
        "imports inside try are left out": ("try:\n    import a\nexcept E:\n    a = 1\ndef f():\n    return a\n", "f"),
        "future import": ("from __future__ import annotations\nimport a\ndef f():\n    return a\n", "f"),
        "one-line function is cut": ("import a\ndef f(): return a\n", "f"),
        "mention in the last assignment": ("def f():\n    return 1\nresult = f()\n", "f"),
        "mention in a part of a word": ("def f():\n    return off\noff = 1\n", "f"),
        "tabs do not stop the cut": ("def f():\n\treturn 1\n", "f"),
        "form feed splits lines": ("def f():\n    return '\x0cf'\n", "f"),
        "string over lines stops nothing": ("def f():\n    return '''\nf\n'''\n", "f"),
        "entry point missing": ("import a\ndef g():\n    return a\n", "f"),
        "no definition": ("print(1)\nprint(2)\n", "f"),
        "match": ("def f(x):\n    match x:\n        case 1:\n            return g\ndef g():\n    pass\n", "f"),
        "walrus, lambda, comprehension": ("g = lambda: 1\ndef f():\n    return [y for x in z if (y := g())]\n", "f"),
        "semicolons": ("import a; import b; x = 1\ndef f():\n    return x; y\n", "f"),
        "empty entry point": ("def f():\n    return 1\nx = 1\n", ""),
        "no entry point": ("x = 1\ndef f():\n    return 1\ndef f():\n    return 2\n", None),
        "non-ASCII": ("é = 'ü'\ndef f():\n    return é, 'λ𐍈'\n", "f"),
        "print statement": ("def f():\n    print 1\n    return 2\n", "f"),
        "single line": ("def f(): return 1", "f"),
        "single line in white space": ("\n\n   def f(): return 1  \n\n", "f"),
        "empty": ("", "f"),
        "blank": (" \n\n", "f"),
        "byte order mark": ("\ufeffdef f():\n    return 1\n", "f"),
    }.values(),
)
def test_odd_rules(official: OfficialSanitizer, text: str, entry_point: str | None) -> None:
    assert not assert_same(official, text, entry_point).startswith("<")


DEEP = "def f():\n    return 1" + " + 1" * 1200


@pytest.mark.parametrize(
    ("text", "entry_point", "error", "ours"),
    {
        "lone surrogate": ("def f():\n    return 1\n\ud800", "f", "UnicodeEncodeError", "def f():\n    return 1"),
        "only a surrogate": ("\ud800", "f", "UnicodeEncodeError", "\ud800"),
        "no entry point": ("def f():\n    return 1\nx = 1\n", None, "TypeError", "def f():\n    return 1\nx = 1"),
        "deep tree": (DEEP, "f", "RecursionError", DEEP),
    }.values(),
)
def test_where_the_official_code_crashes_ours_goes_on(
    official: OfficialSanitizer, text: str, entry_point: str | None, error: str, ours: str
) -> None:
    assert official.sanitize(text, entry_point) == f"<{error}>"
    assert sanitize(text, entry_point) == ours


def test_a_null_character_is_a_crash_or_an_invalid_slice(official: OfficialSanitizer) -> None:
    text = "def f():\n    return 1\n\0"
    assert official.sanitize(text, "f") in {"<ValueError>", "def f():\n    return 1"}
    assert sanitize(text, "f") == "def f():\n    return 1" == code_extract(text)
