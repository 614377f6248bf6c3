"""``evaluate --shard`` and ``--merge``: parts of an evaluation, joined into what one machine would have written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.helpers.official_files import write_samples

WORDS = ("--split", "complete", "--subset", "mini", "--pass-k", "1,2")


def without_times(file: Path) -> str:
    """A file's text without what a clock put there."""
    text = re.sub(r'"date": "[^"]+"', '"date": ""', file.read_text())
    return re.sub(r'"seconds": [\d.e-]+', '"seconds": 0', text)


def paths(samples: Path) -> list[Path]:
    return [samples.with_name(f"{samples.stem}_{name}.json") for name in ("eval_results", "pass_at_k")]


@pytest.fixture
def lines(complete_samples: list[dict[str, str]]) -> list[dict[str, str]]:
    """Two samples for each task, the second of which is wrong, in no order of tasks."""
    wrong = [sample | {"solution": "def task_func(*a, **k):\n    return None\n"} for sample in complete_samples]
    return [*reversed(wrong), *complete_samples]


@pytest.mark.parametrize("folder", [False, True], ids=["a file", "a folder"])
def test_parts_joined_are_the_files_that_one_machine_writes(
    folder: bool, lines: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = []
    for name in ("whole", "parts"):
        place = tmp_path / name / "samples"  # the name of the samples is the model's
        if folder:
            for number, sample in enumerate(lines):
                task = place / sample["task_id"].replace("/", "_")
                task.mkdir(parents=True, exist_ok=True)
                (task / f"{number}.py").write_text(sample["solution"])
        else:
            place.mkdir(parents=True)
            place = write_samples(place / "a.jsonl", lines)
        places.append(place)
    whole, parts = places
    assert main(["evaluate", str(whole), *WORDS]) == 0
    printed = capsys.readouterr().out.splitlines()[2:]
    for number in (3, 1, 2):
        assert main(["evaluate", str(parts), *WORDS, "--shard", f"{number}/3"]) == 0
    assert "scored 5 of 16 tasks" in capsys.readouterr().out
    assert main(["evaluate", str(parts), "--merge"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == printed
    names = [place / "eval_results.json" if folder else paths(place)[0] for place in places]
    assert without_times(names[1]) == without_times(names[0])
    scores = [name.with_name(name.name.replace("eval_results", "pass_at_k")).read_bytes() for name in names]
    assert scores[1] == scores[0]
    assert b'"gt_pass_rate": 1.0' in scores[0]


def test_missing_parts_are_named_and_nothing_is_written(
    lines: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = write_samples(tmp_path / "a.jsonl", lines[:4])
    assert main(["evaluate", str(samples), "--merge"]) == 2
    assert "there is no part of" in capsys.readouterr().err
    assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--shard", "2/4"]) == 0
    assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--shard", "2/4"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["evaluate", str(samples), "--merge"]) == 2
    assert "3 of 4 parts" in (said := capsys.readouterr().err)
    assert "--shard 1/4, 3/4, 4/4" in said
    assert not any(path.exists() for path in paths(samples))
    # More parts than tasks: some are empty.
    for number in (1, 3, 4):
        assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--shard", f"{number}/4"]) == 0
    assert main(["evaluate", str(samples), "--merge"]) == 1, "twelve tasks of the set have no sample"
    assert all(path.exists() for path in paths(samples))


def test_parts_that_do_not_belong_together_are_refused(
    lines: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = write_samples(tmp_path / "a.jsonl", lines[:4])
    assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--shard", "1/2"]) == 0
    assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--no-calibrated", "--shard", "2/2"]) == 0
    assert main(["evaluate", str(samples), "--merge"]) == 2
    assert "they differ in calibrated" in capsys.readouterr().err
    assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--force", "--shard", "2/2"]) == 0
    assert main(["evaluate", str(samples), "--merge", "--split", "instruct"]) == 2
    assert "are of complete" in capsys.readouterr().err

    write_samples(samples, lines[:3])
    assert main(["evaluate", str(samples), "--merge"]) == 2
    assert "has changed since its parts were scored" in capsys.readouterr().err
    assert main(["evaluate", str(samples), *WORDS, "--ground-truth", "skip", "--shard", "2/3"]) == 0
    assert main(["evaluate", str(samples), "--merge"]) == 2
    assert "out of 2 and 3" in capsys.readouterr().err
    (tmp_path / "a_part-2-of-3.json").write_text('{"part": [2, 3]}')
    assert main(["evaluate", str(samples), "--merge"]) == 2
    assert "cannot be read as a part" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "a/b", "1/0"])
def test_a_part_that_is_none_is_refused(shard: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "a.jsonl", "--split", "complete", "--shard", shard])
    assert "is no part, such as 3/8" in capsys.readouterr().err


def test_without_a_split_nothing_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path / "a.jsonl")]) == 2
    assert "--split is missing" in capsys.readouterr().err
