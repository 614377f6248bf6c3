"""The docs agree with the code: generated parts are current, links lead somewhere, commands parse, examples run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import build_parser
from bigcodebench_tasks.options import KEY, Options
from tests.helpers.project import ROOT, starts_processes

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(path.relative_to(ROOT)) for path in PAGES]
TASKS = {path.stem for path in (ROOT / "yaml").glob("[!_]*.yaml")}
EXAMPLES = re.findall(
    r"```python\n(.*?)\n```\n\n```\n(.*?)\n```\n", (ROOT / "docs" / "guides" / "reward.md").read_text(), re.DOTALL
)

pages = pytest.mark.parametrize("page", PAGES, ids=IDS)


@starts_processes
def test_the_generated_parts_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_docs.py", "--check"], stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, done.stdout


def outside_code(page: Path) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in re.findall(r"(?:\]\(|src=\")([^)\s\"]+)", outside_code(page)):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", ["design", "contributing", "releasing", "benchmarks", "alternatives"])
def test_every_file_and_folder_that_a_development_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / "development" / f"{page}.md").read_text()
    named = re.findall(r"`([\w./-]+(?:/|\.(?:py|md|cfg|toml|yaml|in|pth)))`", text)
    places = [ROOT, ROOT / "bigcodebench_tasks", ROOT / "benchmarks"]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def commands(page: Path, name: str) -> Iterator[list[str]]:
    """The words of every command of that name in the page's code blocks, without placeholders."""
    for block in re.findall(r"^```\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in re.split(r"\n| && ", block.replace("\\\n", " ").replace(".venv/bin/", "")):
            if found := re.match(rf"(?:\$ | +|systemd-run .* |docker run --rm [\w-]+ )?{name} (\w.*)", line):
                words = shlex.split(re.sub(r"\$\w+/\$\w+", "1/8", found[1]), comments=True)
                yield [word for word in words if word != "..."]


def test_there_are_commands() -> None:
    assert sum(1 for page in PAGES for _ in commands(page, "bigcodebench-tasks")) > 40
    assert sum(1 for page in PAGES for _ in commands(page, "lm_eval")) > 10


@pages
def test_every_command_of_the_package_parses(page: Path) -> None:
    for words in commands(page, "bigcodebench-tasks"):
        build_parser().parse_args(words)


@pages
def test_every_run_of_lm_eval_names_tasks_and_options_that_exist(page: Path) -> None:
    for words in commands(page, "lm_eval"):
        if "--tasks" in words:
            tasks = set(words[words.index("--tasks") + 1].split(",")) - {"gsm8k", "bigcodebench_my_hard"}
            assert tasks <= TASKS
        if "--metadata" in words:
            Options.resolve(json.loads(words[words.index("--metadata") + 1])[KEY])


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2


@starts_processes
@pytest.mark.parametrize(("example", "output"), EXAMPLES)
def test_an_example_of_the_engine_guide_prints_what_the_page_says(example: str, output: str) -> None:
    done = subprocess.run([sys.executable, "-c", example], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == output.strip()
