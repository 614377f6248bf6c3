"""The command line as a whole: quick to start, documented, and one exit status for one kind of end."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks import TASKS_PATH, __version__
from bigcodebench_tasks.cli import path as path_command
from bigcodebench_tasks.cli.main import build_parser, main

PAGES = Path(__file__).parents[2] / "docs" / "commands"
LIBRARIES = {"datasets", "jinja2", "lm_eval", "matplotlib", "numpy", "rich", "scipy", "sklearn", "torch", "tree_sitter"}


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Name to parser of the commands below one; empty for none."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: command for action in actions for name, command in action.choices.items()}


COMMANDS = subparsers(build_parser())


def test_starting_the_command_line_imports_no_heavy_library() -> None:
    program = "import sys; from bigcodebench_tasks.cli.main import build_parser; build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert LIBRARIES & set(done.stdout.split()) == set()


def test_each_command_has_a_page_and_each_page_a_command() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_page_names_each_of_its_options(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    parser = COMMANDS[name]
    parsers = [parser, *subparsers(parser).values()]
    options = {option for each in parsers for action in each._actions for option in action.option_strings}
    assert {option for option in options - {"-h", "--help"} if option not in page} == set()


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bigcodebench-tasks {__version__}\n"


def test_path_prints_the_folder_of_the_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["path"]) == 0
    assert capsys.readouterr().out == f"{TASKS_PATH}\n"
    assert (Path(TASKS_PATH) / "bigcodebench_complete.yaml").is_file()


def test_an_interrupt_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_arguments: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(path_command, "run", interrupted)
    assert main(["path"]) == 130
    assert capsys.readouterr().err == "bigcodebench-tasks: interrupted\n"
