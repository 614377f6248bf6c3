"""The official evaluator's files: names, fields, and samples with broken lines."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path

import pytest

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.files import refuse_existing, write_json
from bigcodebench_tasks.results import official_files
from bigcodebench_tasks.results.official_files import ResultFiles

KNOWN = ["Made/0", "Made/1"]


def test_the_name_is_the_official_one() -> None:
    name = official_files.stem("org/model", split="complete", subset="hard", loader="vllm")
    assert name == "org--model--main--bigcodebench-hard-complete--vllm-0-1-sanitized_calibrated"
    name = official_files.stem(
        "m",
        split="instruct",
        subset="full",
        loader="local-chat-completions",
        revision="r1",
        temperature=0.8,
        n_samples=5,
        prefill=False,
    )
    assert name == "m--skip_prefill--r1--bigcodebench-instruct--openai-0.8-5-sanitized_calibrated"


def test_results_lie_beside_the_samples(tmp_path: Path) -> None:
    assert ResultFiles.of(tmp_path / "a.jsonl").eval_results == tmp_path / "a_eval_results.json"
    assert ResultFiles.of(tmp_path / "a.jsonl.gz").pass_at_k == tmp_path / "a_pass_at_k.json"
    assert ResultFiles.of(tmp_path).pass_at_k == tmp_path / "pass_at_k.json"


def test_a_broken_line_is_named_by_its_number_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [
        '{"task_id": "Made/0", "solution": "a"}',
        "",
        '{"task_id": "Made/0", "solu',
        "[1]",
        '{"solution": "a"}',
        '{"task_id": "HumanEval/0", "solution": "a"}',
        '{"task_id": "Made/1"}',
        '{"task_id": "Made/1", "solution": ["a"]}',
        '{"task_id": "Made/1", "completion": "b"}',
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text("\n".join(lines))
    samples = official_files.read_samples(file, KNOWN)
    assert [sample.where for sample in samples.samples] == [f"{file}, line 1", f"{file}, line 9"]
    assert [int(problem.split("line ")[1].split(":")[0]) for problem in samples.problems] == [3, 4, 5, 6, 7, 8]
    task = {"complete_prompt": "prompt "}
    assert [sample.solution(task) for sample in samples.samples] == ["a", "prompt b"]
    assert samples.samples[1].solution(task, joint="\n") == "prompt \nb"

    packed = tmp_path / "samples.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert len(official_files.read_samples(packed, KNOWN).samples) == 2


def test_a_folder_of_samples_is_read_as_it_is_written(tmp_path: Path) -> None:
    rows = [{"task_id": "Made/1", "solution": str(number)} for number in range(11)]
    official_files.write_samples(tmp_path, rows, as_folder=True)
    samples = official_files.read_samples(tmp_path, KNOWN)
    assert [sample.fields for sample in samples.samples] == rows
    assert (tmp_path / "Made_1" / "10.py").read_text() == "10"


def test_no_samples_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot read samples"):
        official_files.read_samples(tmp_path / "none.jsonl", KNOWN)


def test_existing_files_are_kept_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    refuse_existing([file], force=False)
    file.write_text("{}")
    with pytest.raises(OutputError, match="--force"):
        refuse_existing([file], force=False)
    refuse_existing([file], force=True)


def test_contents_have_the_official_fields(tmp_path: Path) -> None:
    sample = {"solution": "s", "status": "fail", "details": {"test_a": "t"}, "seconds": 1.0}
    results = official_files.eval_results({"Made/0": [sample]}, datetime(2026, 1, 2, 3, 4, 5))
    kept = {"task_id": "Made/0", "solution": "s", "status": "fail", "details": {"test_a": "t"}}
    assert results == {"date": "2026-01-02 03:04", "eval": {"Made/0": [kept]}}
    scores = official_files.pass_at_k(
        {"pass@1": 0.5}, model="m", split="complete", subset="hard", calibrated=True, ground_truth=(1.0, [])
    )
    assert list(scores) == ["pass@1", "model", "split", "subset", "calibrated", "gt_pass_rate", "failed_tasks"]
    file = tmp_path / "new" / "a.json"
    write_json(file, scores)
    assert json.loads(file.read_text()) == scores
    assert [path.name for path in file.parent.iterdir()] == ["a.json"]


def test_results_are_read_as_they_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "org--model--main--bigcodebench-hard-complete--hf-0-2"
    folder.mkdir()
    outcomes = {
        "Made/0": [
            {"solution": "a", "status": "pass", "details": {}},
            {"solution": "b", "status": "timeout", "details": {"ALL": "late"}},
        ]
    }
    date = datetime(2026, 1, 2, 3, 4)
    scores = official_files.write_results(
        folder, outcomes, date=date, split="complete", subset="hard", calibrated=True, ground_truth=None, ks=[1, 2, 3]
    )
    assert scores == {"pass@1": 0.5, "pass@2": 1.0}
    evaluation = official_files.read_evaluation(ResultFiles.of(folder).eval_results)
    assert (evaluation.model, evaluation.split, evaluation.subset) == ("org/model", "complete", "hard")
    assert (evaluation.date, evaluation.run, evaluation.solve_rates()) == (date, {}, {"Made/0": 0.5})
    assert [(s.program, s.status, s.reason, s.details) for s in evaluation.samples["Made/0"]] == [
        ("a", "pass", "pass", {}),
        ("b", "timeout", "timeout", {"ALL": "late"}),
    ]
    assert json.loads(ResultFiles.of(folder).pass_at_k.read_text())["gt_pass_rate"] is None


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_json(tmp_path / "file" / "a.json", {})
