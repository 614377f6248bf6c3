"""When a progress bar is shown."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from bigcodebench_tasks.progress import Lines, is_terminal, progress


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


def test_a_file_gets_a_line_now_and_then_and_one_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with Lines(4, "Working", "task", every=0) as lines:
        lines.update(2)
        lines.set_postfix_str("passed 1", refresh=False)
        lines.update()
    assert stream.getvalue() == "Working: 2 of 4 tasks (0:00)\nWorking: 3 of 4 tasks, passed 1 (0:00)\n"
    with Lines(None, "Working", "task", every=0) as lines:
        lines.update()
        lines._every = float("inf")
        lines.update()
    assert stream.getvalue().endswith("Working: 1 tasks (0:00)\nWorking: 2 tasks (0:00)\n")


def test_work_that_is_soon_done_and_a_closed_file_get_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    with Lines(4, "Working", "task", every=0) as lines:
        lines.update()


def test_a_file_no_work_and_a_quiet_harness_get_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO()) == ""
    assert shown(monkeypatch, Terminal(), total=0) == ""
    harness = logging.getLogger("lm_eval")
    before = harness.level
    harness.setLevel(logging.WARNING)
    try:
        assert shown(monkeypatch, Terminal()) == ""
    finally:
        harness.setLevel(before)


class Tee:
    """What people put in place of standard error: it can write, and no more."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...


def test_a_stream_without_isatty_or_that_was_closed_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    assert [is_terminal(stream) for stream in (Tee(), None, closed)] == [False] * 3
    monkeypatch.setattr(sys, "stderr", Tee())
    with progress(1, "Executing", "sample") as bar:
        bar.update()
