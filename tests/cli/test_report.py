"""``report`` where it cannot work; what is on the page: tests/report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.made import official_results
from tests.helpers.project import starts_processes


@starts_processes
def test_without_its_library_the_command_says_what_to_install(tmp_path: Path) -> None:
    file = official_results(tmp_path / "out", "m", {0: ["pass"]})
    program = (
        "import sys; sys.modules['matplotlib'] = None; from bigcodebench_tasks.cli.main import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "report", str(file), "--dest", str(tmp_path / "page.html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert done.stderr == "bigcodebench-tasks: report needs matplotlib: pip install 'bigcodebench-tasks[report]'\n"
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_is_there_is_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    page.write_text("")
    assert main(["report", str(tmp_path), "--dest", str(page)]) == 2
    assert "--force" in capsys.readouterr().err
    assert page.read_text() == ""
