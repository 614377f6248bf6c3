"""The list of system calls: its numbers are the kernel's, and the filter answers as the list says."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from bigcodebench_tasks.execution.worker.sandbox import seccomp, syscalls

ALLOW, TRACE, ERRNO = 0x7FFF0000, 0x7FF00000, 0x00050000
EPERM, EINVAL, ENOTTY, ENOSYS, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT = 1, 22, 25, 38, 93, 95, 97
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}
ALL = {**syscalls.ALLOWED, **syscalls.CHECKED, **syscalls.DENIED}


def answer(code: bytes, machine: str, number: int, *arguments: int) -> int:
    """What the kernel would do: classic BPF, as far as the filter uses it."""
    data = struct.pack("=IIQ6Q", number, ARCHITECTURE[machine], 0, *(*arguments, *[0] * (6 - len(arguments))))
    lines = [struct.unpack_from("=HBBI", code, place) for place in range(0, len(code), 8)]
    place, loaded = 0, 0
    while True:
        operation, if_true, if_false, value = lines[place]
        place += 1
        if operation == 0x06:
            return int(value)
        if operation == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
        elif operation == 0x54:
            loaded &= value
        elif operation == 0x05:
            place += value
        else:
            hit = {0x15: loaded == value, 0x25: loaded > value, 0x35: loaded >= value, 0x45: bool(loaded & value)}
            place += if_true if hit[operation] else if_false


def filtered(name: str, *arguments: int, machine: str = "x86_64", **options: object) -> int:
    code = seccomp.program(machine, seccomp.Rules(**options), own=77)  # type: ignore[arg-type]
    assert code is not None
    return answer(code, machine, syscalls.numbers(machine, ALL)[name], *arguments)


@pytest.mark.parametrize("machine", ARCHITECTURE)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    found = [path for path in HEADERS[machine] if path.exists()]
    if not found:
        pytest.skip(f"this machine has no header with the numbers of {machine}")
    text = found[0].read_text()
    # "3264" marks what 32 and 64 bits have in common; the 64-bit name of fstatat is newfstatat.
    there = {name: int(value) for name, value in re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", text)}
    there.setdefault("newfstatat", there.get("fstatat", -1))
    newer = {name for name in syscalls.numbers(machine, ALL) if name not in there}
    assert newer <= {"fchmodat2"}, "newer than some headers"
    for name, number in syscalls.numbers(machine, ALL).items():
        assert there.get(name, number) == number, name
    assert len(set(syscalls.numbers(machine, ALL).values())) == len(syscalls.numbers(machine, ALL))


@pytest.mark.parametrize("machine", ARCHITECTURE)
def test_every_call_is_answered_as_its_table_says(machine: str) -> None:
    code = seccomp.program(machine)
    assert code is not None
    assert len(code) // 8 < 1000, "the kernel takes 4096 instructions, and walks them"
    expected = dict.fromkeys(range(600), ERRNO | ENOSYS)
    expected.update(dict.fromkeys(syscalls.numbers(machine, syscalls.ALLOWED).values(), ALLOW))
    expected.update(dict.fromkeys(syscalls.numbers(machine, syscalls.DENIED).values(), ERRNO | EPERM))
    for number in set(expected) - set(syscalls.numbers(machine, syscalls.CHECKED).values()):
        assert answer(code, machine, number) == expected[number], number
    assert answer(code, machine, 0x40000000) == ERRNO | ENOSYS
    other = "x86_64" if machine == "aarch64" else "aarch64"
    assert answer(code, other, 0) == ERRNO | EPERM
    assert seccomp.program("riscv64") is None


@pytest.mark.parametrize("machine", ARCHITECTURE)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (0x3D0F00,), ALLOW),  # a thread, as the C library makes it
        ("clone", (0x1200011,), ALLOW),  # a process
        ("clone", (0x8011,), ERRNO | EPERM),
        ("clone", (0x800011,), ERRNO | EPERM),
        ("clone", (0x2011,), ERRNO | EPERM),
        ("clone", (0x10000011,), ERRNO | EPERM),
        ("clone3", (0,), ERRNO | ENOSYS),
        ("fcntl", (3, 0), ALLOW),
        ("fcntl", (3, 1030), ALLOW),
        ("fcntl", (3, 1024), ERRNO | EPERM),
        ("fcntl", (3, 1026), ERRNO | EPERM),
        ("prctl", (15,), ALLOW),
        ("prctl", (22,), ERRNO | EINVAL),
        ("prctl", (4,), ERRNO | EINVAL),
        ("ioctl", (3, 0x5401), ALLOW),
        ("ioctl", (3, 0x8912), ALLOW),
        ("ioctl", (3, 0x5412), ERRNO | EPERM),
        ("ioctl", (3, 0x40086602), ERRNO | ENOTTY),
        ("prlimit64", (0,), ALLOW),
        ("prlimit64", (77,), ALLOW),
        ("prlimit64", (78,), ERRNO | EPERM),
        ("prlimit64", (1 << 32 | 78,), ERRNO | EPERM),
        ("sched_setaffinity", (1,), ERRNO | EPERM),
        ("setpriority", (0, 0), ALLOW),
        ("setpriority", (0, 1), ERRNO | EPERM),
        ("setpriority", (2, 0), ERRNO | EPERM),
        ("ioprio_set", (1, 0), ALLOW),
        ("ioprio_set", (3, 0), ERRNO | EPERM),
        ("socket", (1, 1, 0), ALLOW),
        ("socket", (2, 0x80801, 6), ALLOW),
        ("socket", (10, 2, 17), ALLOW),
        ("socket", (2, 3, 1), ERRNO | EPERM),
        ("socket", (2, 1, 262), ERRNO | EPROTONOSUPPORT),
        ("socket", (16, 3, 0), ALLOW),
        ("socket", (16, 3, 4), ERRNO | EPROTONOSUPPORT),
        ("socket", (17, 3, 0), ERRNO | EPERM),
        ("socket", (40, 1, 0), ERRNO | EAFNOSUPPORT),
        ("socketpair", (1, 2, 0), ALLOW),
        ("socketpair", (2, 1, 0), ERRNO | EAFNOSUPPORT),
    ],
)
def test_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], expected: int) -> None:
    assert filtered(name, *arguments, machine=machine) == expected


def test_where_only_tcp_is_confined_there_is_only_tcp() -> None:
    tcp = seccomp.Sockets(local=False, datagrams=False, ipv6=False)
    assert filtered("socket", 2, 1, 0, sockets=tcp) == ALLOW
    assert filtered("socket", 2, 2, 0, sockets=tcp) == ERRNO | EPERM
    assert filtered("socket", 1, 1, 0, sockets=tcp) == ERRNO | EPERM
    assert filtered("socket", 10, 1, 0, sockets=tcp) == ERRNO | EAFNOSUPPORT
    assert filtered("socketpair", 1, 1, 0, sockets=tcp) == ALLOW
    assert filtered("socketpair", 1, 2, 0, sockets=tcp) == ERRNO | EPERM
    assert filtered("sendto", 3, 0, 0, 0x20000000, sockets=tcp) == ERRNO | EPERM
    assert filtered("sendto", 3, 0, 0, 0x4000, sockets=tcp) == ALLOW


def test_a_tracer_is_asked_where_it_says() -> None:
    traced = ((90, None), (257, seccomp.Where(2, 0x80)), (262, seccomp.Where(3, 0x1000, clear=True)))
    assert filtered("chmod", traced=traced) == TRACE
    assert filtered("openat", 0, 0, 0xC0, traced=traced) == TRACE
    assert filtered("openat", 0, 0, 0x40, traced=traced) == ALLOW
    assert filtered("newfstatat", 0, 0, 0, 0x1000, traced=traced) == ALLOW
    assert filtered("newfstatat", traced=traced) == TRACE


def test_without_a_tracer_files_of_the_user_keep_what_they_have() -> None:
    assert filtered("chmod", modes=False) == ERRNO | EPERM
    assert filtered("utimensat", modes=False) == ERRNO | EPERM
    assert filtered("setxattr", attributes=False) == ERRNO | EOPNOTSUPP
    assert filtered("getxattr", attributes=False) == ALLOW
