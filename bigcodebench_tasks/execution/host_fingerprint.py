"""What programs find on this machine beside their environment, as one digest: a failure may be cured by a change of it.

`Conditions` says under what a verdict holds at all. This is more than that and less stable: whatever an administrator
installs or removes may turn a failure into a pass, so a failure that was kept is believed only while nothing of it has
changed. A pass needs no such care: nothing that is added makes a right program wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bigcodebench_tasks.environment import nltk_data
from bigcodebench_tasks.environment.environment import Environment, variables

# Files that change with every package that the system's package manager installs, and folders that people fill by hand.
_OF_THE_SYSTEM = (
    "/etc/ld.so.cache",
    "/lib/apk/db/installed",
    "/var/lib/dpkg/status",
    "/var/lib/pacman/local",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/local/share/fonts",
    "/usr/share/fonts",
)

# Where NLTK looks for data beside the environment's own folder.
_NLTK_FOLDERS = ("/usr/share/nltk_data", "/usr/local/share/nltk_data", "/usr/lib/nltk_data", "/usr/local/lib/nltk_data")


def host_fingerprint(environment: Environment) -> str:
    """SHA-256, hex, of what programs may call and read: equal while nothing was installed, removed or exchanged.

    It knows the programs on the samples' PATH, the state of the system's package manager, NLTK's data and the packages
    of the environment, by names, sizes and times of change. It takes some milliseconds and raises nothing: what cannot
    be read counts as not there. What is not on this machine, such as a remote host, it cannot know.

    Args:
        environment: whose interpreter runs the programs.
    """
    states = [
        *(_entries(Path(folder)) for folder in variables(environment, "/")["PATH"].split(os.pathsep)),
        *(_state(Path(path)) for path in _OF_THE_SYSTEM),
        *(_below(Path(folder), "*/*") for folder in (nltk_data.folder(environment.folder), *_NLTK_FOLDERS)),
        _below(environment.site_packages, "*.dist-info"),
    ]
    return hashlib.sha256(json.dumps(states).encode("ascii")).hexdigest()


def _entries(folder: Path) -> list[list[object]]:
    """The state of everything in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return _states(Path(entry.path) for entry in entries)
    return []


def _below(folder: Path, pattern: str) -> list[list[object]]:
    with contextlib.suppress(OSError):
        return _states(folder.glob(pattern))
    return []


def _states(paths: Iterable[Path]) -> list[list[object]]:
    return sorted((_state(path) for path in paths), key=str)


def _state(path: Path) -> list[object]:
    """Name, size and time of the last change, of what a link leads to; the name alone where there is nothing."""
    return [str(path), *_of_stat(path)]


def _of_stat(path: Path) -> Iterator[int]:
    with contextlib.suppress(OSError):
        status = path.stat()
        yield from (status.st_size, status.st_mtime_ns, status.st_ino)
