"""System calls that are missing in Python 3.10. Linux only; each raises OSError, like the functions of os."""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_NOSUID = 0x2
MS_NODEV = 0x4
MNT_DETACH = 0x2

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

ADDR_NO_RANDOMIZE = 0x0040000
PERSONALITY_AS_IT_IS = 0xFFFFFFFF

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
# Numbers of system calls that are newer than the C library may be; the same on every architecture.
_SYS_MOUNT_SETATTR = 442
_SYS_CLOSE_RANGE = 436
_SYS_PIDFD_GETFD = 438
# Numbers that differ between architectures.
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.process_vm_readv.restype = _libc.process_vm_writev.restype = ctypes.c_ssize_t
_ZERO, _ONE = ctypes.c_ulong(0), ctypes.c_ulong(1)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def machine() -> str:
    """The architecture, as the tables of system calls name it."""
    return platform.machine()


def syscall(number: int, what: str, *arguments: object) -> int:
    """Any system call; `what` names it in the error."""
    return _check(_libc.syscall(ctypes.c_long(number), *arguments), what)


def personality(flags: int) -> int:
    """Change how the next program of this process is executed: personality(2).

    Returns the flags until now; `PERSONALITY_AS_IT_IS` changes nothing.
    """
    return _check(_libc.personality(ctypes.c_ulong(flags)), "personality")


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    _check(_libc.setns(fd, flags), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    result = _libc.mount(
        source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode() or None
    )
    _check(result, f"mount {kind or source} on {target}")


def bind(source: str, target: str) -> None:
    """Show `source` and everything mounted below it at `target` too."""
    mount(source, target, flags=MS_BIND | MS_REC)


def unmount(target: str) -> None:
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def make_read_only(target: str) -> None:
    """Make a mount and every mount below it read-only, without set-user-ID."""
    attributes = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    syscall(
        _SYS_MOUNT_SETATTR,
        "mount_setattr",
        _AT_FDCWD,
        os.fsencode(target),
        _AT_RECURSIVE,
        attributes,
        ctypes.c_size_t(len(attributes)),
    )


def pivot_root(folder: str) -> None:
    """Make `folder`, a mount, the root of this mount namespace, and detach the old root."""
    os.chdir(folder)
    syscall(_SYS_PIVOT_ROOT[machine()], "pivot_root", b".", b".")
    unmount(".")
    os.chdir("/")


class _Piece(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = (("start", ctypes.c_void_p), ("size", ctypes.c_size_t))


def read_memory(pid: int, start: int, size: int) -> bytes:
    """Bytes of another process's memory; fewer where it ends."""
    buffer = ctypes.create_string_buffer(size)
    here, there = _Piece(ctypes.addressof(buffer), size), _Piece(start, size)
    done = _libc.process_vm_readv(pid, ctypes.byref(here), _ONE, ctypes.byref(there), _ONE, _ZERO)
    return buffer.raw[: _check(done, "process_vm_readv")]


def write_memory(pid: int, start: int, data: bytes) -> None:
    """Write bytes to another process's memory."""
    here = _Piece(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data))
    there = _Piece(start, len(data))
    done = _libc.process_vm_writev(pid, ctypes.byref(here), _ONE, ctypes.byref(there), _ONE, _ZERO)
    _check(done, "process_vm_writev")


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    result = _libc.ptrace(ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(address), ctypes.c_void_p(data))
    _check(result, "ptrace")


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A copy of another process's descriptor."""
    return syscall(_SYS_PIDFD_GETFD, "pidfd_getfd", ctypes.c_int(pidfd), ctypes.c_int(fd), ctypes.c_uint(0))


def prctl(option: int, value: int = 0) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Drop all capabilities for good, whatever is executed."""
    for number in range(64):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError:  # EINVAL: there are no more
            break
    header = struct.pack("=Ii", 0x20080522, 0)
    syscall(_SYS_CAPSET[machine()], "capset", header, bytes(24))


def loopback_up() -> None:
    """Switch on the loopback interface of a fresh network namespace."""
    siocsifflags, up_running = 0x8914, 0x41
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, siocsifflags, struct.pack("16sh14x", b"lo", up_running))


def set_hostname(name: str) -> None:
    _check(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def set_seccomp_filter(header: bytes) -> None:
    """Install the filter that a ``struct sock_fprog`` describes."""
    result = _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), header, 0, 0)
    _check(result, "seccomp")


def close_from(first: int, last: int = 0x7FFFFFFF, *, besides: int = -1) -> None:
    """Close every descriptor in the range but one, also those above a limit that was lowered meanwhile."""
    if first <= besides <= last:
        if first < besides:
            close_from(first, besides - 1)
        first = besides + 1
    try:
        syscall(_SYS_CLOSE_RANGE, "close_range", ctypes.c_uint(first), ctypes.c_uint(last), ctypes.c_uint(0))
    except OSError:  # Linux before 5.9
        os.closerange(first, min(last, 1 << 16))


def write_file(path: str, text: str) -> None:
    """Write to a file of /proc."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def release() -> tuple[int, int]:
    """Version of the running kernel."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()))
