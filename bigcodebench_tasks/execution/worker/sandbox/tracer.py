"""Under Landlock: a private /tmp, /dev/shm and loopback address for each sample.

Landlock cannot hide the machine's, so a program that writes to "/tmp/x" or connects to a server of its own would fail.
The supervisor therefore traces its sample (ptrace, which needs no privilege for a child) and handles the system calls
that name a file or an address:

- a path below /tmp, /var/tmp or /dev/shm is replaced by one in the sample's folder. Landlock still decides about that
  path, so a program that cheats here gains nothing;
- the supervisor connects, binds and listens for the program, on copies of its socket and of the address, which no
  thread of the program can exchange meanwhile: on an address below 127.0.0.0/8 that no other sample has, and only to
  sockets that listen on that very address. What the program reads back is 127.0.0.1;
- the supervisor changes permissions, owners and times of files (`changes`), where the kernel would let the program
  change all files of the user.

Only calls that the filter of `seccomp` sends here cost anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from functools import partial

from . import kernel
from .changes import CALLS as CHANGES
from .changes import Changes
from .seccomp import Where

# Numbers are x86_64's, as the layout of its registers is: struct user_regs_struct.
_REGISTERS = 27
_RAX, _ORIG_RAX, _RSP = 10, 15, 19
_ARGUMENT = (14, 13, 12, 7, 9, 8)  # rdi, rsi, rdx, r10, r8, r9
_WORD = (1 << 64) - 1
_RED_ZONE = 128  # bytes below the stack pointer that belong to the program

# System call to the arguments that are paths.
PATHS: Mapping[int, tuple[int, ...]] = {
    # open, stat, lstat, access, execve, truncate, chdir, rename, mkdir, rmdir, creat, link, unlink, symlink, readlink
    2: (0,), 4: (0,), 6: (0,), 21: (0,), 59: (0,), 76: (0,), 80: (0,), 82: (0, 1), 83: (0,), 84: (0,), 85: (0,),
    86: (0, 1), 87: (0,), 88: (0, 1), 89: (0,),
    # chmod, chown, lchown, utime, mknod, statfs, utimes
    90: (0,), 92: (0,), 94: (0,), 132: (0,), 133: (0,), 137: (0,), 235: (0,),
    # setxattr, lsetxattr, getxattr, lgetxattr, listxattr, llistxattr, removexattr, lremovexattr, inotify_add_watch
    188: (0,), 189: (0,), 191: (0,), 192: (0,), 194: (0,), 195: (0,), 197: (0,), 198: (0,), 254: (1,),
    # openat, mkdirat, mknodat, fchownat, futimesat, newfstatat, unlinkat, renameat, linkat, symlinkat, readlinkat
    257: (1,), 258: (1,), 259: (1,), 260: (1,), 261: (1,), 262: (1,), 263: (1,), 264: (1, 3), 265: (1, 3), 266: (0, 2),
    267: (1,),
    # fchmodat, faccessat, utimensat, renameat2, execveat, statx, openat2, faccessat2, fchmodat2
    268: (1,), 269: (1,), 280: (1,), 316: (1, 3), 322: (1,), 332: (1,), 437: (1,), 439: (1,), 452: (1,),
}  # fmt: skip
_OPEN, _OPENAT, _NEWFSTATAT, _AT_EMPTY_PATH = 2, 257, 262, 0x1000
_SHARED = os.O_EXCL | os.O_NOFOLLOW
# Calls by which the C library handles files in /dev/shm: open, openat, link, unlink, unlinkat, linkat.
SHARED_MEMORY: Mapping[int, Where | None] = {
    _OPEN: Where(1, _SHARED), _OPENAT: Where(2, _SHARED), 86: None, 87: None, 263: None, 265: None,
}  # fmt: skip
_EXECVE, _EXECVEAT = 59, 322
_CONNECT, _BIND, _LISTEN = 42, 49, 50
# accept, getsockname, getpeername, accept4: each writes an address to where its second argument points.
_GIVES_ADDRESS = (43, 51, 52, 288)
SOCKETS = (_CONNECT, _BIND, _LISTEN, *_GIVES_ADDRESS)

_SEIZE, _PTRACE_LISTEN, _GETREGS, _SETREGS = 0x4206, 0x4208, 12, 13
_CONT, _SYSCALL = 7, 24
# Mark stops of system calls, follow forks, vforks and threads, stop where the filter asks, end with the tracer.
_OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x80 | 0x100000
_EVENT_SECCOMP, _EVENT_STOP = 7, 128
_AFTER_SYSCALL = signal.SIGTRAP | 0x80
_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_WALL = 0x40000000  # threads too

_PAGE = 4096
_PATH_MAX = 4096
_ADDRESS_MAX = 128  # struct sockaddr_storage
_LOCALHOST = bytes((127, 0, 0, 1))
_LISTENING = "0A"

Registers = ctypes.Array[ctypes.c_ulonglong]


def loopback_address(pid: int) -> bytes:
    """The address of a process id (22 bits at most), as four bytes: 127.64.0.0 to 127.127.255.255."""
    return bytes((127, 64 | pid >> 16 & 63, pid >> 8 & 255, pid & 255))


def calls(*, paths: bool, network: bool, changes: bool) -> dict[int, Where | None]:
    """The calls that the filter must send here: for all paths or only those of shared memory, sockets, changes."""
    wanted = dict(SHARED_MEMORY)
    if paths:
        wanted.update(dict.fromkeys(PATHS))
        wanted[_NEWFSTATAT] = Where(3, _AT_EMPTY_PATH, clear=True)  # the C library's fstat names no path
    if network:
        wanted.update(dict.fromkeys(SOCKETS))
    if changes:
        wanted.update(dict.fromkeys(CHANGES))
    return wanted


class Tracer:
    """Traces one sample.

    Args:
        places: folder that programs name, such as "/tmp", to the folder that replaces it.
        kept: paths that are not replaced although they lie below one of the places.
        address: the sample's loopback address; None leaves the network to the kernel.
        own: the only folders in which the sample may change permissions, owners and times; None leaves that to the
            kernel.
    """

    def __init__(
        self, places: Mapping[str, str], kept: Sequence[str], address: bytes | None, own: Sequence[str] | None
    ) -> None:
        self._places = {os.fsencode(name): os.fsencode(folder) for name, folder in places.items()}
        self._kept = [os.fsencode(path) + b"/" for path in kept]
        self._shortest = min(map(len, self._places))
        self._address = address
        self._changes = None if own is None else Changes(own, partial(self._read_path, whole=True), self._replacement)
        # Registers to restore when a process leaves its system call.
        self._changed: dict[int, dict[int, int]] = {}
        self._connected: list[tuple[int, Registers, int]] = []

    def seize(self, pid: int) -> None:
        """Trace a child and everything that it starts. Raises OSError."""
        # Stops and connections are announced by blocked signals, so that none is missed.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, signal.SIGUSR1))
        kernel.ptrace(_SEIZE, pid, 0, _OPTIONS)

    def wait_for(self, child: int) -> int:
        """Serve the child and everything below it until the child ends: its wait status."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG | _WALL)
            if not pid:
                while self._connected:
                    self._answer(*self._connected.pop())
                signal.sigwait((signal.SIGCHLD, signal.SIGUSR1))
            elif os.WIFSTOPPED(status):
                try:
                    self._resume(pid, os.WSTOPSIG(status), status >> 16)
                except ProcessLookupError:  # it was killed
                    continue
                except OSError:  # it cannot be traced any more: it must neither continue nor stay stopped
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            else:
                self._changed.pop(pid, None)
                if pid == child:
                    return status

    def _resume(self, pid: int, signal_: int, event: int) -> None:
        if event == _EVENT_SECCOMP:
            request = self._enter_call(pid)
            if request:
                kernel.ptrace(request, pid)
        elif event == _EVENT_STOP and signal_ in _STOPS:
            kernel.ptrace(_PTRACE_LISTEN, pid)
        elif event:
            kernel.ptrace(_CONT, pid)
        elif signal_ == _AFTER_SYSCALL:
            self._leave_call(pid)
            kernel.ptrace(_CONT, pid)
        else:
            kernel.ptrace(_CONT, pid, 0, signal_)

    def _enter_call(self, pid: int) -> int:
        """Handle a call that is about to begin: the request with which to continue, or 0 if that comes later."""
        registers = _registers(pid)
        number = registers[_ORIG_RAX]
        if self._changes and number in CHANGES:
            arguments = [registers[place] for place in _ARGUMENT]
            self._answer(pid, registers, self._changes.make(pid, number, arguments))
            return 0
        if number in PATHS:
            return self._replace_paths(pid, registers, PATHS[number])
        if number in _GIVES_ADDRESS:
            return _SYSCALL
        if number in SOCKETS:
            self._call_instead(pid, registers, number)
            return 0
        return _CONT

    def _leave_call(self, pid: int) -> None:
        registers = _registers(pid)
        number, result = registers[_ORIG_RAX], _signed(registers[_RAX])
        changed = self._changed.pop(pid, {})
        if changed and not (number in (_EXECVE, _EXECVEAT) and result == 0):  # the registers of a new program stay
            for register, value in changed.items():
                registers[register] = value
            _set_registers(pid, registers)
        if number in _GIVES_ADDRESS and result >= 0 and registers[_ARGUMENT[1]] and self._address:
            where = registers[_ARGUMENT[1]]
            try:
                content = kernel.read_memory(pid, where, 8)
                if content[:2] == struct.pack("=H", socket.AF_INET) and content[4:] == self._address:
                    kernel.write_memory(pid, where + 4, _LOCALHOST)
            except OSError:  # the memory may be unreadable
                pass

    def _replace_paths(self, pid: int, registers: Registers, arguments: Sequence[int]) -> int:
        """Give the call other paths, which are written below the thread's stack for as long as it takes."""
        changed = {}
        free = registers[_RSP] - _RED_ZONE
        for argument in arguments:
            register = _ARGUMENT[argument]
            try:
                path = self._replacement(self._read_path(pid, registers[register]))
                if path is None:
                    continue
                free = (free - len(path) - 1) & ~15
                kernel.write_memory(pid, free, path + b"\0")
            except OSError:  # no such memory: the kernel answers that
                continue
            changed[register] = registers[register]
            registers[register] = free
        if not changed:
            return _CONT
        _set_registers(pid, registers)
        self._changed[pid] = changed
        return _SYSCALL

    def _read_path(self, pid: int, where: int, *, whole: bool = False) -> bytes:
        """The text at an address, up to its NUL; unless `whole`, only its beginning if no place begins so."""
        text = b""
        while len(text) < _PATH_MAX:
            chunk = kernel.read_memory(pid, where + len(text), _PAGE - (where + len(text)) % _PAGE)
            before, end, _ = chunk.partition(b"\0")
            text += before
            if end:
                return text
            if not whole and len(text) >= self._shortest and not text.startswith(tuple(self._places)):
                return text
        if whole:
            raise OSError(errno.ENAMETOOLONG, "path")
        return text

    def _replacement(self, path: bytes) -> bytes | None:
        for name, folder in self._places.items():
            if path == name or path.startswith(name + b"/"):
                slashed = path.rstrip(b"/") + b"/"
                kept = path != name and any(slashed.startswith(kept) or kept.startswith(slashed) for kept in self._kept)
                return None if kept else folder + path[len(name) :]
        return None

    def _call_instead(self, pid: int, registers: Registers, number: int) -> None:
        """Do for the program what its call asks of a socket, and answer the call."""
        fd, second, third = (
            registers[_ARGUMENT[n]] & 0xFFFFFFFF if n != 1 else registers[_ARGUMENT[n]] for n in range(3)
        )
        try:
            address = b""
            if number != _LISTEN:
                if third > _ADDRESS_MAX:
                    raise OSError(errno.EINVAL, "address")
                address = kernel.read_memory(pid, second, third)
            sock = _copy_of_socket(pid, fd)
        except OSError as error:
            self._answer(pid, registers, -(error.errno or errno.EINVAL))
            return
        if sock.family == socket.AF_NETLINK and number != _BIND:
            sock.close()
            self._answer(pid, registers, -(errno.EINVAL if number == _CONNECT else errno.EOPNOTSUPP))
        elif number == _CONNECT:
            # It may wait for a server of the program, which needs this thread for its own calls.
            main = threading.get_ident()

            def connect() -> None:
                self._connected.append((pid, registers, _result(self._connect, sock, address)))
                signal.pthread_kill(main, signal.SIGUSR1)

            try:
                threading.Thread(target=connect, daemon=True).start()
            except RuntimeError:  # too many threads
                sock.close()
                self._answer(pid, registers, -errno.EAGAIN)
        elif number == _BIND:
            self._answer(pid, registers, _result(self._bind, sock, address))
        else:
            self._answer(pid, registers, _result(self._listen, sock, second & 0x7FFFFFFF))

    def _answer(self, pid: int, registers: Registers, result: int) -> None:
        """Let the program's call do nothing and return this."""
        registers[_ORIG_RAX] = -1 & _WORD  # no system call has this number
        registers[_RAX] = result & _WORD
        try:
            _set_registers(pid, registers)
            kernel.ptrace(_CONT, pid)
        except ProcessLookupError:  # it was killed
            pass

    def _bind(self, sock: socket.socket, address: bytes) -> None:
        if sock.family == socket.AF_NETLINK:  # the C library learns its addresses this way
            sock.bind(struct.unpack_from("=II", address.ljust(12, b"\0"), 4))
            return
        host, port = _inet(address)
        if host[0] != 127 and host != bytes(4):
            raise OSError(errno.EADDRNOTAVAIL, "not a loopback address")
        sock.bind((self._own, port))

    def _listen(self, sock: socket.socket, backlog: int) -> None:
        self._bind_if_unbound(sock)
        sock.listen(backlog)

    def _connect(self, sock: socket.socket, address: bytes) -> None:
        if address[:2] == struct.pack("=H", socket.AF_UNSPEC):
            raise OSError(errno.EINVAL, "a socket cannot be disconnected")
        host, port = _inet(address)
        if host[0] != 127 and host != bytes(4):
            raise OSError(errno.ENETUNREACH, "loopback only")
        if not self._is_served(port):
            raise OSError(errno.ECONNREFUSED, "no socket of this sample listens")
        self._bind_if_unbound(sock)
        sock.connect((self._own, port))

    @property
    def _own(self) -> str:
        assert self._address is not None
        return socket.inet_ntoa(self._address)

    def _bind_if_unbound(self, sock: socket.socket) -> None:
        if not sock.getsockname()[1]:
            sock.bind((self._own, 0))

    def _is_served(self, port: int) -> bool:
        """Whether a socket listens on the sample's own address; sockets of the host may listen on all addresses."""
        assert self._address is not None
        wanted = f"{int.from_bytes(self._address, 'little'):08X}:{port:04X}"
        with open("/proc/net/tcp", encoding="ascii") as file:
            return any(fields[1] == wanted and fields[3] == _LISTENING for fields in map(str.split, file))


