"""The file system that programs see: a new root with read-only mounts of what Python needs."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
from collections.abc import Iterable

from ..protocol import ServerSettings
from . import kernel
from .backend import SandboxSetupError

# As in the official image. Four tasks name folders of a `/home/user`, which does not exist there.
USER = "bigcodebenchuser"
UID = GID = 1000
HOME = f"/home/{USER}"
HOSTNAME = "sandbox"

# Where the system keeps programs, libraries and their settings. Not /var, /run, /srv, /home, /root, /mnt, which hold
# data of users and services.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store")
SYSTEM_CACHES = ("/var/cache/fontconfig", "/var/lib/ghostscript")
DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
# Private folders of each sample: name of the part of its scratch to mount point.
PRIVATE = {"tmp": "/tmp", "vartmp": "/var/tmp", "shm": "/dev/shm", "home": HOME}
# Where a sample's scratch is mounted while its parts are bound to their places.
STAGE = "/run/stage"

_FILES = {
    "/etc/passwd": f"root:x:0:0:root:/root:/bin/sh\n{USER}:x:{UID}:{GID}::{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": f"root:x:0:\n{USER}:x:{GID}:\nnogroup:x:65534:\n",
    "/etc/hosts": f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost\n",
    "/etc/hostname": f"{HOSTNAME}\n",
}


def needed(settings: ServerSettings) -> list[str]:
    """Folders of this interpreter and the environment besides the system's, and links that lead to the interpreter.

    Raises SandboxSetupError: one of them is or contains a home, whose files programs would see.
    """
    paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, *settings.visible]
    paths += [entry for entry in sys.path if os.path.isdir(entry)]
    # An environment's interpreter is a chain of links. Child processes need each link but not the folder that it is in,
    # which may be ~/bin.
    links, link = set(), os.path.abspath(sys.executable)
    while os.path.islink(link):
        links |= {link, os.path.join(os.path.realpath(os.path.dirname(link)), os.path.basename(link))}
        link = os.path.normpath(os.path.join(os.path.realpath(os.path.dirname(link)), os.readlink(link)))
    paths.append(os.path.dirname(os.path.dirname(link)))
    folders = {path for entry in paths for path in (os.path.abspath(entry), os.path.realpath(entry))}
    folders -= {"/", *SYSTEM}
    for home in _homes():
        for folder in folders:
            if home == folder or home.startswith(folder + "/"):
                raise SandboxSetupError(
                    f"the interpreter of programs lives in {folder}, so programs would see {home}: "
                    "keep it in a folder of its own"
                )
    return sorted(folders | links)


def _homes() -> set[str]:
    """The homes of root, of ordinary users that the machine lists, and of this process's user."""
    users = [user for user in pwd.getpwall() if user.pw_uid in (0, os.getuid()) or 1000 <= user.pw_uid < 65534]
    return {os.path.realpath(user.pw_dir) for user in users} - {"/", *SYSTEM}


# A path of the host to a descriptor of what is there or, for a link, its target.
Origins = dict[str, "int | str"]


def origins(folders: Iterable[str]) -> Origins:
    """Open folders and read links, in the caller's mount namespace, before anything covers them."""
    opened: Origins = {}
    for path in folders:
        if any(path.startswith(parent + "/") for parent in opened):
            continue
        with contextlib.suppress(FileNotFoundError):
            opened[path] = _target(path) if os.path.islink(path) else os.open(path, os.O_PATH)
    return opened


def _target(link: str) -> str:
    """The target of a link, also valid where the folders above the link are no links."""
    target, folder = os.readlink(link), os.path.dirname(link)
    real = os.path.realpath(folder)
    return target if real == folder else os.path.join(real, target)


def _show(origins: Origins, root: str = "") -> None:
    """Show each at its own path below `root`, and close it."""
    for path, origin in origins.items():
        if isinstance(origin, str):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(origin, root + path)
        else:
            os.makedirs(root + path, exist_ok=True)
            kernel.bind(f"/proc/self/fd/{origin}", root + path)
            os.close(origin)


def build(origins: Origins, *, network: bool) -> None:
    """Change from the host's file system to the restricted one; the caller owns its mount namespace.

    Args:
        origins: what to show, at the same path.
        network: keep the host's name resolution.
    """
    resolver = _resolver() if network else ""
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    root = "/tmp"  # a folder that exists everywhere; it is covered only until the pivot
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=4m,mode=755")
    _show(origins, root)
    for name in ("proc", "run", "tmp", "var/tmp", "dev/shm", HOME[1:], STAGE[1:]):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    for name in DEVICES:
        os.close(os.open(f"{root}/dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        kernel.bind(f"/dev/{name}", f"{root}/dev/{name}")
    for name, target in _LINKS.items():
        os.symlink(target, f"{root}/dev/{name}")
    os.mkdir(f"{root}/run/etc")
    for path, text in _FILES.items():
        if network and path == "/etc/hosts":
            continue
        copy = f"{root}/run{path}"
        with open(copy, "w", encoding="ascii") as file:
            file.write(text)
        with contextlib.suppress(OSError):  # some systems do not have the file
            kernel.bind(copy, root + path)
    if resolver:
        real = os.path.realpath("/etc/resolv.conf")
        if not os.path.exists(root + real):
            os.makedirs(os.path.dirname(root + real), exist_ok=True)
            with open(root + real, "w", encoding="utf-8") as file:
                file.write(resolver)
    kernel.mount("proc", f"{root}/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV)
    kernel.pivot_root(root)
    kernel.make_read_only("/")


def private(size_mib: int, folders: Iterable[str]) -> None:
    """Cover all writable folders by one new tmpfs.

    Args:
        size_mib: its size, MiB.
        folders: what stays visible, read-only: an environment may lie below /tmp or below the programs' home.
    """
    covered = tuple(f"{target}/" for target in PRIVATE.values())
    kept = origins(folder for folder in folders if folder.startswith(covered))
    kernel.mount(
        "tmpfs",
        STAGE,
        "tmpfs",
        kernel.MS_NOSUID | kernel.MS_NODEV,
        f"size={size_mib}m,nr_inodes={size_mib * 256},mode=755",
    )
    for name, target in PRIVATE.items():
        os.mkdir(f"{STAGE}/{name}", 0o700)
        if target != HOME:
            os.chmod(f"{STAGE}/{name}", 0o1777)
        kernel.bind(f"{STAGE}/{name}", target)
    kernel.unmount(STAGE)
    _show(kept)


def _resolver() -> str:
    """The host's resolver settings. They may lie in /run, which programs do not see."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
