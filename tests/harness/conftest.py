"""A loopback server for the loaders of servers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.project import ROOT

StartServer = Callable[..., tuple[str, Path]]


@pytest.fixture
def start_server(processes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartServer]:
    """Starts a server with these behaviours (`openai_server.BEHAVIOURS`): its base URL, and its log of requests."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    with ExitStack() as stack:

        def start(*behaviours: str) -> tuple[str, Path]:
            log = tmp_path / "requests.jsonl"
            command = [sys.executable, "-m", "tests.helpers.openai_server", str(log), *behaviours]
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            return process.stdout.readline().strip(), log

        yield start
