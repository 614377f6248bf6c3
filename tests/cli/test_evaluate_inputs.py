"""What people give to ``evaluate`` in place of samples, and where it cannot write: said before anything is executed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.files import refuse_unwritable

COMMAND = ("--subset", "mini", "--split", "complete")


def test_logs_and_results_are_told_from_samples_with_what_to_do(
    mini_run: tuple[str, Path], exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(shutil.copytree(mini_run[1], tmp_path / "out"))
    log = next(out.rglob("samples_*.jsonl"))
    results = next(exported.glob("*_eval_results.json"))
    for given, says in (
        (out, f"it is what lm_eval wrote with --output_path; first write its samples: bigcodebench-tasks export {out}"),
        (log, f"it is a sample log of lm_eval; first write its samples: bigcodebench-tasks export {log.parent}"),
        (results, f"it is results that are scored already; to see them: bigcodebench-tasks inspect {results}"),
    ):
        assert main(["evaluate", str(given), *COMMAND]) == 2
        assert says in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_first(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="cannot write to"):
        refuse_unwritable(tmp_path / "new")


def test_a_place_that_is_no_folder_is_said_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write to"):
        refuse_unwritable(tmp_path / "file" / "new")
