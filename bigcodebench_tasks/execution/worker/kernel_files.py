"""Files by which the kernel is asked and told things: /proc and control groups. Each function raises OSError."""

from __future__ import annotations

import os


def read(path: str, folder: int | None = None) -> str:
    """The text of a file; `folder` is a descriptor that a relative path begins at."""
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path: str, text: str, folder: int | None = None) -> None:
    """Write at once, as the kernel wants it. Samples do so, to whom `open` costs twenty copied pages more."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(fd, text.encode("ascii"))
    finally:
        os.close(fd)
