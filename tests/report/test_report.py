"""The report's page: what is in it, and that model output stays text. How it looks and works: test_browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.scoring.intervals import mean_interval
from tests.helpers.made import official_results, write_tasks

pytest.importorskip("matplotlib", reason="needs the extra report")

HOSTILE = "</script><img src=x onerror=alert(1)><!-- \u2028 \ud800 \x1b"


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(write_tasks(tmp_path / "tasks.jsonl", 9)))


def report(*sources: Path) -> Path:
    """The page of these evaluations, written by the command."""
    page = sources[0].parent / "page.html"
    assert main(["report", *map(str, sources), "--dest", str(page), "--force"]) == 0
    return page


def part(page: Path, pattern: str) -> str:
    """What the pattern's group matches in the page."""
    (text,) = re.findall(pattern, page.read_text())
    return str(text)


def overview(page: Path) -> Any:
    return json.loads(part(page, r'<script type="application/json" id="data">(.*?)</script>'))


def block(page: Path, number: int) -> Any:
    packed = part(page, rf'id="block-{number}">([^<]*)</script>')
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def policy(page: Path) -> dict[str, str]:
    text = part(page, r'Content-Security-Policy" content="([^"]*)"')
    return dict(rule.strip().split(" ", 1) for rule in text.split(";"))


def test_a_page_of_several_evaluations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    outcomes = {n: ["pass", "fail"] if n % 2 else ["fail", "timeout"] for n in range(9)}
    for split in ("complete", "instruct"):
        official_results(folder, "some/model", outcomes, split=split)
    page = report(folder)
    assert f"{page}: 2 evaluations, 0." in capsys.readouterr().out
    complete, instruct = overview(page)
    assert (complete["model"], complete["split"], instruct["split"]) == ("some/model", "complete", "instruct")
    assert complete["score"]["rate"] == pytest.approx(2 / 9)
    assert complete["score"]["tasks"] == 9
    assert [complete["score"]["low"], complete["score"]["high"]] == pytest.approx(mean_interval([0, 0.5] * 4 + [0]))
    assert complete["curve"] == [[1, pytest.approx(2 / 9)], [2, pytest.approx(4 / 9)]]
    counts = [(reason["name"], reason["samples"], reason["passed"]) for reason in complete["reasons"]]
    assert counts == [("assertion", 9, False), ("timeout", 5, False), ("passed", 4, True)]
    assert {domain["name"]: domain["tasks"] for domain in complete["domains"]} == {
        "Computation": 6,
        "System": 9,
        "Network": 2,
    }
    row = complete["rows"][3]
    assert (row["id"], row["passed"], row["samples"], row["libraries"][-1]) == ("Made/3", 1, 2, "requests")
    assert (row["verdicts"], row["reasons"]) == (["some pass"], [["assertion", 1]])
    assert complete["rows"][2]["verdicts"] == ["none passes", "timeout"]
    texts = block(page, row["block"])["Made/3"]
    assert texts["prompt"].startswith("import os")
    assert texts["reference"].endswith("# long\n")
    good, bad = texts["samples"]
    assert good["program"][good["solution"] :] == "def task_func(x):\n    return 0\n"
    assert "AssertionError: 3 != 0" in bad["details"]["test_it"]
    assert block(page, instruct["rows"][3]["block"])["Made/3"]["prompt"].startswith("Write task_func")


def test_model_output_is_never_markup(tmp_path: Path) -> None:
    file = official_results(tmp_path / "out", "m", {0: ["fail"]})
    content = json.loads(file.read_text())
    (hostile,) = content["eval"]["Made/0"]
    hostile["solution"], hostile["details"], hostile["reason"] = HOSTILE, {HOSTILE: HOSTILE * 1000}, HOSTILE
    file.write_text(json.dumps(content))
    page = report(file)
    assert "<img" not in page.read_text()
    assert "onerror" not in re.sub(r'<script type="application/json".*?</script>', "", page.read_text())
    (sample,) = block(page, 0)["Made/0"]["samples"]
    assert sample["program"] == HOSTILE
    assert "characters left out" in sample["details"][HOSTILE]
    (said,) = overview(page)
    assert [reason["name"] for reason in said["reasons"]] == [HOSTILE]


def test_the_page_may_run_its_own_script_alone_and_connect_nowhere(tmp_path: Path) -> None:
    page = report(official_results(tmp_path / "out", "m", {0: ["pass"]}))
    assert policy(page)["default-src"] == policy(page)["base-uri"] == policy(page)["form-action"] == "'none'"
    assert policy(page)["script-src"].startswith("'sha256-")
    assert policy(page)["style-src-elem"].startswith("'sha256-")
    assert not re.search(r'(?:src|href)="(?!#)', page.read_text())


