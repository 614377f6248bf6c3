"""docs/architecture.md is true: its layers are those that CI holds, its table says who imports whom, its files are."""

from __future__ import annotations

import ast
import re
import sys

import grimp
import pytest
from importlinter import api as importlinter

from tests.helpers.project import ROOT

NAME = "bigcodebench_tasks"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WORKER = ROOT / NAME / "execution" / "worker"
ALIAS = "_bigcodebench_inside"  # what that folder is called in the environment's Python


def layers() -> list[list[str]]:
    """The layers that import-linter holds, from the top: each a list of parts that do not know each other."""
    contracts = importlinter.read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    (held,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[part.strip() for part in layer.split("|")] for layer in held]


def real_imports() -> dict[str, set[str]]:
    """Each folder or module at the package's top to those whose modules it imports."""
    graph = grimp.build_graph(NAME, exclude_type_checking_imports=True)
    parts = {child.removeprefix(f"{NAME}.") for child in graph.find_children(NAME)}
    imports: dict[str, set[str]] = {part: set() for part in parts}
    for module in graph.modules - {NAME}:
        part = module.split(".")[1]
        for imported in graph.find_modules_directly_imported_by(module) - {NAME}:
            imports[part].add(imported.split(".")[1])
        imports[part].discard(part)
    return imports


def table() -> dict[str, set[str]]:
    """The page's table: folder or module to what its last cell says that it imports."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:3] == "| `"]
    names = [row[0].strip("`").removesuffix("/").removesuffix(".py") for row in rows]
    return {name: set(re.findall(r"`(\w+)`", row[-1])) for name, row in zip(names, rows, strict=True)}


def test_the_pages_diagram_shows_the_layers_that_the_linter_holds() -> None:
    diagram = re.search(r"<!-- layers -->\n+```\n(.*?)```", PAGE, re.DOTALL)
    assert diagram is not None
    # A line of the diagram: an arrow or spaces, the layer's parts, two spaces, what they are.
    shown = [re.split(r"\s{2,}", line.strip(" │▼"))[0] for line in diagram[1].splitlines() if line.strip(" │▼")]
    assert [[part.strip() for part in line.split("|")] for line in shown] == layers()


def test_the_pages_table_says_what_each_folder_imports() -> None:
    real = real_imports()
    order = [part for layer in layers() for part in layer]
    cells = {part: ", ".join(f"`{name}`" for name in order if name in real[part]) for part in order}
    wrong = [f"{part}: {cells[part]}" for part in order if table().get(part) != real[part]]
    assert wrong == [], "cells that should be: " + "; ".join(wrong)
    assert table().keys() == real.keys()


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_file_and_folder_that_the_page_names_exists(page: str) -> None:
    named = re.findall(r"`([\w./-]+(?:/|\.(?:py|md|cfg|toml|yaml|jsonl|txt|in|pth)))`", (ROOT / page).read_text())
    assert named
    places = [ROOT, ROOT / NAME, *(folder for folder in (ROOT / NAME).rglob("*") if folder.is_dir())]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_what_runs_in_the_environments_python_imports_nothing_but_the_standard_library_and_itself() -> None:
    outside = []
    for path in WORKER.rglob("*.py"):
        depth = len(path.relative_to(WORKER).parts)  # as many dots reach the folder itself
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                outside += [f"{path.name}: {'.' * node.level}"] if node.level > depth else []
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                tops = {name.partition(".")[0] for name in names}
                outside += [f"{path.name}: {top}" for top in tops - sys.stdlib_module_names - {ALIAS}]
    assert outside == []
