"""A filter of system calls: what no BigCodeBench program needs, and what attacks on kernels begin with."""

from __future__ import annotations

import ctypes
import struct

from . import kernel

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EPERM, _ENOSYS = 1, 38

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_NEW_NAMESPACES = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | 0x02000000  # CLONE_NEWCGROUP
)
# The same on every architecture: io_uring (its operations bypass this filter), mounts, pidfd_getfd.
_COMMON = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442)
_CLONE3 = 435
_REFUSED = {
    # ptrace, syslog, pivot_root, mount, umount2, init_module, delete_module, quotactl, kexec_load, add_key,
    # request_key, keyctl, unshare, perf_event_open, name_to_handle_at, open_by_handle_at, setns,
    # process_vm_readv, process_vm_writev, finit_module, kexec_file_load, bpf, userfaultfd
    "x86_64": (101, 103, 155, 165, 166, 175, 176, 179, 246, 248, 249, 250, 272, 298, 303, 304, 308, 310, 311,
               313, 320, 321, 323),
    "aarch64": (117, 116, 41, 40, 39, 105, 106, 60, 104, 217, 218, 219, 97, 241, 264, 265, 268, 270, 271,
                273, 294, 280, 282),
}  # fmt: skip

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NR, _ARCH, _ARG0 = 0, 4, 16


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def program(machine: str) -> bytes | None:
    """The filter for an architecture; None for one whose system calls are not listed here."""
    if machine not in _REFUSED:
        return None
    refuse = _instruction(_RETURN, _ERRNO | _EPERM)
    lines = [
        # Another architecture's calls have other numbers.
        _instruction(_LOAD, _ARCH),
        _instruction(_EQUAL, _AUDIT_ARCH[machine], if_true=1),
        refuse,
        _instruction(_LOAD, _NR),
    ]
    if machine == "x86_64":  # and so have those of its x32 variant
        lines += [_instruction(_AT_LEAST, 0x40000000, if_false=1), refuse]
    # Flags of clone3 lie in memory, where no filter can see them: C libraries fall back to clone.
    lines += [_instruction(_EQUAL, _CLONE3, if_false=1), _instruction(_RETURN, _ERRNO | _ENOSYS)]
    for number in (*_REFUSED[machine], *_COMMON):
        lines += [_instruction(_EQUAL, number, if_false=1), refuse]
    lines += [
        _instruction(_EQUAL, _CLONE[machine], if_false=3),
        _instruction(_LOAD, _ARG0),
        _instruction(_ANY_BIT, _NEW_NAMESPACES, if_false=1),
        refuse,
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(lines)


def install() -> None:
    """Filter this process and all its descendants, for good; needs no_new_privs."""
    code = program(kernel.machine())
    if code is None:
        return
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    kernel.set_seccomp_filter(header)
