"""Evaluations from every source that users have, and a clear message for what is none."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results.read import read_evaluations
from tests.helpers.official_files import write_results


def test_a_run_of_the_harness_is_read_with_its_tasks_and_programs(mini_run: tuple[str, Path]) -> None:
    evaluations = read_evaluations([mini_run[1]])
    assert {(evaluation.model, evaluation.split, evaluation.subset) for evaluation in evaluations} == {
        ("bigcodebench-ground-truth", "complete", "mini"),
        ("bigcodebench-ground-truth", "instruct", "mini"),
    }
    for evaluation in evaluations:
        assert set(evaluation.solve_rates().values()) == {1.0}
        assert evaluation.run is not None
        assert evaluation.run.conditions is not None
        assert evaluation.run.conditions.sandbox.kind in ("namespaces", "landlock")
        assert evaluation.run.conditions.limits.timeout_s == 240.0
        assert evaluation.run.seeds["random"] == 0
        for task_id, (sample,) in evaluation.samples.items():
            program = evaluation.program(task_id, sample)
            assert program.startswith(evaluation.tasks[task_id]["code_prompt"] + "\n    pass\n")
            assert program[evaluation.solution_start(task_id, sample) :] == sample.solution
            assert (sample.reason, sample.details) == ("passed", {})
            assert sample.response
            assert sample.seconds


def test_an_exported_run_beside_the_run_itself_counts_once(mini_run: tuple[str, Path], tmp_path: Path) -> None:
    assert main(["export", str(mini_run[1]), "--dest", str(tmp_path)]) == 0
    exported = read_evaluations([tmp_path])
    both = read_evaluations([mini_run[1], tmp_path])
    assert len(exported) == len(both) == 2
    assert all(evaluation.source.name.startswith("results_") for evaluation in both)
    runs = {evaluation.split: evaluation.run for evaluation in both}
    assert {evaluation.split: evaluation.run for evaluation in exported} == runs
    assert all(evaluation.with_tasks().tasks.keys() == evaluation.samples.keys() for evaluation in exported)
    rates = {evaluation.split: evaluation.solve_rates() for evaluation in both}
    assert {evaluation.split: evaluation.solve_rates() for evaluation in exported} == rates


def test_an_official_file_is_known_by_its_name_or_by_what_lies_beside(tmp_path: Path) -> None:
    named = write_results(
        tmp_path / "a--b--main--bigcodebench-hard-instruct--vllm-0-1-sanitized_calibrated_eval_results.json",
        {"Made/0": ["pass", "fail"], "Made/1": ["timeout", "fail"]},
    )
    (evaluation,) = read_evaluations([named])
    assert (evaluation.model, evaluation.split, evaluation.subset) == ("a/b", "instruct", "hard")
    assert evaluation.solve_rates() == {"Made/0": 0.5, "Made/1": 0.0}
    unnamed = write_results(
        tmp_path / "x_eval_results.json", {"Made/0": ["pass"]}, model="m", split="complete", subset="full"
    )
    (evaluation,) = read_evaluations([unnamed])
    assert (evaluation.model, evaluation.split, evaluation.subset) == ("m", "complete", "full")
    assert len(read_evaluations([tmp_path])) == 2


def test_the_newest_of_a_models_evaluations_counts(tmp_path: Path) -> None:
    name = "m--main--bigcodebench-complete--hf-0-1_eval_results.json"
    old = write_results(tmp_path / "b" / name, {"Made/0": ["fail"]}, date="2026-01-01 00:00")
    new = write_results(tmp_path / "a" / name, {"Made/0": ["pass"]}, date="2026-01-01 00:01")
    for order in ([old, new], [new, old], [tmp_path]):
        (evaluation,) = read_evaluations(order)
        assert evaluation.source == new


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x_eval_results.json", '{"date": "2026-01-01 00:00", "eval": {"Made/0": []}}', "holds no sample"),
        ("x_eval_results.json", '{"date": "2026-01-01 00:00", "eval": {"Made/0"', "cannot be read"),
        ("x_eval_results.json", '{"date": "2026-01-01 00:00"}', "cannot be read"),
        ("results_2026.json", '{"configs": {"gsm8k": {}}}', "no result of a BigCodeBench task .* only gsm8k"),
        ("results_2026.json", '{"configs": ', "cannot be read as results of lm_eval"),
        (
            "results_2026.json",
            '{"configs": {"bigcodebench_complete": {"metadata": {"bigcodebench_run": {"plugin": "0.0.1"}}}}}',
            "another version",
        ),
        ("notes.txt", "", "holds no results of lm_eval"),
    ],
)
def test_what_is_no_evaluation_gets_a_clear_message(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OutputError, match=says):
        read_evaluations([tmp_path])


def test_a_run_whose_log_is_missing_says_how_to_get_one(mini_run: tuple[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(mini_run[1], copy)
    for log in copy.rglob("samples_*"):
        log.unlink()
    with pytest.raises(OutputError, match="--log_samples"):
        read_evaluations([copy])


def test_a_file_that_says_nothing_of_its_model_is_refused(tmp_path: Path) -> None:
    unnamed = write_results(tmp_path / "x_eval_results.json", {"Made/0": ["pass"]})
    with pytest.raises(OutputError, match="which model, split and subset"):
        read_evaluations([unnamed])


def test_an_exported_run_holds_what_was_recorded_of_each_sample(mini_run: tuple[str, Path], tmp_path: Path) -> None:
    assert main(["export", str(mini_run[1]), "--dest", str(tmp_path)]) == 0
    exported = {evaluation.split: evaluation.with_tasks() for evaluation in read_evaluations([tmp_path])}
    for evaluation in read_evaluations([mini_run[1]]):
        same = exported[evaluation.split]
        for task_id, (sample,) in evaluation.samples.items():
            (again,) = same.samples[task_id]
            assert same.program(task_id, again) == evaluation.program(task_id, sample)
            assert same.solution_start(task_id, again) == evaluation.solution_start(task_id, sample)
            assert replace(again, solution=sample.solution) == sample
