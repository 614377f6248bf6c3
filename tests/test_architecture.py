"""What the layers of import-linter (pyproject.toml) do not hold: what the worker imports."""

from __future__ import annotations

import ast
import sys

from tests.helpers.project import ROOT

WORKER = ROOT / "bigcodebench_tasks" / "execution" / "worker"
ALIAS = "_bigcodebench_worker"  # what that folder is called in the environment's Python


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
