"""The report's page: what is in it, and that model output stays text. How it looks and works: test_report_browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from made import official_results, write_tasks

from bigcodebench_tasks.cli import main

pytest.importorskip("matplotlib", reason="needs the extra report")

HOSTILE = "</script><img src=x onerror=alert(1)><!-- \u2028 \ud800 \x1b"


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(write_tasks(tmp_path / "tasks.jsonl", 9)))


def overview(page: Path) -> Any:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())[1])


def block(page: Path, number: int) -> Any:
    packed = re.search(rf'id="block-{number}">([^<]*)</script>', page.read_text())[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_a_page_of_several_evaluations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, page = tmp_path / "out", tmp_path / "page.html"
    outcomes = {n: ["pass", "fail"] if n % 2 else ["fail", "timeout"] for n in range(9)}
    for split in ("complete", "instruct"):
        official_results(folder, "some/model", outcomes, split=split)
    assert main(["report", str(folder), "--dest", str(page)]) == 0
    assert f"{page}: 2 evaluations" in capsys.readouterr().out
    complete, instruct = overview(page)
    assert (complete["model"], complete["split"], instruct["split"]) == ("some/model", "complete", "instruct")
    assert complete["score"] == pytest.approx(2 / 9)
    assert complete["curve"] == [[1, pytest.approx(2 / 9)], [2, pytest.approx(4 / 9)]]
    assert complete["reasons"] == [["fail", 9], ["timeout", 5], ["pass", 4]]
    assert {one["name"]: one["tasks"] for one in complete["domains"]} == {"Computation": 6, "System": 9, "Network": 2}
    row = complete["rows"][3]
    assert (row["id"], row["passed"], row["samples"], row["libraries"][-1]) == ("Made/3", 1, 2, "requests")
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
    (one,) = content["eval"]["Made/0"]
    one["solution"], one["details"], one["status"] = HOSTILE, {HOSTILE: HOSTILE * 1000}, HOSTILE
    file.write_text(json.dumps(content))
    assert main(["report", str(file), "--dest", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "<img" not in page
    assert "onerror" not in re.sub(r'<script type="application/json".*?</script>', "", page)
    (sample,) = block(tmp_path / "page.html", 0)["Made/0"]["samples"]
    assert sample["program"] == HOSTILE
    assert "characters left out" in sample["details"][HOSTILE]
    (said,) = overview(tmp_path / "page.html")
    assert said["reasons"] == [[HOSTILE, 1]]


def test_the_page_may_run_its_own_script_alone_and_connect_nowhere(tmp_path: Path) -> None:
    file = official_results(tmp_path / "out", "m", {0: ["pass"]})
    assert main(["report", str(file), "--dest", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "default-src 'none'" in page
    assert "script-src 'sha256-" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)


def test_the_same_evaluation_gives_the_same_page(tmp_path: Path) -> None:
    file = official_results(tmp_path / "out", "m", {n: ["pass", "fail"] for n in range(5)})
    for name in ("a.html", "b.html"):
        assert main(["report", str(file), "--dest", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text()


def test_a_run_of_the_harness_says_what_its_score_depends_on(
    mini_run: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIGCODEBENCH_OVERRIDE_PATH")
    command = ["report", str(mini_run[1]), "--dest", str(tmp_path / "page.html")]
    assert main(command) == 0
    facts = dict(overview(tmp_path / "page.html")[0]["facts"])
    assert {"plugin", "environment", "isolation", "dataset"} <= set(facts)
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
