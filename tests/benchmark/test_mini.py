"""The bundled mini set: its form, its spread over domains, and tests that tell right from wrong."""

from __future__ import annotations

import ast
import runpy
from collections import Counter

import pytest

from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.execution import Program
from bigcodebench_tasks.execution.prepare import prepare
from tests.helpers.programs import execute
from tests.helpers.project import ROOT, starts_processes

# The paper's domain of each library that the mini set uses (Zhuo et al., 2024, appendix).
DOMAINS = {
    "Computation": {"numpy", "pandas", "scipy", "sklearn"},
    "General": {"collections", "decimal", "faker", "natsort", "prettytable", "random", "re"},
    "Visualization": {"matplotlib", "seaborn", "PIL"},
    "System": {"json", "openpyxl", "os", "pathlib", "yaml", "zipfile"},
    "Time": {"datetime", "dateutil", "pytz"},
    "Network": {"bs4", "email", "html", "requests", "urllib", "xmltodict"},
    "Cryptography": {"base64", "cryptography", "hashlib", "hmac", "rsa"},
}
THIRD_PARTY = {
    *("numpy", "pandas", "scipy", "sklearn", "faker", "natsort", "prettytable", "matplotlib", "seaborn", "PIL"),
    *("openpyxl", "yaml", "dateutil", "pytz", "bs4", "requests", "xmltodict", "cryptography", "rsa"),
}
TASKS = list(dataset.load_tasks(dataset.MINI, "v1"))


def libraries(task: dict[str, str]) -> set[str]:
    return set(ast.literal_eval(task["libs"]))


def program(task: dict[str, str], body: str) -> Program:
    return Program(task["task_id"], f"{task['code_prompt']}{body}\n", task["test"])


def test_the_file_is_what_its_sources_make() -> None:
    built = runpy.run_path(str(ROOT / "scripts" / "build_mini.py"))["text"]()
    assert (ROOT / "bigcodebench_tasks" / "data" / "mini.jsonl").read_text(encoding="utf-8") == built


def test_there_are_two_tasks_or_more_in_each_domain() -> None:
    counts = Counter(domain for task in TASKS for domain, members in DOMAINS.items() if libraries(task) & members)
    assert len(TASKS) >= 14
    assert min(counts[domain] for domain in DOMAINS) >= 2, counts


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task["task_id"])
def test_a_task_has_the_form_of_the_benchmark(task: dict[str, str]) -> None:
    assert task["entry_point"] == "task_func"
    assert libraries(task) & THIRD_PARTY
    ast.parse(task["complete_prompt"] + task["canonical_solution"])
    ast.parse(task["code_prompt"] + task["canonical_solution"])
    assert task["instruct_prompt"].endswith(f"starting with:\n```\n{task['code_prompt']}```")
    suite = next(node for node in ast.parse(task["test"]).body if getattr(node, "name", "") == "TestCases")
    assert isinstance(suite, ast.ClassDef)
    assert sum(getattr(node, "name", "").startswith("test_") for node in suite.body) >= 4


@starts_processes
def test_every_canonical_solution_passes() -> None:
    verdicts = execute([program(task, task["canonical_solution"]) for task in TASKS], prepare().environment)
    failed = {task["task_id"]: v.details for task, v in zip(TASKS, verdicts, strict=True) if not v.passed}
    assert failed == {}


@starts_processes
@pytest.mark.parametrize("wrong", ["    return None", "    return tuple(locals().values())", "    raise ValueError"])
def test_every_suite_tells_a_wrong_solution(wrong: str) -> None:
    verdicts = execute([program(task, wrong) for task in TASKS], prepare().environment)
    assert [task["task_id"] for task, v in zip(TASKS, verdicts, strict=True) if v.passed] == []
