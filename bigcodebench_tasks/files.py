"""The cache folder, and files that are written completely or not at all."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from bigcodebench_tasks import options
from bigcodebench_tasks.errors import OptionError, OutputError

CACHE_VARIABLE = options.CACHE.name

# Common file systems take names of at most 255 bytes, and some names get an ending.
_LONGEST_NAME = 150


def cache_folder() -> Path:
    """The folder of environments, verdicts and responses: ``BIGCODEBENCH_CACHE``, or in the user's cache folder.

    Raises:
        OptionError: this user has no home folder, and the variable is not set.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("bigcodebench-tasks")
    except RuntimeError as error:  # no HOME, and no such user in the password file
        raise OptionError(
            f"this user has no home folder for the cache ({error}). Name a folder with {CACHE_VARIABLE}"
        ) from error


def others_who_may_write(path: Path) -> str:
    """How other users than root and this one can change or replace a file or folder, in words; "" if they cannot.

    - The file and its folder must belong to this user or to root, and others may not write there.
    - The folders above must belong to one of them, too, and must not be writable by everyone, unless the sticky bit
      protects entries, as in ``/tmp``.
    - A path that does not exist yet is judged by the folders that exist.

    Args:
        path: a file or folder.
    """
    path = Path(os.path.abspath(path))
    own = {path, path.parent} if path.is_file() else {path}
    for place in dict.fromkeys([path, *path.resolve().parents, *path.parents]):
        try:
            status = place.stat()
        except OSError:
            continue
        if status.st_uid not in (0, os.geteuid(), *(() if place in own else [os.stat("/").st_uid])):
            return f"{place} belongs to another user (number {status.st_uid})"
        private_group = place not in own or _is_private_group(status)
        writable = status.st_mode & (stat.S_IWOTH if private_group else stat.S_IWOTH | stat.S_IWGRP)
        if writable and (place in own or not status.st_mode & stat.S_ISVTX):
            return f"other users may write to {place} (chmod go-w {place})"
    return ""


def _is_private_group(status: os.stat_result) -> bool:
    """Whether the owner is the only member of the group, as on systems with a group per user and umask 002."""
    import grp
    import pwd

    try:
        group, owner = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and set(group.gr_mem) <= {owner.pw_name}


def as_name(text: str, longest: int = _LONGEST_NAME) -> str:
    """A text, such as a model's name, as one part of a path.

    A slash becomes "--", as in the official tool, an unprintable character "_", and the middle of a text of more than
    `longest` bytes its digest.
    """
    name = "".join(char if char.isprintable() else "_" for char in text.replace("/", "--"))
    name = name if name.strip(".") else "_" * max(1, len(name))
    data = name.encode("utf-8")
    if len(data) > longest:
        half = (longest - 12) // 2
        digest = hashlib.sha256(data).hexdigest()[:8]
        name = f"{data[:half].decode('utf-8', 'ignore')}--{digest}--{data[-half:].decode('utf-8', 'ignore')}"
    return name


def below(folder: Path, *parts: str) -> Path:
    """The path of a file in a folder; the parts may come from untrusted results.

    Args:
        folder: named by the user.
        parts: below it; each may hold slashes, and cannot leave the folder (`as_name`).

    Raises:
        OutputError: a link in the folder leads out of it.
    """
    names = [as_name(name) for part in parts for name in part.split("/") if name]
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OutputError(f"{path} leads out of {folder}, through a link")
    return path


def refuse_existing(paths: Iterable[Path], force: bool) -> None:
    """Raises OutputError if a path exists, also as a broken link, unless `force`."""
    there = [str(path) for path in paths if os.path.lexists(path)]
    if there and not force:
        more = f" and {len(there) - 10} more" if len(there) > 10 else ""
        raise OutputError(
            f"{', '.join(there[:10])}{more} exists already. Overwrite it with --force, or choose another folder"
        )


def refuse_unwritable(folder: Path) -> None:
    """Raises OutputError if no file can be created in a folder, or in the nearest existing one above.

    Called before hours of work, not after them.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error}") from error


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """One row per line, compressed if the name ends in ``.gz``. Raises OutputError."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Raises OutputError."""
    write_text(path, json.dumps(content, indent=2))


def write_text(path: Path, text: str) -> None:
    """Write a file completely or not at all; an existing one keeps its permissions. Raises OutputError.

    Through a link, the file that it names is written. A name that ends in ``.gz`` means compression.
    """
    content = text.encode("utf-8", "backslashreplace")
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        # The name is random: in a folder of many users, a link could have been placed under a predictable one.
        handle, name = tempfile.mkstemp(prefix=".writing", dir=target.parent)
        new = Path(name)
        try:
            with open(handle, "wb") as file:
                file.write(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
            new.chmod(_mode_of(target))
            new.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                new.unlink()
    except (OSError, RuntimeError) as error:  # the latter: links in a circle
        raise OutputError(f"cannot write {path}: {error}") from error


def _mode_of(path: Path) -> int:
    """The permissions of a file, or what a new one would have."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask
