"""Run the interpreter at the same memory addresses each time.

Types, functions and most objects hash by their address, which decides the order of a set of them and whether a table
with other keys beside them finds one. Linux moves a program's memory by a random distance at its start (personality(2),
ADDR_NO_RANDOMIZE), so a few verdicts depend on chance, as in the official evaluator (task 983: pandas looks for a type
among strings).
"""

from __future__ import annotations

import os
import sys

from .sandbox import kernel

# The last argument of the new interpreter, so that it does not start over again.
_AGAIN = "again"


def fix() -> None:
    """Start this interpreter over at fixed addresses, with the same arguments. This does not return then.

    It returns where the addresses are fixed already, and where the machine does not allow it, as Docker's filter of
    system calls: programs are judged as by the official evaluator then.
    """
    if sys.argv[-1] == _AGAIN:
        return
    try:
        before = kernel.personality(kernel.PERSONALITY_AS_IT_IS)
        if before & kernel.ADDR_NO_RANDOMIZE:
            return
        kernel.personality(before | kernel.ADDR_NO_RANDOMIZE)
    except OSError:
        return
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], _AGAIN])
