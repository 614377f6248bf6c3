"""A filter of system calls: what no BigCodeBench program needs, and what attacks on kernels begin with."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Collection

from . import kernel

_ALLOW = 0x7FFF0000
_TRACE = 0x7FF00000
_ERRNO = 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97

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

_SOCKET = {"x86_64": 41, "aarch64": 198}
# sendto, sendmsg and sendmmsg, each with the argument that holds its flags
_SENDING = {"x86_64": ((44, 3), (46, 2), (307, 3)), "aarch64": ((206, 3), (211, 2), (269, 3))}
_MSG_FASTOPEN = 0x20000000
_NEWFSTATAT, _AT_EMPTY_PATH = 262, 0x1000  # x86_64's number
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16

_LOAD, _AND, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
_NR, _ARCH, _ARG = 0, 4, (16, 24, 32, 40)  # offsets in struct seccomp_data


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def program(machine: str, *, sockets: str = "all", traced: Collection[int] = ()) -> bytes | None:
    """The filter for an architecture; None for one whose system calls are not listed here.

    Args:
        machine: "x86_64" or "aarch64".
        sockets: which of them programs may have, for the level whose other layers confine only TCP's
            connect: "all"; "no local" for all but those that reach the host's services through files, such
            as a container daemon; "tcp" for no others but TCP's, and no data along with a connection request;
            "ipv4" for TCP's over IPv4 only.
        traced: numbers of the system calls at which a tracer is to be asked.
    """
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
    lines += _on(
        _CLONE[machine],
        [_instruction(_LOAD, _ARG[0]), _instruction(_ANY_BIT, _NEW_NAMESPACES, if_false=1), refuse],
    )
    if sockets == "no local":
        load, local = _instruction(_LOAD, _ARG[0]), _instruction(_EQUAL, _AF_UNIX, if_false=1)
        lines += _on(_SOCKET[machine], [load, local, refuse])
    if sockets in ("tcp", "ipv4"):
        lines += _on(_SOCKET[machine], _only_tcp(refuse, ipv6=sockets == "tcp"))
        for number, argument in _SENDING[machine]:
            flags = _instruction(_LOAD, _ARG[argument])
            lines += _on(number, [flags, _instruction(_ANY_BIT, _MSG_FASTOPEN, if_false=1), refuse])
    ask = _instruction(_RETURN, _TRACE)
    for number in traced:
        body = [ask]
        if number == _NEWFSTATAT:  # how the C library does fstat: no path to look at
            body = [_instruction(_LOAD, _ARG[3]), _instruction(_ANY_BIT, _AT_EMPTY_PATH, if_true=1), ask]
        lines += _on(number, body)
    lines.append(_instruction(_RETURN, _ALLOW))
    return b"".join(lines)


def _on(number: int, body: list[bytes]) -> list[bytes]:
    """Instructions for one system call; what they do not refuse is allowed."""
    body = [*body, _instruction(_RETURN, _ALLOW)]
    return [_instruction(_EQUAL, number, if_false=len(body)), *body]


def _only_tcp(refuse: bytes, *, ipv6: bool) -> list[bytes]:
    type_mask, sock_stream, ipproto_tcp = 0xF, 1, 6
    no_ipv6 = _instruction(_RETURN, _ERRNO | _EAFNOSUPPORT)  # as where the kernel has none: programs try IPv4 then
    return [
        _instruction(_LOAD, _ARG[0]),
        _instruction(_EQUAL, _AF_NETLINK, if_true=9),  # how the C library learns its own addresses
        _instruction(_EQUAL, _AF_INET, if_true=2),
        _instruction(_EQUAL, _AF_INET6, if_false=8),
        *([_instruction(_LOAD, _ARG[0])] if ipv6 else [no_ipv6]),
        _instruction(_LOAD, _ARG[1]),
        _instruction(_AND, type_mask),
        _instruction(_EQUAL, sock_stream, if_false=4),
        _instruction(_LOAD, _ARG[2]),
        _instruction(_EQUAL, 0, if_true=1),
        _instruction(_EQUAL, ipproto_tcp, if_false=1),
        _instruction(_RETURN, _ALLOW),
        refuse,
    ]


def install(*, sockets: str = "all", traced: Collection[int] = ()) -> None:
    """Filter this process and all its descendants, for good; needs no_new_privs. Arguments are those of `program`."""
    code = program(kernel.machine(), sockets=sockets, traced=traced)
    if code is None:
        return
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    kernel.set_seccomp_filter(header)
