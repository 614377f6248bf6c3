"""Files of ours: the cache folder, and writing all or nothing, never over what exists unless it was asked for."""

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

# The longest name that common file systems take is 255 bytes, and some of ours get an ending.
_LONGEST_NAME = 150


def cache_folder() -> Path:
    """Where environments, verdicts and answers are kept: ``BIGCODEBENCH_CACHE``, or the user's cache folder.

    Raises:
        OptionError: this user has no home, and the variable names no folder.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("bigcodebench-tasks")
    except RuntimeError as error:  # of both: there is no HOME, and no such user in the password file
        raise OptionError(
            f"this user has no home folder to keep environments and verdicts in ({error}). "
            f"Name a folder with {CACHE_VARIABLE}"
        ) from error


def others_who_may_write(path: Path) -> str:
    """Whether somebody else than root and this user may change or exchange a file or folder: how, in words; else "".

    The file and its folder have to belong to this user or to root, and nobody else may write there. Of the folders
    above neither the owner may be somebody else, nor may everybody be allowed to write, unless entries of others are
    safe there, as in ``/tmp``. What is not there yet is judged by where it will be.

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
    """Whether a file's group is its owner's alone, as many systems give each user one, with a umask of 002."""
    import grp
    import pwd

    try:
        group, owner = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and set(group.gr_mem) <= {owner.pw_name}


def as_name(text: str, longest: int = _LONGEST_NAME) -> str:
    """A text, such as a model's name, as one part of a path: it leads nowhere, and file systems take it.

    A slash becomes "--", as the official tool has it; what no terminal shows becomes "_", the middle of a
    text of more than `longest` bytes becomes a digest of it.
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
    """The path of a file in a folder that the user named, where its parts come from results.

    Args:
        folder: that the user named.
        parts: below it; each may hold slashes, and leads nowhere else (`as_name`).

    Raises:
        OutputError: a link in the folder leads out of it.
    """
    names = [as_name(name) for part in parts for name in part.split("/") if name]
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OutputError(f"{path} leads out of {folder}: a link is in the way")
    return path


def refuse_existing(paths: Iterable[Path], force: bool) -> None:
    """Raises OutputError if a file, or a link that leads to none yet, would be overwritten, unless `force`."""
    there = [str(path) for path in paths if os.path.lexists(path)]
    if there and not force:
        more = f" and {len(there) - 10} more" if len(there) > 10 else ""
        raise OutputError(
            f"{', '.join(there[:10])}{more} exists already. Use --force to write it anew, or another folder"
        )


def refuse_unwritable(folder: Path) -> None:
    """Raises OutputError if no file can be made in a folder, or in the nearest one above that is there.

    Said before hours of work, not after them.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error}") from error


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A row a line, compressed where the name ends in ``.gz``. Raises OutputError."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Raises OutputError."""
    write_text(path, json.dumps(content, indent=2))


def write_text(path: Path, text: str) -> None:
    """All of it or nothing: a file that was there stays whole until the new one is, and keeps its permissions.

    A link stays a link, and the file that it names is written. Where the name ends in ``.gz`` it is compressed.

    Raises:
        OutputError: it cannot be written.
    """
    content = text.encode("utf-8", "backslashreplace")
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        # A name that nobody can foresee: in a folder of many users a link may lie in wait for it.
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
