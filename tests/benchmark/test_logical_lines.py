from __future__ import annotations

import ast
import sys

import pytest

from bigcodebench_tasks.benchmark.logical_lines import LogicalLines

since_3_12 = pytest.mark.skipif(sys.version_info < (3, 12), reason="f-strings nest since Python 3.12")


@pytest.mark.parametrize(
    "line",
    [
        "x = 1",
        "f(a,\n[b\n], {c: d\n})",
        "x = '#' ",
        "x = '\\'' + \"\\\"#\"",
        "x = '\\\n#'",
        "x = '''\n'\\'''\n\"\"\"'''",
        "x = ( # )\n)",
        "x + \\\n  y",
        "x = r'\\' + '",
        "x = f'{a}' f'{{'",
        "xf'{'",
        "x = ''",
        'x = """"""',
        pytest.param("f'{a['b']}' + f\"{d[\"(\"]}\"", marks=since_3_12),
        pytest.param("f'{f'{f'{1}'}'}'", marks=since_3_12),
        pytest.param("f'{(\n1 # '\n)}'", marks=since_3_12),
        pytest.param("f'{a:{b}}}}{c!r:>{d}.{e}}'", marks=since_3_12),
        pytest.param("f'''{\n'''a'''\n}'''", marks=since_3_12),
        pytest.param("f'\\N{DASH}\\{a['b']}'", marks=since_3_12),
        pytest.param("rf'\\{a['b']}\\''", marks=since_3_12),
        pytest.param("f'{lambda: (1)}'", marks=since_3_12),
        pytest.param("f'{a:\n}'", marks=since_3_12),
    ],
)
def test_ends_where_the_tokens_end(line: str) -> None:
    assert LogicalLines(line + "\nnext = (\n").end(0) == len(line)
    assert LogicalLines(line + "# comment\n").end(0) == len(line)


@pytest.mark.parametrize("line", ["(", "(]", ")", "x = '", "x = '''", "x \\", "x \\ ", "$", "a?", "`a`", "(\n'"])
def test_has_no_end_when_something_is_open_or_no_token(line: str) -> None:
    assert LogicalLines(line + "\n").end(0) is None


@pytest.mark.parametrize(
    ("source", "indent"),
    [
        ("x\n", ("", 0, 0)),
        ("  x\n", ("  ", 2, 2)),
        ("  \tx\n", ("  \t", 8, 3)),
        ("  \f x\n", ("  \f ", 1, 4)),
        (" \\\n    x\n", (" ", 1, 7)),
        ("\\\n  x\n", ("  ", 2, 4)),
    ],
)
def test_measures_indents_as_the_tokenizer_does(source: str, indent: tuple[str, int, int]) -> None:
    assert LogicalLines(source).indent(0) == indent


class Counting(LogicalLines):
    """Counts the steps from one row to the next."""

    steps = 0

    def _is_continued(self, position: int) -> bool:
        self.steps += 1
        return super()._is_continued(position)


@pytest.mark.parametrize("row", ["\\\n", " \\\n", "\f\\\n", " \f\\\n", "    \n", "\t\n"])
def test_the_indents_of_all_rows_together_take_one_walk(row: str) -> None:
    rows = 2000
    lines = Counting(row * rows + "x\n")
    for start in range(0, len(row) * rows, len(row)):
        lines.indent(start)
    assert lines.steps <= 3 * rows


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("    \\\n  x\n", 4),
        ("\\\n  x\n", 2),
        ("\\\n\\\n  x\n", 2),
        ("\\\n \\\n   x\n", 1),
        ("  \f\\\n   x\n", 3),
        ("\t\\\n \\\nx\n", 8),
        ("  \f x\n", 1),
        ("\\\n\\\nx\n", 0),
    ],
)
def test_the_indent_of_a_continued_line_is_that_of_its_first_row_with_one(text: str, column: int) -> None:
    lines = LogicalLines(text)
    assert lines.indent(0)[1:] == (column, text.index("x"))
    code = "if 1:\n" + text if column else text
    assert isinstance(ast.parse(code.replace("x\n", "y = 1\n" + " " * column + "z = 2\n")), ast.Module)
