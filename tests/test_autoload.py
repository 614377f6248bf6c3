from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bigcodebench_tasks
from tests.helpers.project import LmEval

NAMES = {
    f"bigcodebench{subset}{split}" for subset in ("", "_hard", "_mini") for split in ("", "_complete", "_instruct")
}

LIST_OURS = """\
from lm_eval.tasks import TaskManager
manager = TaskManager(include_defaults=False{arguments})
print(*(name for name in manager.all_tasks if name.startswith("bigcodebench")))
"""


def python(program: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def test_python_finds_all_tasks_and_groups_without_a_path() -> None:
    assert set(python(LIST_OURS.format(arguments="")).split()) == NAMES


def test_the_command_line_lists_all_tasks_without_a_flag(lm_eval: LmEval) -> None:
    listed = lm_eval("ls", "tasks").stdout
    for name in NAMES:
        assert f"|{name} " in listed


def test_the_variable_turns_discovery_off_and_include_path_still_works() -> None:
    off = {"BIGCODEBENCH_TASKS_AUTOLOAD": "0"}
    assert python(LIST_OURS.format(arguments=""), **off).split() == []
    by_path = LIST_OURS.format(arguments=f", include_path={bigcodebench_tasks.TASKS_PATH!r}")
    assert set(python(by_path, **off).split()) == NAMES


def test_giving_our_own_folder_as_include_path_warns_of_nothing() -> None:
    said = python(LIST_OURS.format(arguments=f", include_path={bigcodebench_tasks.TASKS_PATH!r}"))
    assert set(said.split()) == NAMES


def test_a_task_of_the_users_own_include_path_wins(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("task: bigcodebench_hard_complete\ndataset_path: own\n")
    program = LIST_OURS.format(arguments=f", include_path={str(tmp_path)!r}")
    said = python(program + "print(manager.task_index['bigcodebench_hard_complete'].yaml_path)")
    assert said.split()[-1] == str(tmp_path / "own.yaml")
    assert set(said.split()[:-1]) == NAMES


def test_our_tasks_are_left_alone_when_lm_eval_found_them_by_itself() -> None:
    # An lm-eval with task plugins hands our folder to the index on its own; ours must not come twice.
    program = (
        "from pathlib import Path; import bigcodebench_tasks; from lm_eval.tasks._index import TaskIndex\n"
        "calls = []; walk = TaskIndex._iter_yaml_files\n"
        "TaskIndex._iter_yaml_files = staticmethod(lambda root: calls.append(root) or walk(root))\n"
        "TaskIndex.build([Path(bigcodebench_tasks.TASKS_PATH)]); print(len(calls))"
    )
    assert python(program).split() == ["1"]


def test_the_ground_truth_model_is_registered() -> None:
    program = "from lm_eval.api.registry import get_model; print(get_model('bigcodebench-ground-truth').__name__)"
    assert python(program).split()[-1] == "GroundTruthLM"


def test_starting_python_imports_nothing_of_lm_eval_and_nothing_heavy() -> None:
    program = "import sys; print(*(m for m in ('lm_eval', 'datasets', 'numpy', 'yaml') if m in sys.modules), 'end')"
    assert python(program).split() == ["end"]


def test_python_starts_silently_where_lm_eval_is_missing() -> None:
    program = (
        "import sys; sys.modules['lm_eval'] = None\n"
        "try:\n    import lm_eval.tasks\nexcept ModuleNotFoundError as error:\n    print('missing')"
    )
    assert python(program).split() == ["missing"]


def test_an_lm_eval_that_we_do_not_know_still_imports(tmp_path: Path) -> None:
    package = tmp_path / "lm_eval" / "tasks"
    package.mkdir(parents=True)
    (tmp_path / "lm_eval" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "_index.py").write_text("VALUE = 42\n")
    said = python("import lm_eval.tasks._index as index; print(index.VALUE)", PYTHONPATH=str(tmp_path))
    assert said.split()[-1] == "42"
    assert "--include_path" in said


@pytest.mark.parametrize("name", ["bigcodebench_hard_complete", "bigcodebench_mini"])
def test_without_confirmation_a_run_is_refused_before_the_model_is_loaded(lm_eval: LmEval, name: str) -> None:
    # The model's folder does not exist: had the harness tried to load it, the message would be another one.
    done = lm_eval("run", "--model", "hf", "--model_args", "pretrained=./nowhere", "--tasks", name, ok=False)
    assert "--confirm_run_unsafe_code" in done.stdout.splitlines()[-1]
    assert "nowhere" not in done.stdout.splitlines()[-1]