def test_pictures_take_their_colours_from_the_page_and_share_no_name(tmp_path: Path) -> None:
    for split in ("complete", "instruct"):
        official_results(tmp_path / "out", "m", {n: ["pass", "fail"] for n in range(5)}, split=split)
    pictures = re.findall(r"<svg.*?</svg>", report(tmp_path / "out").read_text(), re.DOTALL)
    assert len(pictures) == 4
    names = [name for picture in pictures for name in re.findall(r' id="([^"]*)"', picture)]
    assert len(names) == len(set(names)) > 0
    for picture in pictures:
        assert "var(--pass)" in picture
        assert "currentColor" in picture
        assert not re.search(r"#[0-9a-f]{6}[;\"]", picture)
        assert "<style" not in picture


def test_every_sample_is_in_a_bin_of_its_picture() -> None:
    from bigcodebench_tasks.report.pictures import bins_of

    random = np.random.default_rng(0)
    for number in range(1, 200):
        sizes = random.lognormal(size=number) * random.choice([0.01, 300.0])
        assert np.histogram(sizes, bins_of(sizes))[0].sum() == number


def test_the_mean_of_both_splits_is_of_the_same_tasks(tmp_path: Path) -> None:
    official_results(tmp_path / "out", "m", {0: ["pass"], 1: ["pass"], 2: ["fail"], 3: ["fail"]})
    official_results(tmp_path / "out", "m", {0: ["pass"], 1: ["fail"], 2: ["fail"], 3: ["fail"]}, split="instruct")
    means = [said["mean"] for said in overview(report(tmp_path / "out"))]
    assert means[0] == means[1]
    assert means[0]["rate"] == pytest.approx(0.375)
    assert [means[0]["low"], means[0]["high"]] == pytest.approx(mean_interval([1, 0.5, 0, 0]))
    official_results(tmp_path / "out", "m", {0: ["pass"]}, split="instruct")
    assert [said["mean"] for said in overview(report(tmp_path / "out"))] == [None, None]


def test_the_same_evaluation_gives_the_same_page(tmp_path: Path) -> None:
    file = official_results(tmp_path / "out", "m", {n: ["pass", "fail"] for n in range(5)})
    assert report(file).read_bytes() == report(file).read_bytes()


def test_a_run_of_the_harness_says_what_its_score_depends_on(
    mini_run: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIGCODEBENCH_OVERRIDE_PATH")
    folder = Path(shutil.copytree(mini_run[1], tmp_path / "out"))
    (results,) = folder.rglob("results_*.json")
    content = json.loads(results.read_text())
    for config in content["configs"].values():
        config["metadata"]["bigcodebench_run"]["ground_truth"] = {
            "pass_rate": 0.5,
            "failed": ["BigCodeBenchMini/1", "Other/1"],
        }
    results.write_text(json.dumps(content))
    page = report(folder)
    for said in overview(page):
        facts = dict(said["facts"])
        assert facts["environment"].startswith("official ")
        assert facts["ground truth"] == "50.0% pass"
        assert {"plugin", "sandbox", "network", "dataset"} <= set(facts)
        assert said["truthFails"] == [row["id"] for row in said["rows"] if row["id"] == "BigCodeBenchMini/1"]
        assert all(row["seconds"] > 0 for row in said["rows"])
        texts = block(page, said["rows"][0]["block"])[said["rows"][0]["id"]]
        assert "def task_func" in texts["samples"][0]["raw"]
    assert main(["report", str(folder), "--dest", str(page)]) == 2
    assert "--force" in capsys.readouterr().err


def test_diagnoses_are_a_table_and_a_filter(tmp_path: Path) -> None:
    file = official_results(tmp_path / "out", "m", {0: ["fail"], 1: ["pass"], 2: ["fail", "fail"]})
    content = json.loads(file.read_text())
    content["eval"]["Made/0"][0]["diagnosis"] = "cut by the token limit"
    content["eval"]["Made/2"][1]["diagnosis"] = "cut by the token limit"
    file.write_text(json.dumps(content))
    page = report(file)
    (said,) = overview(page)
    assert said["diagnoses"] == [{"name": "cut by the token limit", "samples": 2}]
    assert [row["diagnoses"] for row in said["rows"]] == [["cut by the token limit"], [], ["cut by the token limit"]]
    assert block(page, 0)["Made/0"]["samples"][0]["diagnosis"] == "cut by the token limit"
