"""Why a response cannot score, by its text alone, before any verdict.

The most frequent cause of a wrong score is a setting that looks like a weak model: too few tokens, reasoning that never
ends, a server that returns nothing. A failed test does not show it; the text does.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from bigcodebench_tasks.benchmark.sanitize import sanitize

NULL = "null"
EMPTY = "empty"
UNFINISHED = "reasoning unfinished"
CUT = "cut by the token limit"
DEDENTED = "code only after dedenting"
PASSED_OVER = "code passed over"
NO_CODE = "no code"
NO_ENTRY_POINT = "code without the entry point"
NO_SYNTAX = "does not parse"

DIAGNOSES = {
    NULL: "null or without text: refused by the server, or all tokens went into reasoning that it does not return",
    EMPTY: "empty: refused by the server, or all tokens went into reasoning that it does not return",
    UNFINISHED: "reasoning that never ended, so they hold no answer",
    CUT: "cut by the token limit",
    NO_CODE: "without code",
    NO_ENTRY_POINT: "code that does not define the task's function",
    NO_SYNTAX: "code that Python does not parse",
    DEDENTED: "code that is indented as a whole, or by no-break spaces: the official sanitizer takes none of it",
    PASSED_OVER: "code that defines the function, but that the official sanitizer does not take: a single line in a "
    "fence, or a block that is not the longest",
}
"""Diagnosis, as records name it, to its meaning, which completes "responses are"."""

_FENCED = re.compile(r"^([^\S\n]*)(`{3,})[^\n`]*\n(.*?)(?:^[^\S\n]*\2`*[^\S\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^\s*(?:```|(?:async )?def |class |import \w|from [\w.]+ import |@\w)", re.MULTILINE)
# Unicode spaces, such as the no-break space, which Python does not take as indentation.
_ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_STAYS_OPEN = ("was never closed", "unterminated triple-quoted", "unexpected EOF", "EOF while scanning")


@dataclass(frozen=True)
class PromptInfo:
    """What a model was asked, as far as a diagnosis needs it.

    Attributes:
        entry_point: name of the function that the task asks for.
        prompt: what precedes the response when it is sanitized: the raw prompt in direct completion, else "".
        in_block: the prompt has opened a code block, so the response's fences do not pair.
        limit: tokens of a response; None if unknown.
        count: number of tokens of a text, by the loader's tokenizer; None if the loader has none.
    """

    entry_point: str
    prompt: str = ""
    in_block: bool = False
    limit: int | None = None
    count: Callable[[str], int] | None = None


def diagnose(response: str, answer: str, solution: str, asked: PromptInfo, *, stopped: bool = False) -> str:
    """Why a response cannot score: a name of `DIAGNOSES`, or "" if its text does not tell. Never fails.

    Args:
        response: the whole text, reasoning included.
        answer: the part that is sanitized, without `PromptInfo.prompt`.
        solution: what the sanitizer took.
        asked: what the model was asked.
        stopped: a stop string ended the response, so the token limit did not.
    """
    if not answer.strip():
        return CUT if response.strip() and not stopped and _at_limit(response, asked) else EMPTY
    if not stopped and _is_cut(response, answer, asked):
        return CUT
    if _defines(solution, asked.entry_point) and not (asked.prompt and _adds_nothing(solution, asked)):
        return ""
    if lost := _lost_to_form(answer, asked):
        return lost
    definition = rf"\bdef\s+{re.escape(asked.entry_point)}\b"
    if asked.prompt or re.search(definition, answer):
        # Code that parses defines it in a class or in another function.
        inside = not asked.prompt and re.search(definition, solution) and _syntax_error(solution) is None
        return NO_ENTRY_POINT if inside else NO_SYNTAX
    return NO_ENTRY_POINT if _CODE.search(answer) else NO_CODE


def _at_limit(response: str, asked: PromptInfo) -> bool:
    """Whether the response has as many tokens as the limit, less 1%: tokens merge when a text is tokenized again."""
    if asked.limit is None or asked.count is None:
        return False
    return asked.count(response) >= asked.limit - max(1, asked.limit // 100)


def _is_cut(response: str, answer: str, asked: PromptInfo) -> bool:
    if asked.limit is not None and asked.count is not None:
        return _at_limit(response, asked)
    if asked.prompt:
        return _stays_open(asked.prompt + answer)
    fences = re.findall(r"^[^\S\n]*```[^\n]*", answer, re.MULTILINE)
    if len(fences) % 2 == 1 and not asked.in_block:
        return True
    return len(fences) == 0 and asked.in_block and _stays_open(answer)


def _stays_open(code: str) -> bool:
    """Whether the last statement is incomplete: an open bracket or string, or a syntax error at the very end."""
    error = _syntax_error(code)
    if error is None:
        return False
    if any(words in (error.msg or "") for words in _STAYS_OPEN):
        return True
    lines = code.rstrip().split("\n")
    number, column = error.lineno or 0, error.offset or 0
    ends_there = column > len(lines[-1].rstrip()) or "unterminated string" in (error.msg or "")
    return number > len(lines) or (number == len(lines) and ends_there)


def _syntax_error(code: str) -> SyntaxError | None:
    try:
        _parse(code)
    except SyntaxError as error:
        return error
    except (MemoryError, ValueError, RecursionError):
        return None
    return None


def _parse(code: str) -> ast.Module:
    with warnings.catch_warnings():  # invalid escape sequences
        warnings.simplefilter("ignore")
        return ast.parse(code)


def _defines(code: str, name: str) -> bool:
    """Whether code parses and binds a name at its top level, also under a condition."""
    try:
        stack: list[ast.AST] = [_parse(code)]
    except (SyntaxError, MemoryError, ValueError, RecursionError):
        return False
    while stack:  # no recursion: an `if` with 1,000 `elif` is nested 1,000 deep
        for node in ast.iter_child_nodes(stack.pop()):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if node.name == name:
                    return True
            elif isinstance(node, ast.Import | ast.ImportFrom):
                if any((alias.asname or alias.name) == name for alias in node.names):
                    return True
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                if name in _targets(node):
                    return True
            elif isinstance(node, ast.stmt | ast.ExceptHandler):
                stack.append(node)
    return False


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _adds_nothing(solution: str, asked: PromptInfo) -> bool:
    """Whether the solution is the prompt's function without a body, with nothing of the response."""
    return solution == sanitize(asked.prompt, asked.entry_point)


def _lost_to_form(answer: str, asked: PromptInfo) -> str:
    """`PASSED_OVER` or `DEDENTED` if code in the answer defines the function, unchanged or dedented; else ""."""
    plain = _ODD_SPACES.sub(" ", answer)
    if asked.prompt:
        solution = "" if plain == answer else sanitize(asked.prompt + plain, asked.entry_point)
        return DEDENTED if _defines(solution, asked.entry_point) and not _adds_nothing(solution, asked) else ""
    if any(_would_do(code, asked) for code in _blocks(answer)):
        return PASSED_OVER
    dedented = [textwrap.dedent(code) for code in _blocks(plain)]
    candidates = [*dedented, "\n".join(dedented), textwrap.dedent(plain)]
    return DEDENTED if any(_would_do(code, asked) for code in candidates) else ""


def _blocks(answer: str) -> list[str]:
    return [code for _indent, _fence, code in _FENCED.findall(answer)]


def _would_do(code: str, asked: PromptInfo) -> bool:
    return _defines(sanitize(code, asked.entry_point), asked.entry_point)
