"""Libraries that the fork server imports once, and the random state of each sample."""

from __future__ import annotations

import ctypes
import gc
import importlib
import random
import sys
import warnings


def load(names: list[str]) -> None:
    """Import each library that is there. A broken one fails in the program that imports it."""
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except Exception:
            continue
    gc.collect()
    gc.freeze()
    huge_pages()


def reset(seed: int) -> None:
    """Seed random and numpy: every run of a task has the same random state."""
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


_MADV_COLLAPSE = 25
_HUGE = 2 << 20


def huge_pages() -> None:
    """Move this process's memory into huge pages where the kernel can, so that a fork copies fewer page tables."""
    libc = ctypes.CDLL(None)
    with open("/proc/self/maps", encoding="ascii", errors="replace") as file:
        lines = [line.split() for line in file]
    for fields in lines:
        if fields[1] != "rw-p" or (len(fields) > 5 and fields[5] != "[heap]"):
            continue
        start, end = (int(text, 16) for text in fields[0].split("-"))
        start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
        if end > start:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_COLLAPSE)
