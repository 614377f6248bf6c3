"""Under Landlock, as an ordinary user: change permissions, owner and times of a program's own files only.

Landlock does not restrict these calls, and for the kernel all files of the user belong to the program. So the
supervisor makes them for the program: it opens what the program names, checks where that lies, and changes it through
the descriptor. No thread of the program can exchange a path, a link or a folder in between.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import kernel

_AT_FDCWD, _AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = -100, 0x100, 0x1000
_UTIMENSAT, _FCHOWNAT = 280, 260  # of x86_64, as all numbers of traced calls


@dataclass(frozen=True)
class _Call:
    """The meaning of a call's arguments, by place; None for what it does not have."""

    kind: str
    value: int
    path: int | None = None
    at: int | None = None
    flags: int | None = None
    nofollow: bool = False


CALLS: Mapping[int, _Call] = {
    90: _Call("mode", 1, path=0),  # chmod
    91: _Call("mode", 1, at=0),  # fchmod
    92: _Call("owner", 1, path=0),  # chown
    93: _Call("owner", 1, at=0),  # fchown
    94: _Call("owner", 1, path=0, nofollow=True),  # lchown
    132: _Call("seconds", 1, path=0),  # utime
    235: _Call("microseconds", 1, path=0),  # utimes
    260: _Call("owner", 2, path=1, at=0, flags=4),  # fchownat
    261: _Call("microseconds", 2, path=1, at=0),  # futimesat
    268: _Call("mode", 2, path=1, at=0),  # fchmodat
    280: _Call("times", 2, path=1, at=0, flags=3),  # utimensat
    452: _Call("mode", 2, path=1, at=0, flags=3),  # fchmodat2
}


class Changes:
    """Makes changes of files in some folders.

    Args:
        folders: they and everything in them may be changed.
        read_path: reads the text at an address of a thread's memory. Raises OSError.
        replacement: the path to use for one that a program names, or None.
    """

    def __init__(
        self,
        folders: Sequence[str],
        read_path: Callable[[int, int], bytes],
        replacement: Callable[[bytes], bytes | None],
    ) -> None:
        self._folders = [os.fsencode(os.path.realpath(folder)) for folder in folders]
        self._read_path = read_path
        self._replacement = replacement

    def make(self, pid: int, number: int, arguments: Sequence[int]) -> int:
        """Make the call of a stopped thread. What it returns: 0 or a negative error number."""
        call = CALLS[number]
        try:
            target = self._open(pid, call, arguments)
            try:
                where = os.readlink(b"/proc/self/fd/%d" % target)
                if not any(where == folder or where.startswith(folder + b"/") for folder in self._folders):
                    raise PermissionError(errno.EPERM, "not a file of the program")
                self._change(pid, target, call, arguments)
            finally:
                os.close(target)
        except OSError as error:
            return -(error.errno or errno.EPERM)
        except (ValueError, OverflowError):  # not a possible path
            return -errno.EINVAL
        return 0

    def _open(self, pid: int, call: _Call, arguments: Sequence[int]) -> int:
        """A descriptor (O_PATH) of the file that the call names."""
        flags = arguments[call.flags] if call.flags is not None else 0
        at = ctypes.c_int(arguments[call.at] & 0xFFFFFFFF).value if call.at is not None else _AT_FDCWD
        base = f"/proc/{pid}/cwd" if at == _AT_FDCWD else f"/proc/{pid}/fd/{at}"
        if call.path is None or not arguments[call.path]:
            return os.open(base, os.O_PATH | os.O_CLOEXEC)
        path = self._read_path(pid, arguments[call.path])
        if not path and flags & _AT_EMPTY_PATH:
            return os.open(base, os.O_PATH | os.O_CLOEXEC)
        how = os.O_PATH | os.O_CLOEXEC
        if call.nofollow or flags & _AT_SYMLINK_NOFOLLOW:
            how |= os.O_NOFOLLOW
        if path.startswith(b"/"):
            return os.open(self._replacement(path) or path, how)
        start = os.open(base, os.O_PATH | os.O_CLOEXEC)
        try:
            return os.open(path, how, dir_fd=start)
        finally:
            os.close(start)

    def _change(self, pid: int, target: int, call: _Call, arguments: Sequence[int]) -> None:
        value = arguments[call.value]
        if call.kind == "mode":
            os.chmod(f"/proc/self/fd/{target}", value & 0o7777)
        elif call.kind == "owner":
            user, group = (ctypes.c_uint(arguments[call.value + n] & 0xFFFFFFFF) for n in (0, 1))
            _at(_FCHOWNAT, target, user, group, ctypes.c_int(_AT_EMPTY_PATH))
        else:
            _at(_UTIMENSAT, target, _times(pid, value, call.kind), ctypes.c_int(_AT_EMPTY_PATH))


def _at(number: int, target: int, *arguments: object) -> None:
    """A system call for the file of a descriptor, which may be a link."""
    kernel.syscall(number, "change of a file", ctypes.c_int(target), b"", *arguments)


def _times(pid: int, where: int, unit: str) -> bytes | None:
    """Two ``struct timespec`` from a program's memory; None for the present time."""
    if not where:
        return None
    if unit == "seconds":
        accessed, changed = struct.unpack("=qq", _read(pid, where, 16))
        return struct.pack("=qqqq", accessed, 0, changed, 0)
    data = _read(pid, where, 32)
    if unit == "times":
        return data
    accessed, accessed_us, changed, changed_us = struct.unpack("=qqqq", data)
    if not (0 <= accessed_us < 10**6 and 0 <= changed_us < 10**6):
        raise OSError(errno.EINVAL, "time")
    return struct.pack("=qqqq", accessed, accessed_us * 1000, changed, changed_us * 1000)


def _read(pid: int, where: int, size: int) -> bytes:
    data = kernel.read_memory(pid, where, size)
    if len(data) < size:
        raise OSError(errno.EFAULT, "address")
    return data
