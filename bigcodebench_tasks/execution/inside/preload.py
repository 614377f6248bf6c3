"""Libraries that the fork server imports once, and what a forked process must make its own."""

from __future__ import annotations

import gc
import importlib
import random
import sys
import warnings


def load(names: list[str]) -> None:
    """Import each library that is there. A broken one is left to the program that asks for it."""
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except Exception:
            continue
    gc.collect()
    gc.freeze()


def reset(seed: int) -> None:
    """Give this process random state of its own, the same in each run of the same task."""
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
