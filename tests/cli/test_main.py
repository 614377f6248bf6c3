"""The command line as a whole: quick to start, documented, and one exit status for one kind of end."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from bigcodebench_tasks import __version__, cli
from bigcodebench_tasks.benchmark.sanitize import is_valid_syntax
from bigcodebench_tasks.cli import syncheck
from bigcodebench_tasks.cli.main import build_parser, main
from bigcodebench_tasks.errors import OutputError
from tests.helpers.project import starts_processes

LIBRARIES = {"datasets", "jinja2", "lm_eval", "matplotlib", "numpy", "rich", "scipy", "sklearn", "torch", "tree_sitter"}


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Name to parser of the commands below one; empty for none."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: command for action in actions for name, command in action.choices.items()}


COMMANDS = subparsers(build_parser())
MAIN = "import sys; from bigcodebench_tasks.cli.main import main; sys.exit(main(sys.argv[1:]))"


@starts_processes
def test_starting_the_command_line_imports_no_heavy_library() -> None:
    program = "import sys; from bigcodebench_tasks.cli.main import build_parser; build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert LIBRARIES & set(done.stdout.split()) == set()


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bigcodebench-tasks {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_formatted_and_names_the_datasets_version_in_one_way(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    help_text = capsys.readouterr().out
    assert "%" not in help_text.replace("95% ", "")
    assert "--version" not in help_text


@starts_processes
def test_output_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "env", "path"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
        )
    assert done.returncode == 2
    assert done.stderr == "bigcodebench-tasks: cannot write: [Errno 28] No space left on device\n"


def test_an_interrupt_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_arguments: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(syncheck, "run", interrupted)
    assert main(["syncheck", "samples.jsonl"]) == 130
    assert capsys.readouterr().err == "bigcodebench-tasks: interrupted\n"


@starts_processes
def test_a_terminal_without_unicode_and_warnings_as_errors_stop_nothing(tmp_path: Path) -> None:
    samples = tmp_path / "samplés.jsonl"
    code = 'import re\ndef task_func(a):\n    return re.sub("\\d", "", a)\n'
    samples.write_text(json.dumps({"task_id": "BigCodeBenchMini/0", "solution": code}) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "syncheck", str(samples), "--subset", "mini"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=600,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
    assert b"1 of 1 samples are valid Python" in done.stdout
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert is_valid_syntax(code)
        assert not is_valid_syntax("def (")


def test_commands_print_through_the_one_function_that_makes_text_printable() -> None:
    package = Path(cli.__file__).parents[1]
    files = [
        file
        for name in ("cli", "results", "leaderboard", "report", "environment")
        for file in (package / name).glob("*.py")
    ]
    assert len(files) > 20
    assert [file.name for file in files if re.search(r"(?m)^ +print\(", file.read_text())] == ["printing.py"]


def test_an_error_that_quotes_a_file_is_printable() -> None:
    assert str(OutputError("a\x1b]0;title\x07\x9b\ud800\u202e\tb\nc")) == "a\\x1b]0;title\\x07\\x9b\\ud800\\u202e\tb\nc"
