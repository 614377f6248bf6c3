"""What people give to ``evaluate`` in place of samples, and where it cannot write: said before anything is executed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.files import refuse_unwritable
from tests.helpers.official_files import write_samples

COMMAND = ("--subset", "mini", "--split", "complete")


def test_logs_and_results_are_told_from_samples_with_what_to_do(
    mini_run: tuple[str, Path], exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(shutil.copytree(mini_run[1], tmp_path / "out"))
    log = next(out.rglob("samples_*.jsonl"))
    results = next(exported.glob("*_eval_results.json"))
    for given, says in (
        (out, f"lm_eval wrote it with --output_path; first write its samples: bigcodebench-tasks export {out}"),
        (log, f"it is a sample log of lm_eval; first write its samples: bigcodebench-tasks export {log.parent}"),
        (results, f"it holds scored results; to see them: bigcodebench-tasks inspect {results}"),
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


def test_right_answers_in_fences_are_no_programs_and_the_command_that_makes_them_some_is_named(
    complete_samples: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = complete_samples[:3]
    fenced = [{**each, "solution": f"Here it is:\n```python\n{each['solution']}\n```\n"} for each in chosen]
    file = write_samples(tmp_path / "fenced.jsonl", fenced)
    only = ["--ground-truth", "skip", "--selective-evaluate", ",".join(each["task_id"] for each in chosen)]
    assert main(["evaluate", str(file), *COMMAND, *only]) == 0
    said = capsys.readouterr()
    assert "pass@1: 0.000" in said.out
    assert "verdicts: did not load 3" in said.out
    assert "3 samples are responses with a code fence, not programs: first bigcodebench-tasks sanitize" in said.err
    assert main(["sanitize", str(file), "--subset", "mini"]) == 0
    assert main(["evaluate", str(tmp_path / "fenced-sanitized.jsonl"), *COMMAND, *only]) == 0
    said = capsys.readouterr()
    assert "pass@1: 1.000" in said.out
    assert "code fence" not in said.err


@pytest.mark.parametrize(
    ("ks", "scores", "warned"), [("1, 5", ["pass@1"], False), ("1,1", ["pass@1"], False), ("10", [], True)]
)
def test_a_k_above_the_samples_of_a_task_gives_no_score_and_where_none_is_left_it_is_said(
    complete_samples: list[dict[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ks: str,
    scores: list[str],
    warned: bool,
) -> None:
    file = write_samples(tmp_path / "a.jsonl", complete_samples[:1])
    only = ["--ground-truth", "skip", "--selective-evaluate", complete_samples[0]["task_id"]]
    assert main(["evaluate", str(file), *COMMAND, *only, "--pass-k", ks]) == 0
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines() if line.startswith("pass@")] == scores
    assert ("every k of --pass-k 10 exceeds the samples of a task: no score" in said.err) == warned
    written = json.loads((tmp_path / "a_pass_at_k.json").read_text())
    assert [name for name in written if name.startswith("pass@")] == scores
