"""Telling what programs did to the machine from what everybody else does there at the same time.

Nothing that all processes share is compared as a whole, such as the entries of ``/tmp``. Whatever a program creates
bears a marker that nobody else knows, and whatever it could destroy is the test's own or is known by its identity.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path


class Traces:
    """What programs do outside their scratch.

    Args:
        folders: where they may create something in some kind of sandbox, or would like to.
        others: what else they would like to change or to cover by a mount.

    Attributes:
        marker: part of the name of everything that they create: files, sources of mounts.
    """

    def __init__(self, folders: Iterable[str | Path], others: Iterable[str | Path] = ()) -> None:
        self.marker = f"left_by_a_program_{uuid.uuid4().hex}"
        self._folders = [folder for folder in dict.fromkeys(map(Path, folders)) if folder.is_dir()]
        self._before = {path: _identity(path) for path in (*self._folders, *map(Path, others))}

    def found(self) -> list[str]:
        """Paths and mounts that bear the marker, and whatever is no longer what it was before."""
        return [
            *map(str, self._created()),
            *(f"mounted: {line}" for line in Path("/proc/self/mounts").read_text().splitlines() if self.marker in line),
            *(f"changed: {path}" for path, before in self._before.items() if _identity(path) != before),
        ]

    def remove(self) -> None:
        """Delete what was created, so that a failed test leaves nothing either."""
        for path in self._created():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _created(self) -> list[Path]:
        found = []
        for folder in self._folders:
            with contextlib.suppress(OSError):
                found += [Path(entry.path) for entry in os.scandir(folder) if self.marker in entry.name]
        return found


def _identity(path: Path) -> tuple[int, ...]:
    """What a mount over it, a replacement, and another owner or mode change; nothing for what is gone."""
    try:
        now = path.stat()
    except OSError:
        return ()
    return now.st_dev, now.st_ino, now.st_mode, now.st_uid, now.st_gid
