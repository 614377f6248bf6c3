"""From a response to its solution, as the official sanitizer does.

Every rule is that of ``bigcodebench.sanitize`` 0.2.5, because published scores depend on them. Tests compare the output
with the official package's, byte for byte. If the official code crashes, this module continues:

- a slice that makes `ast.parse` raise something else than `SyntaxError` or `MemoryError` (a NUL on Python
  3.10, a lone surrogate, nesting beyond the recursion limit, some broken f-strings on 3.13) counts as invalid;
- a tree that is too deep for its recursive walk is walked without recursion;
- code that cannot be encoded (a lone surrogate again), and code whose last line is not indented when no entry
  point is given, take the fallback: the longest valid slice of the whole response.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from bigcodebench_tasks.benchmark.code_extract import code_extract, is_valid_syntax

__all__ = ["calibrate", "code_extract", "is_valid_syntax", "sanitize"]

_IMPORTS = frozenset({"import_statement", "import_from_statement"})
_DEFINITIONS = frozenset({"class_definition", "function_definition"})


def calibrate(solution: str, code_prompt: str) -> str:
    """The program that the official evaluator executes by default: the task's function without body, then the solution.

    Args:
        solution: sanitized solution.
        code_prompt: field of the dataset: imports and the signature of the function.
    """
    return code_prompt + "\n    pass\n" + solution


def sanitize(text: str, entry_point: str | None = None) -> str:
    """The part of a response that the task needs: imports, and what the entry point reaches.

    Never fails, and equals the official sanitizer's output wherever that does not crash. Which slice of the response
    counts as code depends on the running Python's grammar.

    Args:
        text: the response; in direct completion the prompt and the response.
        entry_point: name of the function that the task asks for; None keeps every definition.
    """
    try:
        solution = _needed_code(code_extract(text.strip()), entry_point).strip()
    except UnicodeEncodeError:
        solution = ""
    return solution or code_extract(text)


def _needed_code(code: str, entry_point: str | None) -> str:
    source = code.encode("utf8")
    imports: list[Node] = []
    definitions: dict[str | None, Node] = {}  # a name's first definition counts
    # The tree has to outlive its nodes.
    tree = Parser(Language(tree_sitter_python.language())).parse(source)
    for node in tree.root_node.children:
        if node.type in _IMPORTS:
            imports.append(node)
        elif node.type in _DEFINITIONS:
            definitions.setdefault(_name(node), node)
        elif node.type == "expression_statement" and node.children and node.children[0].type == "assignment":
            definitions.setdefault(_name(node.children[0]), node.children[0])
    kept = list(definitions.values())
    if entry_point:
        reachable = _reachable(entry_point, definitions)
        kept = [node for name, node in definitions.items() if name in reachable]
    parts = [source[node.start_byte : node.end_byte] for node in (*imports, *kept)]
    return _without_calls_at_end(b"\n".join(parts).decode("utf8"), entry_point)


def _name(node: Node) -> str | None:
    """The first identifier directly below; of ``a.b = c`` that is c, of ``a, b = 1, 2`` there is none."""
    for child in node.children:
        if child.type == "identifier":
            return _text(child)
    return None


def _text(node: Node) -> str:
    assert node.text is not None  # the parser was given bytes
    return node.text.decode("utf8")


def _reachable(entry_point: str, definitions: Mapping[str | None, Node]) -> set[str]:
    """Names that the entry point mentions, directly or indirectly, also as an attribute or a keyword argument."""
    reachable = {entry_point}
    queue = [entry_point]
    while queue:
        node = definitions.get(queue.pop())
        if node is not None:
            new = set(_identifiers(node)) - reachable
            reachable |= new
            queue += new
    return reachable


def _identifiers(definition: Node) -> Iterator[str]:
    stack = [definition]
    while stack:
        for child in stack.pop().children:
            if child.type == "identifier":
                yield _text(child)
            else:
                stack.append(child)


def _without_calls_at_end(code: str, entry_point: str | None) -> str:
    """Drop trailing unindented lines from the first one on that mentions the entry point.

    "Trailing" ends at the first line, from below, that starts with a space: a body indented by tabs does not
    stop the search, and neither does an empty line.
    """
    lines = code.splitlines()
    cut = None
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith(" "):
            break
        if entry_point is None:
            return ""  # the official code crashes
        if entry_point in lines[index]:
            cut = index
    return code if cut is None else "\n".join(lines[:cut])
