"""Domains are those of the paper."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from bigcodebench_tasks.benchmark.domains import DOMAINS, domains_of, libraries_of


def test_a_task_is_in_the_domains_of_its_libraries() -> None:
    assert domains_of({"libs": "['os', 'numpy', 'pandas', 'no_such']"}) == ["Computation", "System"]
    assert libraries_of({"libs": "['os', 'numpy']"}) == ["os", "numpy"]
    assert domains_of({}) == domains_of({"libs": "not a list ("}) == []


def test_the_domains_are_the_papers(shared: Path) -> None:
    data = shared / "data"
    published = json.loads((data / "task2domain.json").read_text())
    with gzip.open(data / "BigCodeBench-v0.1.4.jsonl.gz", "rt", encoding="utf-8") as lines:
        tasks = [json.loads(line) for line in lines]
    assert {task["task_id"]: domains_of(task) for task in tasks} == {
        task_id: [domain for domain in DOMAINS if domain in domains] for task_id, domains in published.items()
    }
