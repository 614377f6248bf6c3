"""The cgroups that may limit this process: cgroups(7), versions 1 and 2."""

from __future__ import annotations

import os
from pathlib import Path


def folders(controller: str) -> list[tuple[int, str]]:
    """Version and folder of each cgroup: the own one first, then those above it, as far as they are mounted here.

    Args:
        controller: of version 1, such as "memory"; version 2 has one tree for all of them.

    Returns:
        Nothing where /proc cannot be read.
    """
    try:
        mounts, groups = _read("/proc/self/mountinfo"), _read("/proc/self/cgroup")
    except OSError:
        return []
    paths = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            paths[2] = path.rstrip("/")
        elif controller in controllers.split(","):
            paths[1] = path.rstrip("/")
    # By version: where the tree is mounted, and the path of the own cgroup below; None if it lies elsewhere.
    found: dict[int, tuple[str, str | None]] = {}
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        kind, options = source.partition(" ")[0], source.rpartition(" ")[2]
        version = {"cgroup": 1, "cgroup2": 2}.get(kind)
        if version not in paths or (version == 1 and controller not in options.split(",")):
            continue
        root, folder = mount.split()[3:5]
        path, root = paths[version], root.rstrip("/")
        # The kernel writes a cgroup outside this namespace as "/..".
        below = (path + "/").startswith(root + "/") and not path.startswith("/..")
        if version not in found or found[version][1] is None:  # a tree may be mounted in several places
            found[version] = folder, path[len(root) :] if below else None
    result = []
    for version, (folder, own) in found.items():
        path = own or ""
        while path:
            result.append((version, folder + path))
            path = os.path.dirname(path).rstrip("/")
        result.append((version, folder))
    return result


def _read(path: str) -> str:
    return Path(path).read_text("utf-8", "replace")
