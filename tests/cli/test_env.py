"""``env``, on a cache folder of its own and on the environment that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.environment.verify import ensure


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("BIGCODEBENCH_PYTHON", raising=False)
    monkeypatch.delenv("BIGCODEBENCH_LOCK", raising=False)
    monkeypatch.setenv("BIGCODEBENCH_CACHE", str(tmp_path))
    return tmp_path


def test_before_it_is_built_the_check_says_how_to_build_it(
    empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["env", "check"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "there is no execution environment yet. Build it: bigcodebench-tasks env create\n"


def test_before_it_is_built_its_path_is_where_it_would_be(
    empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["env", "path", "--lock", "official"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder.is_relative_to(empty_cache)
    assert "official" in folder.name
    assert not folder.exists()


def test_nothing_to_remove_is_no_error(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "remove"]) == 0
    assert capsys.readouterr().out == "there is none\n"


@pytest.mark.slow
def test_the_check_says_what_was_compared(capsys: pytest.CaptureFixture[str]) -> None:
    environment = ensure()
    assert main(["env", "check"]) == 0
    said = capsys.readouterr().out
    assert f"interpreter: {environment.python}\nlock:        {environment.lock}, " in said
    for line in ("libraries:   ", "programs:    ", "sandbox:   "):
        assert f"\n{line}" in said
