"""A sample inherits the server's memory, and finds nothing of other programs there; nor can it speak for us."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.execution import Environment, Limits
from tests.helpers.programs import RIGHT, SUITE, execute, program

LIMITS = Limits(timeout_s=120, tree_memory_mib=1024)

# What it looks for is put together only where it is its own, so that it does not find its own source.
LOOKS_AROUND = """
import gc, re, sys
wanted = ("MARK" + "ER_OF_").encode() + b"[A-Z]+"
# Freed memory may hold its own marker with its end overwritten, which is nobody else's: theirs begin otherwise.
its_own = ("MARK" + "ER_OF_I").encode()

def in_memory():
    found = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(text, 16) for text in span.split("-"))
            if rights.startswith("r") and "[v" not in line:
                try:
                    memory.seek(start)
                    marks = re.findall(wanted, memory.read(end - start))
                    found.update(its_own + b"TSELF" if mark.startswith(its_own) else mark for mark in marks)
                except (OSError, OverflowError):
                    pass
    return found

def on_the_stack():
    frame, found = sys._getframe(), set()
    while frame:
        found |= {type(value).__qualname__ for value in frame.f_locals.values()}
        frame = frame.f_back
    return found

def alive():
    return {type(thing).__qualname__ for thing in gc.get_objects()}

SERVERS = {
    "Server", "RunningProgram", "ForkContext", "Channel", "Namespaces", "Landlock", "ServerSettings", "StartProgram"
}
"""


def others(number: int) -> str:
    return (
        f"# {number}: MARKER_OF_SOURCES\nimport time\ntime.sleep({number})\n"
        "def task_func():\n    raise ValueError('MARKER_' + 'OF_REPORTS')\n"
    )


@pytest.mark.parametrize("workers", [1, 3])
def test_nothing_of_other_programs_is_in_a_samples_memory(environment: Environment, sandbox: str, workers: int) -> None:
    test = SUITE + "\nMARKER = 'MARKER_OF_SUITES'\n"
    look = LOOKS_AROUND + "own = 'MARK' + 'ER_OF_ITSELF'\ndef task_func(): return sorted(in_memory())\n"
    expected = SUITE.replace('"right"', "[b'MARKER_OF_ITSELF']")
    # Six before it, of which the long ones still run beside it and the short ones have reported.
    verdicts = execute(
        [*(program(others(n % 3 * 2), test, f"MARKER_OF_TASK/{n}") for n in range(6)), program(look, expected)],
        environment,
        limits=LIMITS,
        workers=workers,
        sandbox=sandbox,
    )
    assert [verdict.reason for verdict in verdicts[:6]] == ["error"] * 6
    assert verdicts[6].details == {}


def test_nothing_of_the_server_can_be_reached_by_stack_and_collector(environment: Environment, sandbox: str) -> None:
    look = LOOKS_AROUND + "def task_func(): return sorted(SERVERS & (on_the_stack() | alive()))\n"
    verdicts = execute(
        [program(others(3)), program(look, SUITE.replace('"right"', "[]"))],
        environment,
        limits=LIMITS,
        workers=2,
        sandbox=sandbox,
    )
    assert verdicts[1].details == {}


def test_a_program_cannot_say_that_it_could_not_be_confined(environment: Environment, sandbox: str) -> None:
    """It writes what the server takes for a failure of ours, to all that is open, and leaves with that status."""
    solution = (
        "import os\nfor fd in range(3, 1024):\n    try: os.write(fd, b'!the sandbox is broken')\n"
        "    except OSError: pass\nos._exit(119)\n"
    )
    verdicts = execute(
        [
            program(RIGHT),
            program(solution),
            program(f"def task_func():\n    exec({solution!r})"),
            program(RIGHT + "\n"),
        ],
        environment,
        limits=LIMITS,
        sandbox=sandbox,
    )
    assert [v.reason for v in verdicts] == ["passed", "invalid report", "invalid report", "passed"]


def test_a_program_cannot_read_the_secret_of_its_report(environment: Environment, sandbox: str) -> None:
    """A thread opens whatever is open once more, and reads there while the report is written."""
    solution = (
        "import os, threading\nopened = []\nfor fd in range(3, 1024):\n"
        "    try: opened.append(os.open(f'/proc/self/fd/{fd}', os.O_RDONLY | os.O_NONBLOCK))\n"
        "    except OSError: pass\n"
        "def task_func(): return 'right' if opened else 'wrong'\n"
    )
    (verdict,) = execute([program(solution)], environment, limits=LIMITS, sandbox=sandbox)
    assert (verdict.status, verdict.reason) == ("fail", "assertion")
