"""What lm_eval wrote, as people have it: under other names, cut, repeated, with a part missing or broken."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.execution import Verdict
from bigcodebench_tasks.results import harness_output
from bigcodebench_tasks.results.read import read_evaluations
from bigcodebench_tasks.scoring.records import RecordText, SampleRecord

COMPLETE = "bigcodebench_mini_complete"


@pytest.fixture
def run(mini_run: tuple[str, Path], tmp_path: Path) -> Path:
    """A copy of a real run's output."""
    return Path(shutil.copytree(mini_run[1], tmp_path / "out"))


def results_of(run: Path) -> Path:
    (file,) = run.rglob("results_*.json")
    return file


def log_of(run: Path) -> Path:
    (file,) = run.rglob(f"samples_*{COMPLETE}_*.jsonl")
    return file


def change(file: Path, how: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text())
    how(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("kept", [0, 2, 15])
@pytest.mark.parametrize("command", ["export", "report", "inspect", "leaderboard"])
def test_a_log_that_lost_its_end_is_refused_and_counted(
    kept: int, command: str, run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = log_of(run)
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:kept]))
    options = {"export": ["--dest", str(tmp_path / "new")], "report": ["--dest", str(tmp_path / "new" / "r.html")]}
    assert main([command, str(run), *options.get(command, [])]) == 2
    assert f"{log} holds {kept} of 16 tasks" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_run_with_a_limit_is_whole_with_as_many_tasks(run: Path) -> None:
    log = log_of(run)
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:3]))

    def limit(content: dict[str, Any]) -> None:
        # lm-eval 0.5 puts the group's name before a task's.
        (name,) = (each for each in content["n-samples"] if each.endswith(COMPLETE))
        content["n-samples"][name]["effective"] = 3

    change(results_of(run), limit)
    assert {len(evaluation.samples) for evaluation in read_evaluations([run])} == {3, 16}


def test_results_under_the_name_that_output_path_gave_are_found_with_their_logs(run: Path) -> None:
    before = read_evaluations([run])
    results = results_of(run)
    named = results.rename(results.with_name(results.name.replace("results_", "my_run_")))
    for source in (run, named):
        found = read_evaluations([source])
        assert [(each.model, each.split, each.samples) for each in found] == [
            (each.model, each.split, each.samples) for each in before
        ]


def test_an_older_run_without_a_log_or_with_broken_results_does_not_block_the_newest(
    run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    results = results_of(run)
    newest = [each.samples for each in read_evaluations([run])]
    older = results.with_name("results_2020-01-01T00-00-00.000000.json")
    shutil.copy(results, older)
    change(older, lambda content: content.update(date=content["date"] - 86400))
    assert [each.samples for each in read_evaluations([run])] == newest
    older.write_text("{")
    assert [each.samples for each in read_evaluations([run])] == newest
    assert f"{older} cannot be read as results of lm_eval" in caplog.text
    os.rename(older, results.with_name("results_2099-01-01T00-00-00.000000.json"))
    with pytest.raises(OutputError, match=r"results_2099.* cannot be read"):
        read_evaluations([run])


@pytest.mark.parametrize("revision", ["refs/pr/3", "../../../outside", "main"])
def test_a_revision_is_a_part_of_the_name_and_of_no_path(revision: str, run: Path, tmp_path: Path) -> None:
    def asked(content: dict[str, Any]) -> None:
        content["model_name"] = "org/model"
        content["config"]["model_args"] = {"pretrained": "org/model", "revision": revision}

    change(results_of(run), asked)
    exported = tmp_path / "here" / "exported"
    assert main(["export", str(run), "--dest", str(exported)]) == 0
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} - {*run.rglob("*")} == {exported}
    models = {evaluation.model for evaluation in read_evaluations([run, exported])}
    assert models == {"org/model" if revision == "main" else f"org/model/{revision}"}


def test_long_names_of_models_and_revisions_are_shortened_and_stay_apart(run: Path, tmp_path: Path) -> None:
    for checkpoint in ("100", "200"):
        path = f"/data/{'a-folder-of-an-experiment/' * 5}step-{checkpoint}/{'another-folder/' * 8}{'0' * 40}"

        def asked(content: dict[str, Any], path: str = path) -> None:
            content.update(model_name=path)
            content["config"]["model_args"] = {"pretrained": path, "revision": "refs/" + "r" * 300}

        change(results_of(run), asked)
        assert main(["export", str(run), "--dest", str(tmp_path / "exported")]) == 0
        assert main(["inspect", str(run), "0", "--write", str(tmp_path / "inspected")]) == 0
    assert len(list((tmp_path / "exported").iterdir())) == 12
    assert len(list((tmp_path / "inspected").iterdir())) == 4
    assert all(len(path.name.encode()) <= 255 for path in tmp_path.rglob("*"))


def test_a_record_survives_what_the_harness_does_to_the_logs_of_api_models_where_pillow_is_installed() -> None:
    pytest.importorskip("PIL")
    from lm_eval.utils import hash_dict_images, sanitize_list

    record = SampleRecord("x = 1", "answer", Verdict("fail", "assertion", {"test_a": "'quoted' \"twice\""}, 1.5, 2))
    samples = hash_dict_images({"task": [{"filtered_resps": [[RecordText.of(record)]]}]})
    ((text,),) = sanitize_list(samples["task"][0]["filtered_resps"])
    assert SampleRecord.from_dict(json.loads(text)) == record


def test_results_that_every_user_may_write_are_read_with_a_warning(
    run: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    run.chmod(0o777)
    for command in ("inspect", "leaderboard"):
        caplog.clear()
        assert main([command, str(run)]) == 0
        assert f"other users may write to {run} (chmod go-w {run})" in caplog.text
    run.chmod(0o755)
    caplog.clear()
    assert main(["inspect", str(run)]) == 0
    assert "other users" not in caplog.text


def test_what_was_exported_is_the_run_itself(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        (complete,) = (each for each in harness_output.read(run) if each.split == "complete")
    assert (complete.named, complete.revision) == (complete.model, "main")
    assert replace(complete, revision="r1").named == f"{complete.model}/r1"
    assert caplog.text == ""
