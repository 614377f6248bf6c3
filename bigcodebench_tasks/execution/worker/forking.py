"""Forking a process that has imported many libraries, for less than os.fork takes.

os.fork has the new process make all locks of logging and threading anew, in case another thread held one, and seed
`random`, which samples do by themselves: 270 pages copied, a tenth of what a small program costs. A process that has
one thread needs nothing of it. What else libraries have registered for new processes is called here as well.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Whose functions for new processes are of no use to a process of one thread that seeds `random` itself.
_NEEDLESS = {"threading", "logging", "random", "concurrent.futures.thread"}

# With the interpreter's lock held, unlike `ctypes.CDLL`; handlers that C libraries registered are called by fork(3).
_fork = ctypes.PyDLL(None, use_errno=True).fork

_in_child: list[Callable[[], object]] = []
_around: list[object] = []


@contextmanager
def registered() -> Iterator[None]:
    """Learn what is registered for new processes meanwhile; before this, only the standard library has done so."""
    register = os.register_at_fork

    def learn(**hooks: Any) -> None:
        register(**hooks)
        if sys._getframe(1).f_globals.get("__name__") not in _NEEDLESS:
            _in_child.extend(hook for name, hook in hooks.items() if name == "after_in_child")
            _around.extend(hook for name, hook in hooks.items() if name != "after_in_child")

    os.register_at_fork = learn
    try:
        yield
    finally:
        os.register_at_fork = register


def fork() -> int:
    """As os.fork. Raises OSError."""
    if _around or threading.active_count() > 1:
        return os.fork()
    pid: int = _fork()
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"fork: {os.strerror(number)}")
    if not pid:
        for hook in _in_child:
            hook()
    return pid
