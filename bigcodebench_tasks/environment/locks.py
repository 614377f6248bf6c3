"""The locks: the versions of the libraries of an execution environment."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "locks"


@dataclass(frozen=True)
class Lock:
    """Packages for one Python, each pinned with the hashes of its files.

    Attributes:
        name: "official" (the leaderboard's versions) or "current" (the nearest versions for later Pythons).
        python: version of the Python, such as "3.10".
    """

    name: str
    python: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}-{self.python}.txt"

    @property
    def sha256(self) -> str:
        """Of the file, hex."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def pins(self) -> dict[str, str]:
        """Normalized package name to version."""
        pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)", self.file.read_text(), flags=re.MULTILINE)
        return {normalized(name): version for name, version in pins}


LOCKS = (Lock("official", "3.10"), Lock("current", "3.12"), Lock("current", "3.11"))
"""In order of preference."""

NAMES = tuple(dict.fromkeys(lock.name for lock in LOCKS))


def normalized(name: str) -> str:
    """A package's name in the form in which the packaging standards compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()
