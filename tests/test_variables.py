"""The environment variables: one list, which code, docs and scripts use (docs/reference/variables.md is made of it)."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from bigcodebench_tasks.options import VARIABLES, Variable
from tests.helpers.project import ROOT

PACKAGE = ROOT / "bigcodebench_tasks"
NAMES = {variable.name for variable in VARIABLES}


def named_in(text: str) -> set[str]:
    return set(re.findall(r"\bBIGCODEBENCH_[A-Z_]*[A-Z]", text))


def unknown_in(folder: str, *endings: str) -> dict[str, set[str]]:
    """File to the variables that it names and the list does not; empty where all is well."""
    paths = [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in endings]
    assert paths
    return {str(path.relative_to(ROOT)): more for path in paths if (more := named_in(path.read_text()) - NAMES)}


def test_the_package_names_no_variable_that_is_not_in_the_list() -> None:
    assert unknown_in("bigcodebench_tasks", ".py", ".js", ".j2", ".css") == {}


@pytest.mark.parametrize("folder", ["docs", "docker", "benchmarks", "scripts"])
def test_no_page_or_script_names_a_variable_that_does_not_exist(folder: str) -> None:
    assert unknown_in(folder, ".md", ".py", "") == {}


def literals(path: Path) -> set[str]:
    """Variables whose name alone is a text in this module."""
    tree = ast.parse(path.read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts & NAMES


def test_only_the_list_spells_a_name_and_autoload_which_may_import_nothing() -> None:
    spelt = {path.relative_to(PACKAGE).as_posix(): literals(path) for path in PACKAGE.rglob("*.py")}
    assert spelt.pop("options.py") == NAMES
    assert spelt.pop("autoload.py") == {"BIGCODEBENCH_TASKS_AUTOLOAD"}
    assert {path: names for path, names in spelt.items() if names} == {}


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_the_module_that_the_list_names_has_the_variable(variable: Variable) -> None:
    values = list(vars(importlib.import_module(variable.read_by)).values())
    assert variable.name in values or (variable.read_by.endswith(".options") and variable in values)
