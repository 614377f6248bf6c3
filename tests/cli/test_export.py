"""``export``, on the output of a real run of lm_eval."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import exported_file, read_lines


def test_three_official_files_are_written_for_each_task(exported: Path) -> None:
    assert len(list(exported.iterdir())) == 6
    for split in ("complete", "instruct"):
        samples = read_lines(exported_file(exported, split, ".jsonl"))
        assert len(samples) >= 14
        assert all(set(sample) == {"task_id", "solution", "raw_solution"} for sample in samples)
        evaluated = json.loads(exported_file(exported, split, "_eval_results.json").read_text())
        assert list(evaluated["eval"]) == [sample["task_id"] for sample in samples]
        for (result,), sample in zip(evaluated["eval"].values(), samples, strict=True):
            assert result["status"] == "pass"
            assert result["solution"].endswith("\n    pass\n" + sample["solution"])
        scores = json.loads(exported_file(exported, split, "_pass_at_k.json").read_text())
        assert (scores["pass@1"], scores["split"], scores["subset"]) == (1.0, split, "mini")


def test_every_file_is_named(mini_run: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(mini_run[1]), "--dest", str(tmp_path)]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(map(str, tmp_path.iterdir()))


def test_what_is_there_is_kept_unless_forced(
    mini_run: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", str(mini_run[1]), "--dest", str(tmp_path)]
    assert main(command) == 0
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0


def test_an_output_folder_that_is_not_ours_gets_a_clear_message(
    mini_run: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(folder: Path) -> str:
        assert main(["export", str(folder), "--dest", str(tmp_path / "never")]) == 2
        assert not (tmp_path / "never").exists()
        return capsys.readouterr().err

    assert "does not exist" in refused(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no results of lm_eval" in refused(tmp_path / "empty")

    broken = Path(shutil.copytree(mini_run[1], tmp_path / "broken"))
    (results,) = broken.rglob("results_*.json")
    log = next(broken.rglob("samples_*bigcodebench_mini_complete_*.jsonl"))
    log.write_text(log.read_text()[:-200])
    assert f"{log}, line" in refused(broken)
    log.unlink()
    assert "--log_samples" in refused(broken)

    content = json.loads(results.read_text())
    content["configs"] = {"gsm8k": {"metadata": {"version": 3.0}}}
    results.write_text(json.dumps(content))
    assert "no result of a BigCodeBench task made with this plugin, only gsm8k" in refused(broken)
    results.write_text("{")
    assert "cannot be read as results" in refused(broken)
