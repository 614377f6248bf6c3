"""What ``import bigcodebench_tasks`` gives, and what it costs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import bigcodebench_tasks
from bigcodebench_tasks import errors
from tests.helpers.project import ROOT, starts_processes

pytestmark = starts_processes


def test_what_is_importable_from_the_package_is_what_it_exports() -> None:
    # In a process of its own: here, other tests have imported the package's folders, which then are its attributes.
    program = "import bigcodebench_tasks as it; print(*(name for name in dir(it) if name[0] != '_'), '__version__')"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    incidental = {"TYPE_CHECKING", "autoload"}
    assert set(done.stdout.split()) - incidental == set(bigcodebench_tasks.__all__)


@pytest.mark.parametrize("name", bigcodebench_tasks.__all__)
def test_every_exported_name_can_be_had(name: str) -> None:
    assert getattr(bigcodebench_tasks, name) is not None


def test_every_error_is_exported() -> None:
    raised = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert raised <= set(bigcodebench_tasks.__all__)


def test_the_subsets_can_be_loaded_by_name() -> None:
    task = bigcodebench_tasks.load_tasks("mini")[0]
    solution = bigcodebench_tasks.sanitize(task["complete_prompt"] + task["canonical_solution"], task["entry_point"])
    assert task["entry_point"] in bigcodebench_tasks.calibrate(solution, task["code_prompt"])


def test_a_name_that_is_not_exported_is_an_attribute_error_that_says_so() -> None:
    with pytest.raises(AttributeError, match="'bigcodebench_tasks' has no attribute 'Enginge'"):
        _ = bigcodebench_tasks.Enginge


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        # At the start of every Python process. Without -S, other packages' .pth lines import things too.
        ("import bigcodebench_tasks", ["lm_eval", "numpy", "datasets", "typing", "dataclasses", "pathlib"]),
        ("from bigcodebench_tasks import Engine, Limits, Program, Verdict", ["lm_eval", "datasets", "numpy"]),
    ],
)
def test_an_import_loads_no_more_than_it_needs(program: str, unwanted: list[str]) -> None:
    program += f"\nimport sys; print(*(name for name in {unwanted} if name in sys.modules))"
    words = [sys.executable, *(["-S"] if "typing" in unwanted else []), "-c", program]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == []


def test_tasks_and_commands_take_the_same_dataset_version() -> None:
    base = (ROOT / "yaml" / "_base.yaml").read_text()
    assert re.findall(r"^test_split: (\S+)", base, re.MULTILINE) == [bigcodebench_tasks.DATASET_VERSION]
