"""What docs/python.md shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.helpers.project import ROOT

EXAMPLES = re.findall(
    r"```python\n(.*?)\n```\n\n```\n(.*?)\n```\n", (ROOT / "docs" / "python.md").read_text(), re.DOTALL
)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize(("example", "output"), EXAMPLES)
def test_an_example_of_the_page_prints_what_the_page_says(example: str, output: str) -> None:
    done = subprocess.run([sys.executable, "-c", example], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == output.strip()
