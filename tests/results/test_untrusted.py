"""Hostile folders of results: every command ends with one clear message or shows them harmlessly, never a traceback."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.cli.main import main

COMPLETE = "bigcodebench_mini_complete"
TITLE = "\x1b]0;title\x07\x9b31m[/][bold]</script><b>\u202e"
"""What sets a terminal's title, changes its colours, is no markup of rich and ends a script, and turns text around."""

Change = Callable[[dict[str, Any]], object]


def task_of(content: dict[str, Any]) -> str:
    """What the harness calls the task there: lm-eval 0.5 puts its group's name before it."""
    return next(str(name) for name in content["configs"] if name.endswith(COMPLETE))


def config(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["configs"][task_of(content)]
    return found


def run(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config(content)["metadata"]["bigcodebench_run"]
    return found


def deep(depth: int = 5000) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


RESULTS: dict[str, Change] = {
    "configs is a list": lambda c: c.update(configs=[1]),
    "config of a task is text": lambda c: c["configs"].update({task_of(c): "x"}),
    "metadata is a number": lambda c: config(c).update(metadata=7),
    "run is a list": lambda c: config(c)["metadata"].update(bigcodebench_run=[]),
    "run is empty": lambda c: run(c).clear(),
    "split is unknown": lambda c: run(c).update(split=TITLE),
    "subset is unknown": lambda c: run(c).update(subset="../.."),
    "split is a list": lambda c: run(c).update(split=["complete"]),
    "options is a list": lambda c: run(c).update(options=[1]),
    "an option is unknown": lambda c: run(c)["options"].update({TITLE: 1}),
    "n_samples is text": lambda c: run(c)["options"].update(n_samples="x"),
    "conditions is text": lambda c: run(c).update(conditions=TITLE),
    "limits is a list": lambda c: run(c)["conditions"].update(limits=[1]),
    "time limit is text": lambda c: run(c)["conditions"]["limits"].update(timeout_s=TITLE),
    "lock is a list": lambda c: run(c)["conditions"].update(lock=[1]),
    "seeds is text": lambda c: run(c).update(seeds=TITLE),
    "ground truth is text": lambda c: run(c).update(ground_truth=TITLE),
    "pass rate is text": lambda c: run(c).update(ground_truth={"pass_rate": TITLE}),
    "failed is a number": lambda c: run(c).update(ground_truth={"pass_rate": 1.0, "failed": 7}),
    "dataset digest is a number": lambda c: run(c).update(dataset_sha256=7),
    "plugin is a list": lambda c: run(c).update(plugin=[TITLE]),
    "task_ids is a number": lambda c: run(c).update(task_ids=7),
    "date is text": lambda c: c.update(date="yesterday"),
    "date is huge": lambda c: c.update(date=1e300),
    "date is a list": lambda c: c.update(date=[1]),
    "model is a list": lambda c: c.update(model_name=[TITLE]),
    "model leads elsewhere": lambda c: c.update(model_name=f"../../{TITLE}"),
    "model arguments are a list": lambda c: c["config"].update(model_args=[1]),
    "config is text": lambda c: c.update(config=TITLE),
    "temperature is text": lambda c: config(c).update(generation_kwargs={"temperature": "hot"}),
    "generation is a list": lambda c: config(c).update(generation_kwargs=[1]),
    "n-samples is text": lambda c: c.update({"n-samples": TITLE}),
    "a task's name leads elsewhere": lambda c: c["configs"].update({f"../{TITLE}": config(c)}),
    "dataset path is a list": lambda c: config(c).update(dataset_path=[1]),
}

LOGS: dict[str, Change] = {
    "doc is a list": lambda line: line.update(doc=[1]),
    "task_id is a list": lambda line: line["doc"].update(task_id=["x"]),
    "task_id is markup": lambda line: line["doc"].update(task_id=TITLE),
    "task_id leads elsewhere": lambda line: line["doc"].update(task_id="/../../../outside"),
    "prompt is a number": lambda line: line["doc"].update(complete_prompt=7),
    "test is missing": lambda line: line["doc"].pop("test"),
    "libs is a number": lambda line: line["doc"].update(libs=7),
    "libs is code": lambda line: line["doc"].update(libs="__import__('os').abort()"),
    "libs is deep": lambda line: line["doc"].update(libs="[" * 5000),
    "no answers": lambda line: line.update(resps=[], filtered_resps=[]),
    "answers are a number": lambda line: line.update(resps=7),
    "a record is a number": lambda line: line.update(filtered_resps=[[7]]),
    "a record is no JSON": lambda line: line.update(filtered_resps=[["{"]]),
    "a record is deep": lambda line: line.update(filtered_resps=[["[" * 100_000]]),
    "a record is deep Python": lambda line: line.update(filtered_resps=[["{'" + "[" * 5000]]),
    **{
        f"{name} is {json.dumps(value)[:20]}": lambda line, name=name, value=value: line.update(  # type: ignore[misc]
            filtered_resps=[[json.dumps({**json.loads(line["filtered_resps"][0][0]), name: value})]]
        )
        for name, value in [
            ("solution", 7),
            ("solution", TITLE),
            ("raw_solution", [1]),
            ("status", TITLE),
            ("reason", TITLE),
            ("reason", None),
            ("details", [1]),
            ("details", {TITLE: TITLE}),
            ("details", {"test": 7}),
            ("seconds", TITLE),
            ("seconds", -1e9),
            ("seconds", 10**400),
            ("tests_run", "many"),
        ]
    },
}

COMMANDS = ("report", "inspect", "inspect task", "inspect --write", "export", "leaderboard", "compare")


@pytest.fixture
def out(mini_run: tuple[str, Path], tmp_path: Path) -> Path:
    """A copy of a real run's output, deep enough that nothing it names is outside of the test's folder."""
    return Path(shutil.copytree(mini_run[1], tmp_path / "a" / "b" / "c" / "d" / "out"))


def words_of(command: str, source: Path, dest: Path) -> list[str]:
    name, _, how = command.partition(" ")
    words = [name, str(source)]
    if name == "report":
        return [*words, "--dest", str(dest / "report.html"), "--force"]
    if name == "export":
        return [*words, "--dest", str(dest)]
    return words + {"": [], "task": ["0"], "--write": ["--write", str(dest)]}[how]


def assert_harmless(source: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command succeeds or says in a line why not; nothing is written elsewhere, nothing reaches the terminal."""
    dest = source.parent / "dest"
    before = {path for path in root.rglob("*") if not path.is_relative_to(dest)}
    for command in COMMANDS:
        shutil.rmtree(dest, ignore_errors=True)
        dest.mkdir()
        status = main(words_of(command, source, dest))
        said = capsys.readouterr()
        assert status in (0, 2), command
        assert (status == 2) == said.err.startswith("bigcodebench-tasks: "), command
        assert "Traceback" not in said.err
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err) is None, command
        assert {path for path in root.rglob("*") if not path.is_relative_to(dest)} == before, command
        page = dest / "report.html"
        if page.exists():
            html = page.read_text()
            assert "default-src 'none'" in html
            assert "</script><b>" not in html
            assert "<b>" not in html


@pytest.mark.parametrize("name", RESULTS)
def test_hostile_results_files(name: str, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = out.rglob("results_*.json")
    content = json.loads(file.read_text())
    RESULTS[name](content)
    file.write_text(json.dumps(content))
    assert_harmless(out, tmp_path, capsys)


@pytest.mark.parametrize("name", LOGS)
def test_hostile_logs(name: str, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (log,) = out.rglob(f"samples_*{COMPLETE}_*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    LOGS[name](lines[0])
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert_harmless(out, tmp_path, capsys)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"configs": ' + b"[" * 100_000, b"{}"],
    ids=lambda content: str(content[:20]),
)
@pytest.mark.parametrize("name", ["results_2026.json", "x_eval_results.json"])
def test_files_that_are_no_results(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_bytes(content)
    assert_harmless(out, tmp_path, capsys)


OFFICIAL: dict[str, Change] = {
    "eval is a list": lambda c: c.update(eval=[1]),
    "eval of a task is a number": lambda c: c["eval"].update({"BigCodeBenchMini/0": 7}),
    "a sample is text": lambda c: c["eval"].update({"BigCodeBenchMini/0": [TITLE]}),
    "a sample is empty": lambda c: c["eval"].update({"BigCodeBenchMini/0": [{}]}),
    "task_id is markup": lambda c: c["eval"].update({TITLE: c["eval"]["BigCodeBenchMini/0"]}),
    "date is a number": lambda c: c.update(date=7),
    "run is a list": lambda c: c.update(bigcodebench_run=[1]),
    "run is empty": lambda c: c.update(bigcodebench_run={}),
    "status is markup": lambda c: c["eval"]["BigCodeBenchMini/0"][0].update(status=TITLE),
    "solution is a number": lambda c: c["eval"]["BigCodeBenchMini/0"][0].update(solution=7),
    "details are deep": lambda c: c["eval"]["BigCodeBenchMini/0"][0].update(details={"t": deep(500)}),
    "details are markup": lambda c: c["eval"]["BigCodeBenchMini/0"][0].update(details={TITLE: TITLE}, status="fail"),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_hostile_official_files(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a" / "b" / "out"
    out.mkdir(parents=True)
    sample = {"task_id": "BigCodeBenchMini/0", "solution": "x = 1", "status": "pass", "details": {}}
    content = {"date": "2026-01-02 03:04", "eval": {"BigCodeBenchMini/0": [sample]}}
    OFFICIAL[name](content)
    (out / "m--main--bigcodebench-mini-complete--hf-0-1_eval_results.json").write_text(json.dumps(content))
    assert_harmless(out, tmp_path, capsys)


@pytest.mark.parametrize(
    "beside", ["[1]", "{", '{"split": [], "subset": {}}', json.dumps({"split": TITLE, "subset": 1})]
)
def test_hostile_files_beside_official_ones(beside: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    sample = {"task_id": "BigCodeBenchMini/0", "solution": "x = 1", "status": "pass", "details": {}}
    content = {"date": "2026-01-02 03:04", "eval": {"BigCodeBenchMini/0": [sample]}}
    (out / "x_eval_results.json").write_text(json.dumps(content))
    (out / "x_pass_at_k.json").write_text(beside)
    assert_harmless(out, tmp_path, capsys)


@pytest.mark.parametrize("command", ["sanitize", "syncheck"])
def test_samples_with_sequences_are_named_escaped(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "samples.jsonl"
    rows = [
        {"task_id": TITLE, "solution": ""},
        {"task_id": [TITLE], "solution": ""},
        {"task_id": "BigCodeBenchMini/0", "solution": TITLE},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([command, str(file), "--subset", "mini"]) == 1
    said = capsys.readouterr()
    assert r"\x1b]0;title\x07" in said.err
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err) is None
