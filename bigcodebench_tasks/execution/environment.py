"""The execution environment: find, build and verify the second Python, which runs the programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """An interpreter that has the libraries that BigCodeBench's tasks import.

    Attributes:
        python: its interpreter, absolute.
        lock: the lock that it was built from ("official", "current"), or "custom" for an
            interpreter that the user named in ``BIGCODEBENCH_PYTHON``.
        lock_sha256: SHA-256 of that lock file, hex; of the sorted "name==version" lines of what is
            installed for "custom".
        folder: the virtual environment's folder, or the custom interpreter's ``sys.prefix``.
        nltk_data: folder with NLTK data that programs see as ``NLTK_DATA``, or None.
    """

    python: Path
    lock: str
    lock_sha256: str
    folder: Path
    nltk_data: Path | None = None


def ensure() -> Environment:  # TEMP
    return Environment(Path("/opt/dev/env-quick/bin/python"), "official", "0", Path("/opt/dev/env-quick"))
