"""Delete what a hostile program left: by descriptors, for a path may be exchanged for a link meanwhile."""

from __future__ import annotations

import contextlib
import os

_FOLDER = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def remove(path: str) -> None:
    """Delete a folder and all that is in it, as far as this process may.

    Its program may have taken permissions away, nested folders deeper than any recursion, and be at work still. So each
    folder is opened without following links and changed through that descriptor only, and folders within folders are
    moved to the top first, where their turn comes: no chain of them is ever walked.
    """
    try:
        top = _open(os.path.dirname(path), os.path.basename(path))
    except OSError:
        return
    try:
        moved = 0
        while folders := _empty(top):
            progress = False
            for name in folders:
                try:
                    below = _open("", name, top)
                except OSError:
                    continue
                try:
                    for inner in _empty(below):
                        moved += 1
                        with contextlib.suppress(OSError):
                            # Moving a folder changes its "..", for which it must be writable.
                            os.close(_open("", inner, below))
                            os.rename(inner, f".remove{os.getpid()}.{moved}", src_dir_fd=below, dst_dir_fd=top)
                            progress = True
                finally:
                    os.close(below)
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=top)
                    progress = True
            if not progress:
                break
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        os.rmdir(path)


def _open(folder: str, name: str, at: int | None = None) -> int:
    """A descriptor of a folder that its owner may now read and change. Raises OSError, also if it is a link."""
    place = os.open(os.path.join(folder, name), _FOLDER, dir_fd=at)
    try:
        if os.fstat(place).st_mode & 0o700 != 0o700:
            with contextlib.suppress(OSError):  # another's: then what its owner allows must do
                os.chmod(f"/proc/self/fd/{place}", 0o700)
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place)
    finally:
        os.close(place)


def _empty(folder: int) -> list[str]:
    """Delete everything in a folder but folders, whose names are returned."""
    folders = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.name, dir_fd=folder)
    return folders
