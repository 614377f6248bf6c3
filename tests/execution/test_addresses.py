"""What a program does shall not depend on where the kernel puts its memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bigcodebench_tasks.execution import Environment, Limits, Verdict
from tests.helpers.programs import execute, program

LIMITS = Limits(timeout_s=60, tree_memory_mib=1024)

# A type of the interpreter, and where the C library and a library that is loaded later lie. What the program makes lies
# where the server has left room, which may depend on what it has done before.
ADDRESSES = """
import _decimal
def task_func():
    with open("/proc/self/maps") as maps:
        lines = [line for line in maps if "/libc.so" in line or "/libc-" in line or "_decimal" in line]
    return [hex(id(type)), *sorted({line.split("-")[0] for line in lines})]
"""


def said(verdict: Verdict) -> str:
    """What it returned, as the suite found it."""
    assert verdict.reason == "assertion"
    return verdict.details["test_one"]


def addresses_can_be_fixed() -> bool:
    flag = "0x40000"
    ask = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).personality({flag}) < 0)"
    return subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0


@pytest.mark.skipif(not addresses_can_be_fixed(), reason="this machine lets nobody choose how memory is laid out")
def test_everything_lies_at_the_same_addresses_in_each_server(environment: Environment, sandbox: str) -> None:
    once, again = (
        said(execute([program(ADDRESSES)], environment, limits=LIMITS, workers=1, sandbox=sandbox)[0]) for _ in range(2)
    )
    assert once == again
