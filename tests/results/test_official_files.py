"""The official evaluator's files: names, fields, and samples with broken lines."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.execution import Verdict
from bigcodebench_tasks.files import as_name, below, refuse_existing, write_json
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.results import official_files
from bigcodebench_tasks.results.official_files import ResultFiles
from bigcodebench_tasks.scoring.records import GroundTruthRate, SampleRecord
from tests.helpers.official_files import write_results
from tests.helpers.records import run_record

KNOWN = ["Made/0", "Made/1"]
RUN = run_record(ground_truth=GroundTruthRate(0.5, ["Made/1"]))


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_encoding_of_a_file_is_detected(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    lines = [json.dumps({"task_id": f"Made/{n}", "solution": "'\u00e9\u4e2d'"}, ensure_ascii=False) for n in (0, 1)]
    file.write_bytes("\r\n".join(lines).encode(encoding))
    samples = official_files.read_samples(file, KNOWN)
    assert [sample.fields["solution"] for sample in samples.samples] == ["'\u00e9\u4e2d'"] * 2
    assert samples.problems == []


@pytest.mark.parametrize("name", ["samples.json", "samples.jsonl"])
def test_a_json_array_of_samples_is_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    items = [{"task_id": f"Made/{n}", "solution": str(n)} for n in (0, 1)]
    file.write_text(json.dumps([*items, {"solution": "x"}], indent=2))
    samples = official_files.read_samples(file, KNOWN)
    assert [sample.fields for sample in samples.samples] == items
    assert samples.problems == [f"{file}, item 3: has no task_id"]


@pytest.mark.parametrize("task_id", ["Made/1", "Made_1", "made/1", " Made/1\n", "1", 1])
def test_ids_that_differ_in_form_only_are_taken(task_id: object, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"task_id": task_id, "solution": "a"}))
    (sample,) = official_files.read_samples(file, KNOWN).samples
    assert sample.task_id == "Made/1"


def test_samples_of_another_subset_are_counted_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps({"task_id": f"Made/{n}", "solution": "a"}) + "\n" for n in range(1000)))
    samples = official_files.read_samples(file, KNOWN)
    assert len(samples.samples) == 2
    assert samples.problems == ["998 samples of tasks that are not in this dataset: 'Made/2', 'Made/3', 'Made/4', ..."]


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"PAR1", "Parquet"), (b"PK\x03\x04", "a zip archive"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd")],
)
def test_a_file_of_another_kind_is_one_message(start: bytes, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_bytes(start + bytes(range(256)) * 100)
    with pytest.raises(OutputError, match=f"it is {kind}"):
        official_files.read_samples(file, KNOWN)


def test_a_compressed_file_is_known_by_its_content_and_a_device_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_bytes(gzip.compress(b'{"task_id": "Made/0", "solution": "a"}\n'))
    assert len(official_files.read_samples(file, KNOWN).samples) == 1
    with pytest.raises(OutputError, match="is not a regular file"):
        official_files.read_samples(Path("/dev/null"), KNOWN)
    with pytest.raises(OutputError, match="give one of its files"):
        official_files.read_samples(tmp_path, KNOWN)


@pytest.mark.parametrize(
    ("name", "beside", "identity"),
    [
        ("o--m--bigcodebench-complete--vllm-0-1-calibrated_hard_eval_results.json", {}, ("o/m", "complete", "hard")),
        (
            "o--m--bigcodebench-complete--vllm-0-1-calibrated_hard_eval_results.json",
            {"model": "x", "subset": "hard"},
            ("o/m", "complete", "hard"),
        ),
        ("o--m--bigcodebench-complete--vllm-0-1_eval_results.json", {"subset": "hard"}, ("o/m", "complete", "hard")),
        ("o--m--bigcodebench-complete--vllm-0-1_eval_results.json", {"model": "x"}, ("o/m", "complete", "full")),
        ("x_hard_eval_results.json", {"model": "m", "split": "instruct"}, ("m", "instruct", "hard")),
    ],
)
def test_model_split_and_subset_are_each_taken_from_where_they_are(
    name: str, beside: dict[str, str], identity: tuple[str, str, str], tmp_path: Path
) -> None:
    evaluation = official_files.read_evaluation(write_results(tmp_path / name, {"Made/0": ["pass"]}, **beside))
    assert (evaluation.model, evaluation.split, evaluation.subset) == identity


def test_samples_are_written_where_they_were_read(tmp_path: Path) -> None:
    folder = tmp_path / "samples" / "Made_1"
    folder.mkdir(parents=True)
    for number in (0, 2, 10):  # people delete samples
        (folder / f"{number}.py").write_text(f"raw {number}")
    samples = official_files.read_samples(folder.parent, KNOWN)
    assert [sample.solution({}) for sample in samples.samples] == ["raw 0", "raw 2", "raw 10"]
    for target in (folder.parent, tmp_path / "new"):
        official_files.write_samples(target, samples.samples, ["0", "2", "10"], folder.parent)
        assert {path.name: path.read_text() for path in (target / "Made_1").iterdir()} == {
            "0.py": "0",
            "2.py": "2",
            "10.py": "10",
        }


def test_no_sample_is_written_through_a_link_that_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "samples" / "Made_1", tmp_path / "outside.py"
    folder.mkdir(parents=True)
    outside.write_text("theirs")
    (folder / "0.py").symlink_to(outside)
    samples = official_files.read_samples(folder.parent, KNOWN)
    with pytest.raises(OutputError, match="leads out of"):
        official_files.write_samples(folder.parent, samples.samples, ["ours"], folder.parent)
    assert outside.read_text() == "theirs"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"task_id": ["Made/0"], "solution": "x"}', "is no task of this dataset"),
        ('{"task_id": {}, "solution": "x"}', "is no task of this dataset"),
        ('{"task_id": null, "solution": "x"}', "is no task of this dataset"),
        ("[" * 100_000, "is no JSON"),
        ('{"a":' * 100_000, "is no JSON"),
        ("\\xff\\xfe", "is no JSON"),
        ('{"task_id": "Made/0", "solution": null, "completion": null}', "has neither solution nor completion"),
        ('{"task_id": "Made/0", "solution": 7}', "is no text"),
        ("null", "is no JSON object"),
    ],
    ids=lambda text: text[:40],
)
def test_a_line_of_any_kind_is_named_and_the_rest_is_read(line: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text(f'{line}\n{{"task_id": "Made/1", "solution": "a"}}\n')
    samples = official_files.read_samples(file, KNOWN)
    assert [sample.task_id for sample in samples.samples] == ["Made/1"]
    (said,) = samples.problems
    assert said.startswith(f"{file}, line 1: ")
    assert problem in said


def test_a_solution_of_null_stands_for_the_completion(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"task_id": "Made/0", "solution": null, "completion": "b"}\n')
    (sample,) = official_files.read_samples(file, KNOWN).samples
    assert sample.solution({"complete_prompt": "prompt "}) == "prompt b"


def test_a_compressed_file_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"task_id": "Made/0", "solution": "a", "raw_solution": "raw", "mine": 7}\n'))
    samples = official_files.read_samples(file, KNOWN)
    official_files.write_samples(file, samples.samples, ["b"], file)
    assert json.loads(gzip.decompress(file.read_bytes())) == {
        "task_id": "Made/0",
        "solution": "b",
        "raw_solution": "raw",
        "mine": 7,
    }


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
    sample = SampleRecord("s", "the answer: s", Verdict("fail", "assertion", {"test_a": "t"}, 1.0, 1))
    task = {"code_prompt": "def task_func():"}
    results = official_files.eval_results({"Made/0": [sample]}, {"Made/0": task}, RUN, datetime(2026, 1, 2, 3, 4, 5))
    official = {
        "task_id": "Made/0",
        "solution": "def task_func():\n    pass\ns",
        "status": "fail",
        "details": {"test_a": "t"},
    }
    ours = {"reason": "assertion", "seconds": 1.0, "tests_run": 1, "raw_solution": "the answer: s"}
    assert results == {
        "date": "2026-01-02 03:04",
        "eval": {"Made/0": [{**official, **ours}]},
        "bigcodebench_run": RUN.to_dict(),
    }
    scores = official_files.pass_at_k(
        {"pass@1": 0.5}, model="m", split="complete", subset="hard", calibrated=True, ground_truth=GroundTruthRate(1.0)
    )
    assert list(scores) == ["pass@1", "model", "split", "subset", "calibrated", "gt_pass_rate", "failed_tasks"]
    file = tmp_path / "new" / "a.json"
    write_json(file, scores)
    assert json.loads(file.read_text()) == scores
    assert [path.name for path in file.parent.iterdir()] == ["a.json"]


def test_results_are_read_as_they_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "org--model--main--bigcodebench-hard-complete--hf-0-2"
    folder.mkdir()
    late = Verdict("timeout", "memory", {"ALL": "late"})
    records = {"Made/0": [SampleRecord("a", None, Verdict("pass", "passed")), SampleRecord("b", "b", late)]}
    run = replace(RUN, options=Options(calibrated=False), ground_truth=None)
    date = datetime(2026, 1, 2, 3, 4)
    scores = official_files.write_results(folder, records, {"Made/0": {}}, run, date=date, ks=[1, 2, 3])
    assert scores == {"pass@1": 0.5, "pass@2": 1.0}
    evaluation = official_files.read_evaluation(ResultFiles.of(folder).eval_results)
    assert (evaluation.model, evaluation.split, evaluation.subset) == ("org/model", "complete", "hard")
    assert (evaluation.date, evaluation.run, evaluation.solve_rates()) == (date, run, {"Made/0": 0.5})
    assert evaluation.samples == records


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("pass", {}, "passed"),
        ("timeout", {}, "timeout"),
        ("fail", {"test_a": "Traceback (most recent call last):\n  File\nAssertionError: 1 != 2\n"}, "assertion"),
        ("fail", {"test_a": "Traceback (most recent call last):\n  File\nValueError: AssertionError\n"}, "error"),
        ("fail", {"a": "AssertionError", "b": "KeyError: 'AssertionError'"}, "error"),
        ("fail", {"ALL": "name 'x' is not defined"}, "did not load"),
        ("fail", {}, "error"),
    ],
)
def test_the_reason_of_an_official_verdict_is_derived_from_its_traceback(
    status: str, details: dict[str, str], reason: str, tmp_path: Path
) -> None:
    file = write_results(tmp_path / "m--main--bigcodebench-complete--hf-0-1_eval_results.json", {"Made/0": [status]})
    content = json.loads(file.read_text())
    content["eval"]["Made/0"][0]["details"] = details
    file.write_text(json.dumps(content))
    evaluation = official_files.read_evaluation(file)
    (sample,) = evaluation.samples["Made/0"]
    assert (sample.status, sample.reason, sample.details) == (status, reason, details)
    assert (sample.seconds, evaluation.run) == (None, None)


def test_ground_truth_that_was_not_checked_is_null(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    records = {"Made/0": [SampleRecord("a", None, Verdict("pass", "passed"))]}
    run = replace(RUN, options=Options(calibrated=False), ground_truth=None)
    folder = tmp_path / "samples"
    official_files.write_results(folder, records, {"Made/0": {}}, run, date=datetime(2026, 1, 2))
    assert json.loads(ResultFiles.of(folder).pass_at_k.read_text())["gt_pass_rate"] is None


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_json(tmp_path / "file" / "a.json", {})


def test_a_file_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "real.json", tmp_path / "link.json"
    file.write_text("{}")
    file.chmod(0o600)
    link.symlink_to("real.json")
    write_json(link, {"a": 1})
    assert link.is_symlink()
    assert (json.loads(file.read_text()), file.stat().st_mode & 0o777) == ({"a": 1}, 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("org/model", "org--model"),
        ("../../etc", "..--..--etc"),
        ("..", "__"),
        (".", "_"),
        ("", "_"),
        ("a\x1b]0;title\x07\nb", "a_]0;title__b"),
        ("llama:8b é", "llama:8b é"),
        ("a\x00\ud800", "a__"),
    ],
)
def test_a_text_becomes_one_part_of_a_path(text: str, name: str, tmp_path: Path) -> None:
    assert as_name(text) == name
    assert below(tmp_path, name).parent == tmp_path
    assert len(as_name(text * 1000).encode()) < 200


def test_nothing_leads_out_of_the_folder_that_was_named(tmp_path: Path) -> None:
    folder = tmp_path / "dest"
    assert below(folder, "/etc/passwd", "../../x") == folder / "etc" / "passwd" / "__" / "__" / "x"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="through a link"):
        below(folder, "link/x")
