from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bigcodebench_tasks
from tests.helpers.project import ROOT, LmEval, starts_processes

pytestmark = starts_processes

NAMES = {
    f"bigcodebench{subset}{split}" for subset in ("", "_hard", "_mini") for split in ("", "_complete", "_instruct")
}

LIST_OURS = """\
from lm_eval.tasks import TaskManager
manager = TaskManager(include_defaults=False{arguments})
print(*(name for name in manager.all_tasks if name.startswith("bigcodebench")))
"""


def python(program: str, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
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


@pytest.mark.parametrize("before", ["", "import lm_eval.tasks, lm_eval.models\n"])
def test_importing_the_package_is_enough_where_python_did_not_read_its_pth_file(before: str) -> None:
    without = (
        "import sys\n"
        "sys.meta_path = [each for each in sys.meta_path if type(each).__module__ != 'bigcodebench_tasks.autoload']\n"
        "for name in [name for name in sys.modules if name.startswith('bigcodebench_tasks')]:\n"
        "    del sys.modules[name]\n"
    )
    model = "from lm_eval.api.registry import get_model; print(get_model('bigcodebench-ground-truth').__name__)"
    listed = python(f"{without}{before}import bigcodebench_tasks\n{LIST_OURS.format(arguments='')}{model}").split()
    assert set(listed) == {*NAMES, "GroundTruthLM"}


def test_giving_our_own_folder_as_include_path_warns_of_nothing() -> None:
    said = python(LIST_OURS.format(arguments=f", include_path={bigcodebench_tasks.TASKS_PATH!r}"))
    assert set(said.split()) == NAMES


def test_a_task_of_the_users_own_include_path_wins_and_the_harness_says_so(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("task: bigcodebench_hard_complete\ndataset_path: own\n")
    said = python(LIST_OURS.format(arguments=f", include_path={str(tmp_path)!r}") + "print(manager.list_all_tasks())")
    assert f"|bigcodebench_hard_complete|{own}" in said.replace(" ", "")
    assert "overrides existing task" in said
    for name in NAMES - {"bigcodebench_hard_complete"}:
        assert f"|{name}|{bigcodebench_tasks.TASKS_PATH}/{name}.yaml" in said.replace(" ", "")


def test_several_include_paths_are_kept(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.yaml").write_text(f"task: bigcodebench_{name}\ndataset_path: own\n")
    paths = [str(tmp_path / "one"), str(tmp_path / "two")]
    said = python(LIST_OURS.format(arguments=f", include_path={paths!r}"))
    assert set(said.split()) == NAMES | {"bigcodebench_one", "bigcodebench_two"}


@pytest.mark.parametrize(
    ("found_by", "add", "added"),
    [
        ("lm_eval.tasks.manager.discover_plugin_task_paths", "_add_tasks", "lm_eval.tasks.TaskManager.__init__"),
        ("lm_eval.api.registry.load_plugins", "_add_model", "set(lm_eval.api.registry.model_registry)"),
    ],
)
def test_nothing_is_added_where_lm_eval_reads_our_entry_points(found_by: str, add: str, added: str) -> None:
    # The name that its pull requests give to the function that reads them stands for such an lm-eval.
    program = (
        "import lm_eval.tasks.manager, lm_eval.models, lm_eval.api.registry, bigcodebench_tasks.autoload as autoload\n"
        f"change = lambda: autoload.{add}(lm_eval.{add.removeprefix('_add_').rstrip('s') + 's'})\n"
        f"before = {added}; {found_by} = print; change(); print({added} == before)\n"
        f"del {found_by}; change(); print({added} == before)"
    )
    assert python(program, BIGCODEBENCH_TASKS_AUTOLOAD="0").split() == ["True", "False"]


def entry_points(group: str) -> dict[str, str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"][group].strip().splitlines()
    return {name.strip(): value.strip() for name, value in (line.split("=") for line in lines)}


def test_the_entry_point_for_tasks_is_a_package_whose_folder_holds_them() -> None:
    # As lm-eval's pull request 4015 resolves it, so far as it is known.
    (package,) = entry_points("lm_eval.tasks").values()
    found = python(f"import importlib.util as u; print(*u.find_spec({package!r}).submodule_search_locations)")
    assert found.split() == [bigcodebench_tasks.TASKS_PATH]


def test_the_entry_point_for_models_loads_the_model() -> None:
    ((name, target),) = entry_points("lm_eval.models").items()
    assert name == "bigcodebench-ground-truth"
    found = python(f"from importlib.metadata import EntryPoint; print(EntryPoint('', {target!r}, '').load().__name__)")
    assert found.split()[-1] == "GroundTruthLM"


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
    (package / "__init__.py").write_text("VALUE = 42\n")
    said = python(
        "import sys; sys.path.insert(0, sys.argv[-1]); import lm_eval.tasks as tasks; print(tasks.VALUE)", str(tmp_path)
    )
    assert said.split()[-1] == "42"
    assert "--include_path" in said


@pytest.mark.parametrize("name", ["bigcodebench_mini_complete", "bigcodebench_mini"])
def test_without_confirmation_the_harness_refuses_before_it_asks_the_model(lm_eval: LmEval, name: str) -> None:
    done = lm_eval("run", "--model", "bigcodebench-ground-truth", "--tasks", name, ok=False)
    assert "confirm_run_unsafe_code" in done.stdout.splitlines()[-1]
    assert "programs get the libraries" not in done.stdout
    assert "Answering with ground truth" not in done.stdout
