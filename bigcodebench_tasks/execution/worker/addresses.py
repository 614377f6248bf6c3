"""Where things lie in memory: at the same addresses in every run.

Types, functions and most objects hash by their address. It decides in which order a set of them is listed, and whether
a table with other keys beside them finds one. Linux moves a program's memory by a random distance when it starts
(personality(2), ADDR_NO_RANDOMIZE), so such a verdict would be one of chance, as it is in the official evaluator (task
983: pandas looks for a type among strings).
"""

from __future__ import annotations

import os
import sys

from .sandbox import kernel

# What the new interpreter gets as its last argument, so that none starts more than once over.
_AGAIN = "again"


def fix() -> None:
    """Start this interpreter over, with the same arguments, in a way that nothing is moved; then this does not return.

    It returns where nothing has been moved, and where the machine does not let us choose: Docker's filter of system
    calls does not. Programs are then judged as by the official evaluator.
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
