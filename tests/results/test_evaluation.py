"""Evaluations from every source that users have, and a clear message for what is none; ``inspect``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.results import evaluation as evaluations

WRONG = "def task_func():\n    return '\x1b[31m\ud800'\n"
TRACEBACK = "Traceback (most recent call last):\nAssertionError: 1 != [bold]2[/bold]\n"


def official(file: Path, statuses: dict[str, list[str]], date: str = "2026-01-02 03:04", **beside: Any) -> Path:
    """An official results file, with `beside` in the ``_pass_at_k.json`` next to it."""
    content = {
        "date": date,
        "eval": {
            task_id: [
                {"task_id": task_id, "solution": WRONG, "status": s, "details": {} if s == "pass" else {"t": TRACEBACK}}
                for s in several
            ]
            for task_id, several in statuses.items()
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    if beside:
        file.with_name(file.name.replace("eval_results", "pass_at_k")).write_text(json.dumps(beside))
    return file


def test_a_run_of_the_harness_is_read_with_its_tasks_and_programs(mini_run: tuple[str, Path]) -> None:
    found = evaluations.read([mini_run[1]])
    assert {(one.model, one.split, one.subset) for one in found} == {
        ("bigcodebench-ground-truth", "complete", "mini"),
        ("bigcodebench-ground-truth", "instruct", "mini"),
    }
    for one in found:
        assert set(one.solve_rates().values()) == {1.0}
        assert one.run["isolation"] in ("namespaces", "landlock")
        for task_id, (sample,) in one.samples.items():
            assert sample.program.startswith(one.tasks[task_id]["code_prompt"] + "\n    pass\n")
            assert (sample.reason, sample.details) == ("passed", {})
            assert sample.raw
            assert sample.seconds


def test_an_exported_run_beside_the_run_itself_counts_once(mini_run: tuple[str, Path], tmp_path: Path) -> None:
    assert main(["export", str(mini_run[1]), "--dest", str(tmp_path)]) == 0
    exported = evaluations.read([tmp_path])
    both = evaluations.read([mini_run[1], tmp_path])
    assert len(exported) == len(both) == 2
    assert all(one.run for one in both)
    assert not any(one.run for one in exported)
    assert [one.with_tasks().tasks.keys() for one in exported] == [one.samples.keys() for one in exported]
    by_split = {one.split: one for one in both}
    assert all(one.solve_rates() == by_split[one.split].solve_rates() for one in exported)


def test_an_official_file_is_known_by_its_name_or_by_what_lies_beside(tmp_path: Path) -> None:
    named = official(
        tmp_path / "a--b--main--bigcodebench-hard-instruct--vllm-0-1-sanitized_calibrated_eval_results.json",
        {"Made/0": ["pass", "fail"], "Made/1": ["timeout", "fail"]},
    )
    (found,) = evaluations.read([named])
    assert (found.model, found.split, found.subset) == ("a/b", "instruct", "hard")
    assert found.solve_rates() == {"Made/0": 0.5, "Made/1": 0.0}
    unnamed = official(
        tmp_path / "x_eval_results.json", {"Made/0": ["pass"]}, model="m", split="complete", subset="full"
    )
    (found,) = evaluations.read([unnamed])
    assert (found.model, found.split, found.subset) == ("m", "complete", "full")
    assert len(evaluations.read([tmp_path])) == 2


def test_the_newest_of_a_models_evaluations_counts(tmp_path: Path) -> None:
    name = "m--main--bigcodebench-complete--hf-0-1_eval_results.json"
    old = official(tmp_path / "b" / name, {"Made/0": ["fail"]}, date="2026-01-01 00:00")
    new = official(tmp_path / "a" / name, {"Made/0": ["pass"]}, date="2026-01-01 00:01")
    for order in ([old, new], [new, old], [tmp_path]):
        (found,) = evaluations.read(order)
        assert found.source == new


def broken(folder: Path, content: str, name: str = "m--main--bigcodebench-complete--hf-0-1_eval_results.json") -> Path:
    folder.mkdir()
    (folder / name).write_text(content)
    return folder


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
    folder = broken(tmp_path / "out", content, name)
    with pytest.raises(OutputError, match=says):
        evaluations.read([folder])


def test_a_run_whose_log_is_missing_says_how_to_get_one(mini_run: tuple[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(mini_run[1], copy)
    for log in copy.rglob("samples_*"):
        log.unlink()
    with pytest.raises(OutputError, match="--log_samples"):
        evaluations.read([copy])


def test_a_file_that_says_nothing_of_its_model_is_refused(tmp_path: Path) -> None:
    unnamed = official(tmp_path / "x_eval_results.json", {"Made/0": ["pass"]})
    with pytest.raises(OutputError, match="which model, split and subset"):
        evaluations.read([unnamed])


# -- inspect ---------------------------------------------------------------------------------------------


@pytest.fixture
def failing(mini_run: tuple[str, Path], tmp_path: Path) -> tuple[Path, str]:
    """Official results of the mini set in which the first task fails, and its task_id."""
    (complete,) = (one for one in evaluations.read([mini_run[1]]) if one.split == "complete")
    first, second, *_ = complete.samples
    file = tmp_path / "made--up--main--bigcodebench-mini-complete--hf-0-2-sanitized_calibrated_eval_results.json"
    return official(file, {first: ["fail", "timeout"], second: ["pass", "pass"]}), first


def test_inspect_lists_what_is_not_solved(failing: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    file, task_id = failing
    assert main(["inspect", str(file)]) == 0
    said = capsys.readouterr().out
    assert "1 of 2 tasks solved" in said
    assert f"{task_id} " in said
    assert "0/2" in said
    assert "fail, timeout" in said
    assert "AssertionError: 1 != [bold]2[/bold]" in said


def test_inspect_shows_a_task_with_its_traceback_and_the_canonical_solution(
    failing: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file, task_id = failing
    assert main(["inspect", str(file), task_id.rpartition("/")[2]]) == 0
    said = capsys.readouterr().out
    assert "sample 1: timeout" in said
    assert r"return '\x1b[31m\ud800'" in said
    assert "AssertionError: 1 != [bold]2[/bold]" in said
    assert "+++ canonical solution" in said


def test_inspect_writes_the_official_folder(failing: tuple[Path, str], tmp_path: Path) -> None:
    file, task_id = failing
    command = ["inspect", str(file), "--write", str(tmp_path / "inspect")]
    assert main(command) == 0
    (folder,) = (tmp_path / "inspect").iterdir()
    assert [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.*"))] == [
        f"{task_id}/{name}"
        for name in (
            "complete_0_execution_trace.txt",
            "complete_1_execution_trace.txt",
            "completion_0.py",
            "completion_1.py",
            "ground_truth.py",
            "test_case.py",
        )
    ]
    compile((folder / task_id / "ground_truth.py").read_text(), "ground_truth", "exec")
    assert "Test Case: t\n\n" + TRACEBACK in (folder / task_id / "complete_0_execution_trace.txt").read_text()
    assert main(command) == 2
    assert main([*command, "--force"]) == 0


def test_inspect_names_a_task_that_is_not_there(failing: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(failing[0]), "99999"]) == 2
    assert "no sample of a task '99999'" in capsys.readouterr().err
    assert main(["inspect", str(failing[0]), "--split", "instruct"]) == 2
    assert "made/up: complete" in capsys.readouterr().err
