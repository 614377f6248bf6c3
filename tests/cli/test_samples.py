"""``export``, ``evaluate``, ``sanitize`` and ``syncheck``, on the output of a real run of lm_eval."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main

MINI = ("--subset", "mini")


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().split("\n") if line]


def write(file: Path, samples: list[Any]) -> Path:
    file.write_text("".join((s if isinstance(s, str) else json.dumps(s)) + "\n" for s in samples))
    return file


@pytest.fixture(scope="module")
def exported(mini_run: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    assert main(["export", str(mini_run[1]), "--dest", str(folder)]) == 0
    return folder


def the(folder: Path, split: str, ending: str) -> Path:
    (file,) = folder.glob(f"*-mini-{split}-*-sanitized_calibrated{ending}")
    return file


def test_export_writes_three_official_files_for_each_task(exported: Path) -> None:
    assert len(list(exported.iterdir())) == 6
    for split in ("complete", "instruct"):
        samples = rows(the(exported, split, ".jsonl"))
        assert len(samples) >= 14
        assert all(set(sample) == {"task_id", "solution", "raw_solution"} for sample in samples)
        evaluated = json.loads(the(exported, split, "_eval_results.json").read_text())
        assert list(evaluated["eval"]) == [sample["task_id"] for sample in samples]
        for (result,), sample in zip(evaluated["eval"].values(), samples, strict=True):
            assert result["status"] == "pass"
            assert result["solution"].endswith("\n    pass\n" + sample["solution"])
        scores = json.loads(the(exported, split, "_pass_at_k.json").read_text())
        assert (scores["pass@1"], scores["split"], scores["subset"]) == (1.0, split, "mini")


def test_export_keeps_what_is_there_unless_forced(
    exported: Path, mini_run: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(mini_run[1]), "--dest", str(exported)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["export", str(mini_run[1]), "--dest", str(exported), "--force"]) == 0


def test_sanitizing_the_raw_answers_gives_the_exported_solutions(exported: Path, tmp_path: Path) -> None:
    samples = rows(the(exported, "instruct", ".jsonl"))
    raw = [{"task_id": sample["task_id"], "solution": sample["raw_solution"]} for sample in samples]
    file = write(tmp_path / "raw.jsonl", raw)
    assert main(["sanitize", str(file), *MINI]) == 0
    expected = [{"task_id": sample["task_id"], "solution": sample["solution"]} for sample in samples]
    assert rows(tmp_path / "raw-sanitized.jsonl") == expected
    assert main(["sanitize", str(file), *MINI]) == 2
    assert main(["sanitize", str(file), *MINI, "--inplace"]) == 0
    assert rows(file) == expected


def test_evaluate_scores_samples_made_elsewhere(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = rows(the(exported, "complete", ".jsonl"))
    right, wrong = samples[0], {**samples[1], "solution": "def task_func(*args, **kwargs):\n    return None\n"}
    file = write(
        tmp_path / "a.jsonl", [right, "{ broken", wrong, {**right, "solution": "raise ValueError('no')"}, wrong]
    )
    command = ["evaluate", str(file), "--split", "complete", *MINI, "--pass-k", "1,2,3", "--no-gt"]
    assert main(command) == 1
    said = capsys.readouterr()
    assert "line 2: is no JSON" in said.err
    assert "have no sample" in said.err
    assert "pass@1: 0.250" in said.out
    scores = json.loads((tmp_path / "a_pass_at_k.json").read_text())
    assert [scores[name] for name in ("pass@1", "pass@2")] == [0.25, 0.5]
    assert "pass@3" not in scores
    results = json.loads((tmp_path / "a_eval_results.json").read_text())["eval"]
    assert [sample["status"] for sample in results[right["task_id"]]] == ["pass", "fail"]
    assert results[right["task_id"]][1]["details"]["ALL"] == "no"
    assert [sample["status"] for sample in results[wrong["task_id"]]] == ["fail", "fail"]

    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    chosen = f"{right['task_id']},{wrong['task_id']}"
    good = write(file, [right, wrong])
    assert main([*command, "--force", "--selective-evaluate", chosen]) == 0
    assert json.loads((tmp_path / "a_pass_at_k.json").read_text())["pass@1"] == 0.5
    assert main([*command, "--force", "--selective-evaluate", "BigCodeBench/99999"]) == 2
    assert good.exists()


def test_evaluate_reads_a_folder_and_checks_the_ground_truth(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = rows(the(exported, "complete", ".jsonl"))[:2]
    folder = tmp_path / "samples"
    for sample in samples:
        place = folder / sample["task_id"].replace("/", "_")
        place.mkdir(parents=True)
        (place / "0.py").write_text(sample["solution"])
    ids = ",".join(sample["task_id"] for sample in samples)
    assert main(["evaluate", str(folder), "--split", "instruct", *MINI, "--selective-evaluate", ids]) == 0
    scores = json.loads((folder / "pass_at_k.json").read_text())
    assert (scores["pass@1"], scores["gt_pass_rate"], scores["failed_tasks"]) == (1.0, 1.0, [])
    assert "ground truth: 1.0000 of 2 tasks pass" in capsys.readouterr().err


def test_syncheck_names_missing_empty_and_invalid_samples(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = rows(the(exported, "complete", ".jsonl"))
    assert main(["syncheck", str(write(tmp_path / "a.jsonl", samples)), *MINI]) == 0
    capsys.readouterr()
    worse = [{**samples[0], "solution": " "}, {**samples[1], "solution": "def ("}, *samples[3:]]
    assert main(["syncheck", str(write(tmp_path / "b.jsonl", worse)), *MINI]) == 1
    said = capsys.readouterr().out
    assert f"line 1 ({samples[0]['task_id']}) is empty" in said
    assert f"line 2 ({samples[1]['task_id']}) is no valid Python" in said
    assert f"{samples[2]['task_id']} has no samples" in said
    assert main(["syncheck", str(tmp_path / "a.jsonl"), *MINI, "--nsample-check", "2"]) == 1


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
    log = next(broken.rglob("samples_bigcodebench_mini_complete_*.jsonl"))
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
