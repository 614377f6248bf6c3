"""When a progress bar is shown."""

from __future__ import annotations

import io
import logging

import pytest

from bigcodebench_tasks.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, total: int = 3) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    with progress(total, "Working", "task", mininterval=0) as bar:
        bar.update()
    return stream.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Working" in shown(monkeypatch, Terminal())


def test_a_file_no_work_and_a_quiet_harness_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO()) == ""
    assert shown(monkeypatch, Terminal(), total=0) == ""
    harness = logging.getLogger("lm_eval")
    before = harness.level
    harness.setLevel(logging.WARNING)
    try:
        assert shown(monkeypatch, Terminal()) == ""
    finally:
        harness.setLevel(before)
