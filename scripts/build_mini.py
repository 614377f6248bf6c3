"""Write bigcodebench_tasks/data/mini.jsonl anew from the programs in scripts/mini/.

    python scripts/build_mini.py

Each program is one task: imports, ``task_func`` with its docstring and canonical solution, and below the line
``# tests`` its test suite. Prompts and the other columns are derived from it in the form of BigCodeBench
(Zhuo et al., 2024), so a task is read and edited in one place.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "mini"
TARGET = SOURCES.parent.parent / "bigcodebench_tasks" / "data" / "mini.jsonl"

SECTIONS = {
    "Parameters": "params",
    "Returns": "returns",
    "Raises": "raises",
    "Requirements": "reqs",
    "Example": "examples",
}


def build(path: Path) -> dict[str, str]:
    """One program as a row of the dataset."""
    program, test = path.read_text(encoding="utf-8").split("\n# tests\n")
    tree = ast.parse(program)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    lines = program.splitlines()
    imports = "\n".join(line for line in lines[: function.lineno - 1] if line)
    definition = lines[function.lineno - 1]
    docstring_end = function.body[0].end_lineno
    assert docstring_end is not None
    docstring = "\n".join(lines[function.lineno : docstring_end])
    structure = read_docstring(ast.get_docstring(function) or "")
    code_prompt = f"{imports}\n{definition}\n"
    return {
        "task_id": f"BigCodeBenchMini/{int(path.name[:2])}",
        "complete_prompt": f"{imports}\n\n{definition}\n{docstring}\n",
        "instruct_prompt": instruction(structure, code_prompt),
        "canonical_solution": "\n".join(lines[docstring_end:]).rstrip(),
        "code_prompt": code_prompt,
        "test": test.strip("\n"),
        "entry_point": function.name,
        "doc_struct": json.dumps(structure, ensure_ascii=False),
        "libs": str(sorted(libraries(tree))),
    }


def read_docstring(docstring: str) -> dict[str, list[str]]:
    """The docstring's sections, a list of lines each."""
    structure: dict[str, list[str]] = {"description": [], "notes": [], **{name: [] for name in SECTIONS.values()}}
    section = "description"
    for line in docstring.splitlines():
        heading = line.rstrip(":")
        if line.endswith(":") and heading in SECTIONS:
            section = SECTIONS[heading]
        elif line.strip():
            structure[section].append(line.strip() if section == "examples" else line.strip().removeprefix("- "))
    return structure


def instruction(structure: dict[str, list[str]], code_prompt: str) -> str:
    """The task in words: what to do, what to raise and to return, and the code to start with."""
    parts = [" ".join(structure["description"])]
    if structure["raises"]:
        parts.append("The function should raise the exception for: " + " ".join(structure["raises"]))
    parts.append("The function should output with:\n    " + "\n    ".join(structure["returns"]))
    parts.append(f"You should write self-contained code starting with:\n```\n{code_prompt}```")
    return "\n".join(parts)


def libraries(tree: ast.Module) -> set[str]:
    """Top-level names of what the program imports."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found


def rows() -> list[dict[str, str]]:
    """All tasks, by number."""
    return [build(path) for path in sorted(SOURCES.glob("[0-9][0-9]_*.py"))]


def text() -> str:
    """The dataset as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")
    print(f"{len(rows())} tasks in {TARGET.name}")