def _result(call: object, *arguments: object) -> int:
    """What a system call returns to a program: 0 or a negative error number. Closes the copy of the socket."""
    sock = arguments[0]
    assert isinstance(sock, socket.socket)
    try:
        with sock:
            call(*arguments)  # type: ignore[operator]
    except OSError as error:
        return -(error.errno or errno.EINVAL)
    except Exception:  # a program must not end its supervisor
        return -errno.EINVAL
    return 0


def _inet(address: bytes) -> tuple[bytes, int]:
    """Host, as four bytes, and port of a ``struct sockaddr_in``. Raises OSError for any other."""
    if len(address) < 8:
        raise OSError(errno.EINVAL, "address")
    family, port = struct.unpack("=H", address[:2])[0], struct.unpack(">H", address[2:4])[0]
    if family != socket.AF_INET:
        raise OSError(errno.EAFNOSUPPORT, "address family")
    return address[4:8], port


def _copy_of_socket(pid: int, fd: int) -> socket.socket:
    """A copy of a socket of a traced thread's process. Raises OSError: not a TCP or netlink socket."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        process = next(int(line.split()[1]) for line in file if line.startswith("Tgid:"))
    pidfd = os.pidfd_open(process)
    try:
        copy = kernel.pidfd_getfd(pidfd, fd)
    finally:
        os.close(pidfd)
    try:
        sock = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    if (sock.family, sock.type) != (socket.AF_INET, socket.SOCK_STREAM) and sock.family != socket.AF_NETLINK:
        sock.close()
        raise OSError(errno.EACCES, "socket")
    return sock


def _registers(pid: int) -> Registers:
    registers: Registers = (ctypes.c_ulonglong * _REGISTERS)()
    kernel.ptrace(_GETREGS, pid, 0, ctypes.addressof(registers))
    return registers


def _set_registers(pid: int, registers: Registers) -> None:
    kernel.ptrace(_SETREGS, pid, 0, ctypes.addressof(registers))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def why_unavailable() -> str:
    """Why tracing is not possible on this machine, or "". Tried on a child."""
    if kernel.machine() != "x86_64":
        return f"not written for {kernel.machine()}"
    child = os.fork()
    if not child:
        signal.pause()
    try:
        kernel.ptrace(_SEIZE, child, 0, _OPTIONS)
        # Copying a child's socket needs the same right; older kernels have no such call.
        pidfd = os.pidfd_open(child)
        try:
            os.close(kernel.pidfd_getfd(pidfd, 0))
        finally:
            os.close(pidfd)
    except OSError as error:
        return str(error)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, _WALL)
    return ""
