"""What a sample's processes use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bigcodebench_tasks.execution.inside import tree


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_has_ended_holds_no_memory() -> None:
    limit = 1 << 30
    ended = subprocess.Popen(["true"])
    ended.wait()
    claims_much = tree.Process(ended.pid, os.getpid(), "R", 0.0, 1, rss_bytes=2 * limit)
    own = tree.Process(os.getpid(), os.getppid(), "R", 0.0, 1, rss_bytes=2 * limit)
    assert not tree.use_more_memory_than(limit, [claims_much, own])
    assert tree.use_more_memory_than(1 << 20, [claims_much, own])
