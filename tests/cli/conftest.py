from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import exported_file, read_lines


@pytest.fixture(scope="session")
def exported(mini_run: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of lm_eval on the mini set, exported."""
    folder = tmp_path_factory.mktemp("exported")
    assert main(["export", str(mini_run[1]), "--dest", str(folder)]) == 0
    return folder


@pytest.fixture
def complete_samples(exported: Path) -> list[dict[str, str]]:
    """The exported samples of the Complete split, one for each task of the mini set, all right."""
    return read_lines(exported_file(exported, "complete", ".jsonl"))
