"""The control groups that this process is in, and where they are to be seen: cgroups(7), both versions."""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import kernel_files


@dataclass(frozen=True)
class Hierarchy:
    """A tree of control groups that is mounted here.

    Attributes:
        version: 1 or 2.
        folder: its root, or what a container sees of it.
        own: the path of this process's group below `folder`, "" for that itself; None where it is not below.
    """

    version: int
    folder: str
    own: str | None


def hierarchies(controller: str, mounts: str, groups: str) -> list[Hierarchy]:
    """Those in which this process's use of something may be limited: at most one of each version.

    Args:
        controller: of version 1, such as "memory". There is one tree of version 2 for all of them.
        mounts: the text of ``/proc/self/mountinfo``.
        groups: the text of ``/proc/self/cgroup``.
    """
    paths = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            paths[2] = path.rstrip("/")
        elif controller in controllers.split(","):
            paths[1] = path.rstrip("/")
    found: dict[int, Hierarchy] = {}
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        kind, options = source.partition(" ")[0], source.rpartition(" ")[2]
        version = {"cgroup": 1, "cgroup2": 2}.get(kind)
        if version not in paths or (version == 1 and controller not in options.split(",")):
            continue
        root, folder = mount.split()[3:5]
        path, root = paths[version], root.rstrip("/")
        below = (path + "/").startswith(root + "/") and not path.startswith("/..")  # so the kernel shows one outside
        if version not in found or found[version].own is None:  # it may be mounted in several places
            found[version] = Hierarchy(version, folder, path[len(root) :] if below else None)
    return list(found.values())


def own_groups(controller: str) -> list[tuple[int, str]]:
    """The groups that may limit this process, its own first and then those above it, as far as they are to be seen.

    Args:
        controller: see `hierarchies`.

    Returns:
        Version and folder of each; none where nothing can be read.
    """
    try:
        texts = kernel_files.read("/proc/self/mountinfo"), kernel_files.read("/proc/self/cgroup")
    except OSError:
        return []
    found = []
    for each in hierarchies(controller, *texts):
        path = each.own or ""
        while path:
            found.append((each.version, each.folder + path))
            path = os.path.dirname(path).rstrip("/")
        found.append((each.version, each.folder))
    return found
