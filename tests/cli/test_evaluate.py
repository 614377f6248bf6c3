"""``evaluate``, on exported samples of a real run of lm_eval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import write_samples

MINI = ("--subset", "mini")


def test_samples_made_elsewhere_are_scored(
    complete_samples: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = complete_samples[0], complete_samples[1] | {"solution": "def task_func(*a, **k):\n    return None\n"}
    lines: list[dict[str, str] | str] = [
        right,
        "{ broken",
        wrong,
        {**right, "solution": "raise ValueError('no')"},
        wrong,
    ]
    file = write_samples(tmp_path / "a.jsonl", lines)
    command = ["evaluate", str(file), "--split", "complete", *MINI, "--pass-k", "1,2,3", "--ground-truth", "skip"]
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
    good = write_samples(file, [right, wrong])
    assert main([*command, "--force", "--selective-evaluate", chosen]) == 0
    assert json.loads((tmp_path / "a_pass_at_k.json").read_text())["pass@1"] == 0.5
    assert main([*command, "--force", "--selective-evaluate", "BigCodeBench/99999"]) == 2
    assert good.exists()


def test_a_folder_is_scored_and_the_ground_truth_checked(
    complete_samples: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = complete_samples[:2]
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


def test_fast_gives_the_same_score_says_so_and_is_not_taken_for_official(
    complete_samples: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = complete_samples[0], complete_samples[1] | {"solution": "def task_func(*a, **k):\n    return None\n"}
    file = write_samples(tmp_path / "a.jsonl", [right, wrong])
    chosen = ",".join(sample["task_id"] for sample in (right, wrong))
    command = ["evaluate", str(file), "--split", "complete", *MINI, "--selective-evaluate", chosen, "--force"]
    scores, details = {}, {}
    for speed in ("official", "fast", "official"):
        assert main([*command, "--speed", speed]) == 0
        results = json.loads((tmp_path / "a_eval_results.json").read_text())
        details[speed] = results["eval"][wrong["task_id"]][0]["details"]
        scores[speed] = json.loads((tmp_path / "a_pass_at_k.json").read_text())["pass@1"]
        assert results["bigcodebench_run"]["conditions"]["speed"] == speed
        assert results["bigcodebench_run"]["options"]["speed"] == speed
        assert ("speed fast" in capsys.readouterr().err) == (speed == "fast")
    assert scores == {"official": 0.5, "fast": 0.5}
    assert details["official"].keys() == details["fast"].keys() != set()


def test_a_file_without_a_sample_of_the_dataset_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_samples(tmp_path / "a.jsonl", [{"task_id": "Other/1", "solution": ""}])
    assert main(["evaluate", str(file), "--split", "complete", *MINI]) == 2
    assert "holds no sample of this dataset (--subset mini)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("ks", ["0,1", "1,x", "", "-1"])
def test_a_k_that_is_no_number_of_samples_is_refused(ks: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "a.jsonl", "--split", "complete", f"--pass-k={ks}"])
    assert "no list of numbers from 1" in capsys.readouterr().err
