"""What one program may use: one frozen value with units in its names, and its single resolver."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from bigcodebench_tasks.errors import OptionError

TIMEOUT_VARIABLE = "BIGCODEBENCH_TIMEOUT_PER_TASK"


@dataclass(frozen=True)
class Limits:
    """Limits of one program, all its processes together unless said otherwise.

    Defaults are the official evaluator's (bigcodebench 0.2.5, ``eval/__init__.py`` and
    ``eval/utils.py``) where it has one.

    Attributes:
        timeout_s: wall-clock seconds for loading the program and running its tests.
        memory_mib: address space and data segment of each process, MiB (official: 30 GiB).
        tree_memory_mib: resident memory of all processes together, MiB; None for `memory_mib` or one
            worker's share of the machine's memory, whichever is less.
        stack_mib: stack of each process, MiB (official: 10).
        scratch_mib: everything the program writes, and each file of it, MiB.
        processes: processes and threads.
        open_files: open files of each process.
        output_bytes: characters of the report that are kept; longer tracebacks are cut, with a note.
    """

    timeout_s: float = 240.0
    memory_mib: int = 30 * 1024
    tree_memory_mib: int | None = None
    stack_mib: int = 10
    scratch_mib: int = 1024
    processes: int = 512
    open_files: int = 1024
    output_bytes: int = 1 << 20

    @classmethod
    def resolve(cls, variables: Mapping[str, str] | None = None) -> Limits:
        """The defaults, changed by environment variables.

        Args:
            variables: where to look variables up; ``os.environ`` by default.

        Raises:
            OptionError: ``BIGCODEBENCH_TIMEOUT_PER_TASK`` is not a positive number of seconds.
        """
        text = (os.environ if variables is None else variables).get(TIMEOUT_VARIABLE)
        if not text:
            return cls()
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds < float("inf"):
            raise OptionError(f"{TIMEOUT_VARIABLE}={text!r}: expected a positive number of seconds, such as 240")
        return cls(timeout_s=seconds)
