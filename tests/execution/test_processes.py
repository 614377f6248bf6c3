"""What a sample's processes are, also those that look as if they were dead."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from bigcodebench_tasks.execution.worker import processes
from tests.helpers.project import starts_processes

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"), starts_processes]

# A process whose first thread ends while another one goes on, with memory of its own.
HALF_DEAD = """
import ctypes, sys, threading, time
def hold():
    data = b"x" * (64 << 20)
    print("held", flush=True)
    time.sleep(600)
threading.Thread(target=hold).start()
time.sleep(0.2)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[__import__("platform").machine()], 0)
"""


def test_a_process_whose_first_thread_has_ended_is_alive_and_holds_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", HALF_DEAD], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            while b"Z" not in processes._stat(f"/proc/{process.pid}/stat")[0]:
                time.sleep(0.01)
            found = processes.snapshot()[process.pid]
            assert found.alive
            assert found.thread != found.pid
            assert found.rss_bytes > 64 << 20
        finally:
            process.kill()


def test_such_a_process_is_killed_with_the_others() -> None:
    script = (
        "import os, subprocess, sys\nfrom bigcodebench_tasks.execution.worker import processes\n"
        "from bigcodebench_tasks.execution.worker.sandbox import kernel\n"
        "kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {HALF_DEAD!r}], stdout=subprocess.PIPE)\n"
        "assert child.stdout.readline() == b'held\\n'\n"
        "while processes._stat(f'/proc/{child.pid}/stat')[0] != b'Z': pass\n"
        "processes.kill_below(os.getpid())\nprint(processes.no_children())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    assert done.stdout == "True\n"


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not processes.snapshot()[ended.pid].alive
