"""The fork server as the parent sees it; what programs do in it is tested by sandbox and by attack."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from pathlib import Path

import pytest

from bigcodebench_tasks.execution import Environment, Limits, Sandbox, server_process
from bigcodebench_tasks.execution.server_process import ServerProcess
from tests.helpers.programs import kill_all


def test_what_still_writes_while_a_killed_server_is_closed_leaves_no_folder(
    environment: Environment, sandbox: str, scratch_parent: Path
) -> None:
    """As a supervisor does that has not noticed yet that watcher and server are dead."""
    begun = threading.Event()

    def write() -> None:
        (scratch,) = scratch_parent.iterdir()
        begun.set()
        try:
            for number in itertools.count():
                (scratch / f"sample{number}").mkdir()
                time.sleep(0.001)
        except FileNotFoundError:  # the folder is gone
            return

    with ServerProcess(environment, Sandbox(sandbox), limits=Limits(tree_memory_mib=512)) as server:
        assert server.wait_until_ready()
        kill_all(scratch_parent)
        writer = threading.Thread(target=write)
        writer.start()
        begun.wait()
    writer.join(10)
    assert not writer.is_alive()
    assert list(scratch_parent.iterdir()) == []


def test_a_folder_that_was_chosen_is_taken_even_if_it_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants scratch folders out of the memory says so."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "/tmp")
    assert server_process._parent_of_scratch(Limits()) == "/tmp"
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")
    assert server_process._parent_of_scratch(Limits()) == "/var/tmp"
