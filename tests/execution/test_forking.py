"""A cheap fork leaves a process that is as good as one of os.fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bigcodebench_tasks.execution import worker

# Each case in an interpreter of its own: what is registered for new processes stays so.
BEGIN = f"""
import os, sys
sys.path.insert(0, {str(Path(worker.__file__).parent.parent)!r})
from inside import forking

def library(source):
    exec(source, {{"__name__": "library", "os": os, "seen": seen}})

def in_child(what):
    sys.stdout.flush()
    pid = forking.fork()
    if not pid:
        what()
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(pid, 0) == (pid, 0)

seen = []
"""


def run(source: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", BEGIN + source], check=True, capture_output=True, text=True, timeout=120
    ).stdout


def test_the_new_process_can_log_and_start_threads_and_fork_again() -> None:
    source = """
def child():
    import logging, threading
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    thread = threading.Thread(target=logging.warning, args=("logged in a thread",))
    thread.start()
    thread.join()
    assert threading.current_thread() is threading.main_thread()
    in_child(lambda: print(os.getppid() != 0, "grandchild"))
    pid = os.fork()
    if not pid:
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
in_child(child)
"""
    assert run(source) == "logged in a thread\nTrue grandchild\n7\n"


def test_what_a_library_registered_for_new_processes_is_called() -> None:
    source = """
with forking.registered():
    library("os.register_at_fork(after_in_child=lambda: seen.append('child'))")
in_child(lambda: print(seen))
print(seen)
"""
    assert run(source) == "['child']\n[]\n"


def test_what_a_library_wants_before_and_after_a_fork_is_done_too() -> None:
    source = """
with forking.registered():
    library("os.register_at_fork(before=lambda: seen.append('before'), after_in_child=lambda: seen.append('child'))")
in_child(lambda: print(seen))
print(seen)
"""
    assert run(source) == "['before', 'child']\n['before']\n"


def test_a_process_with_more_threads_is_forked_as_usual() -> None:
    source = """
import threading
ended = threading.Event()
threading.Thread(target=ended.wait).start()
in_child(lambda: print(threading.active_count()))
ended.set()
"""
    assert run(source) == "1\n"


def test_learning_ends() -> None:
    source = """
register = os.register_at_fork
with forking.registered():
    assert os.register_at_fork is not register
print(os.register_at_fork is register)
"""
    assert run(source) == "True\n"
