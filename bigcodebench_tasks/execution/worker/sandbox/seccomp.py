"""A filter of system calls: an allow-list, for some calls with the arguments that are allowed.

For programs, a call that is not in the list does not exist. So the calls of newer kernels are closed until they are
added, and attacks on the kernel can only begin with calls that every Python program makes.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from . import kernel, syscalls

_ALLOW, _TRACE, _ERRNO = 0x7FFF0000, 0x7FF00000, 0x00050000
_EPERM, _EINVAL, _ENOTTY, _ENOSYS, _EPROTONOSUPPORT, _EOPNOTSUPP, _EAFNOSUPPORT = 1, 22, 25, 38, 93, 95, 97

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# New namespaces; children that become siblings of their parent (outside the tree that is counted and killed); children
# that are not traced.
_CLONE_REFUSED = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | 0x02000000  # CLONE_NEWCGROUP
    | 0x00008000  # CLONE_PARENT
    | 0x00002000  # CLONE_PTRACE
    | 0x00800000  # CLONE_UNTRACED
)

# Commands of fcntl: descriptors, flags, locks, owners, reading leases, reading a pipe's size, seals. Not: taking a
# lease, which makes others wait who open the file; watching folders; larger pipes, of which a user can have few.
_FCNTL = (*range(17), 36, 37, 38, 1025, 1030, 1032, 1033, 1034)
# Options of prctl: the signal when the parent ends, dumpable (asked), name, capabilities (asked), timer slack,
# securebits (asked), subreaper, no_new_privs, huge pages off, names of memory. Not: seccomp, whose filters could
# answer before this one; clearing dumpable, which hides what the process uses.
_PRCTL = (1, 2, 3, 15, 16, 21, 23, 27, 29, 30, 36, 37, 38, 39, 41, 42, 0x53564D41)
# Kinds of ioctl requests, their second byte: terminals and all descriptors, sockets. Not: attributes of files, which
# can be changed through a file that is open for reading only.
_IOCTL = (ord("T"), 0x89)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # put text into a terminal's input
_PERSONALITY = (0, 8, 0x20000, 0x20008, 0xFFFFFFFF)
_ON_ITSELF = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
# Of setpriority and ioprio_set: for a process, not for a group or a user.
_WHICH_PROCESS = {"setpriority": 0, "ioprio_set": 1}
_XATTRS = ("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr")
_MODES = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat")
_TIMES = ("utime", "utimes", "futimesat", "utimensat")

_MSG_FASTOPEN = 0x20000000
_SENDING = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}  # the argument that holds the flags
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _AF_PACKET = 1, 2, 10, 16, 17
_STREAM, _DATAGRAM, _SEQPACKET, _TYPE_MASK = 1, 2, 5, 0xF
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58

# Placeholder for the process that a filter is for: no process has this number.
_PLACEHOLDER = 0xFEDCBA98

_LOAD, _AND, _EQUAL, _ANY_BIT, _AT_LEAST, _ABOVE, _JUMP, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x25, 0x05, 0x06
_FEW = 3
_NR, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data


@dataclass(frozen=True)
class Sockets:
    """Which sockets programs may have, for sandboxes whose other layers confine only TCP's connect.

    Netlink is limited to routes, from which the C library learns the machine's addresses.

    Attributes:
        local: local sockets, which reach services of the host through files, such as a container daemon.
        datagrams: UDP, and data that is sent along with a connection request.
        ipv6: IPv6; without it the kernel seems to have none, and programs use IPv4.
    """

    local: bool = True
    datagrams: bool = True
    ipv6: bool = True


@dataclass(frozen=True)
class Where:
    """Restricts a rule to calls with one of the bits set in an argument (or none, with `clear`)."""

    argument: int
    bits: int
    clear: bool = False


@dataclass(frozen=True)
class Rules:
    """What programs may do besides the calls of `syscalls.ALLOWED`; everything by default.

    Attributes:
        sockets: the sockets that they may have.
        traced: numbers of the system calls that ask the tracer, each with the arguments for which it does.
        attributes: whether they may change extended attributes of files.
        modes: whether they may change permissions, owners and times.
    """

    sockets: Sockets = Sockets()
    traced: tuple[tuple[int, Where | None], ...] = ()
    attributes: bool = True
    modes: bool = True


EVERYTHING = Rules()


def program(machine: str, rules: Rules = EVERYTHING, own: int = 0) -> bytes | None:
    """The filter for an architecture; None for one whose system calls are not listed here.

    Args:
        machine: "x86_64" or "aarch64".
        rules: what programs may do.
        own: the process whose limits and priorities may be changed, besides those of the caller.
    """
    if machine not in _AUDIT_ARCH:
        return None
    checked, allowed, denied = (
        syscalls.numbers(machine, names) for names in (syscalls.CHECKED, syscalls.ALLOWED, syscalls.DENIED)
    )
    special = {checked[name]: rule for name, rule in _checked(rules.sockets, own).items() if name in checked}
    if not rules.sockets.datagrams:
        for name, argument in _SENDING.items():
            special[allowed[name]] = [_load(argument), *_if_any(_MSG_FASTOPEN, _answer(_EPERM)), *_ALLOWED]
    if not rules.attributes:
        special.update({allowed[name]: _answer(_EOPNOTSUPP) for name in _XATTRS})
    if not rules.modes:
        special.update({allowed[name]: _answer(_EPERM) for name in (*_MODES, *_TIMES) if name in allowed})
    special.update({number: _trace(where) for number, where in rules.traced})
    lines = [
        _instruction(_LOAD, _ARCH),
        # Another architecture's calls have other numbers. (Those of x32 are above all numbers in the list.)
        *_unless(_AUDIT_ARCH[machine], _answer(_EPERM)),
        _instruction(_LOAD, _NR),
    ]
    segments = [(number, number, rule) for number, rule in special.items()]
    segments += [(first, last, _ALLOWED) for first, last in _runs(set(allowed.values()) - set(special))]
    segments += [(first, last, _answer(_EPERM)) for first, last in _runs(set(denied.values()))]
    return b"".join([*lines, *_search(sorted(segments, key=lambda segment: segment[0]))])


def _search(segments: list[tuple[int, int, list[bytes]]]) -> list[bytes]:
    """Find the number among segments (first, last, what to do) by bisection, which makes the filter faster to install:
    the kernel tries it on each number."""
    if len(segments) > _FEW:
        middle = len(segments) // 2
        lower, upper = _search(segments[:middle]), _search(segments[middle:])
        choose = _instruction(_AT_LEAST, segments[middle][0], if_false=1)
        return [choose, _instruction(_JUMP, len(lower)), *lower, *upper]
    lines = []
    for first, last, body in segments:
        lines += [_instruction(_AT_LEAST, first, if_false=len(body) + 1), _instruction(_ABOVE, last, if_true=len(body))]
        lines += body
    return [*lines, *_answer(_ENOSYS)]


def _checked(sockets: Sockets, own: int) -> dict[str, list[bytes]]:
    """For each name in `syscalls.CHECKED`, instructions that end in an answer."""
    itself = (0, own)
    rules = {
        "clone": [_load(0), *_if_any(_CLONE_REFUSED, _answer(_EPERM)), *_ALLOWED],
        # Its flags lie in memory, where no filter can see them: C libraries fall back to clone.
        "clone3": _answer(_ENOSYS),
        "fcntl": [_load(1), *_if(_FCNTL, _ALLOWED), *_answer(_EPERM)],
        "prctl": [_load(0), *_if(_PRCTL, _ALLOWED), *_answer(_EINVAL)],
        "ioctl": [
            _load(1),
            *_if((_TIOCSTI, _TIOCLINUX), _answer(_EPERM)),
            _instruction(_AND, 0xFF00),
            *_if(tuple(kind << 8 for kind in _IOCTL), _ALLOWED),
            *_answer(_ENOTTY),  # as a file answers unknown requests
        ],
        "personality": [_load(0), *_if(_PERSONALITY, _ALLOWED), *_answer(_EPERM)],
        "socket": _socket(sockets),
        "socketpair": _socketpair(sockets),
    }
    for name in _ON_ITSELF:
        rules[name] = [_load(0), *_if(itself, _ALLOWED), *_answer(_EPERM)]
    for name, which in _WHICH_PROCESS.items():
        rules[name] = [_load(0), *_unless(which, _answer(_EPERM)), _load(1), *_if(itself, _ALLOWED), *_answer(_EPERM)]
    return rules


def _socket(sockets: Sockets) -> list[bytes]:
    """Sockets by family, type and protocol."""
    protocol = _load(2)
    other = _answer(_EPROTONOSUPPORT)
    datagrams = [protocol, *_if((0, _UDP, _ICMP, _ICMPV6), _ALLOWED), *other] if sockets.datagrams else _answer(_EPERM)
    internet = [
        _load(1),
        _instruction(_AND, _TYPE_MASK),
        *_if((_STREAM,), [protocol, *_if((0, _TCP), _ALLOWED), *other]),
        *_if((_DATAGRAM,), datagrams),
        *_answer(_EPERM),
    ]
    return [
        _load(0),
        *_if((_AF_UNIX,), _ALLOWED if sockets.local else _answer(_EPERM)),
        *([] if sockets.ipv6 else _if((_AF_INET6,), _answer(_EAFNOSUPPORT))),
        *_if((_AF_INET, _AF_INET6), internet),
        *_if((_AF_NETLINK,), [protocol, *_if((0,), _ALLOWED), *other]),
        *_if((_AF_PACKET,), _answer(_EPERM)),
        *_answer(_EAFNOSUPPORT),
    ]


def _socketpair(sockets: Sockets) -> list[bytes]:
    """Pairs of local sockets; only kinds that stay connected, unless local sockets may connect anywhere."""
    kinds = (_STREAM, _SEQPACKET, _DATAGRAM) if sockets.local else (_STREAM, _SEQPACKET)
    return [
        _load(0),
        *_unless(_AF_UNIX, _answer(_EAFNOSUPPORT)),
        _load(1),
        _instruction(_AND, _TYPE_MASK),
        *_if(kinds, _ALLOWED),
        *_answer(_EPERM),
    ]


def _trace(where: Where | None) -> list[bytes]:
    ask = [_instruction(_RETURN, _TRACE)]
    if where is None:
        return ask
    hit, miss = (_ALLOWED, ask) if where.clear else (ask, _ALLOWED)
    return [_load(where.argument), *_if_any(where.bits, hit), *miss]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


_ALLOWED = [_instruction(_RETURN, _ALLOW)]


def _answer(number: int) -> list[bytes]:
    return [_instruction(_RETURN, _ERRNO | number)]


def _load(argument: int) -> bytes:
    """The lower half of an argument: all that the kernel reads where it expects an int."""
    return _instruction(_LOAD, _ARGUMENTS + 8 * argument)


def _if(values: tuple[int, ...], body: list[bytes]) -> list[bytes]:
    """If the loaded value is one of these, the body, which ends in an answer."""
    last = len(values) - 1
    tests = [
        _instruction(_EQUAL, value, if_true=last - place, if_false=len(body) if place == last else 0)
        for place, value in enumerate(values)
    ]
    return [*tests, *body]


def _unless(value: int, body: list[bytes]) -> list[bytes]:
    return [_instruction(_EQUAL, value, if_true=len(body)), *body]


def _if_any(bits: int, body: list[bytes]) -> list[bytes]:
    return [_instruction(_ANY_BIT, bits, if_false=len(body)), *body]


def _runs(values: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs


@functools.lru_cache
def prepare(rules: Rules = EVERYTHING) -> bytes:
    """Make the filter that `install` will need, once in the server for all samples: it takes longer than installing."""
    return program(kernel.machine(), rules, own=_PLACEHOLDER) or b""


def install(rules: Rules = EVERYTHING) -> None:
    """Filter this process and all its descendants, for good; needs no_new_privs."""
    code = prepare(rules)
    if not code:
        return
    code = code.replace(struct.pack("=I", _PLACEHOLDER), struct.pack("=I", os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    kernel.set_seccomp_filter(header)
