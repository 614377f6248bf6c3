"""Random system calls under our sandbox: ``python benchmarks/fuzz_sandbox.py --seconds 600 namespaces landlock``.

Each program makes some hundred system calls that are drawn from a grammar: a number, and for each argument something
that a call may take, such as a descriptor, a path of the host's, a process, an address, flags. Beside them run healthy
programs. After each round nothing may be left (processes, files, mounts, System V objects), nothing changed of what was
put out as bait, and every healthy program must have passed. Prints the seed of a round that went wrong.
"""

from __future__ import annotations

import argparse
import glob
import os
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bigcodebench_tasks.execution import Conditions, Engine, Environment, Limits, Program
from bigcodebench_tasks.execution.prepare import prepare, probe

LIMITS = Limits(timeout_s=60, tree_memory_mib=768, scratch_mib=128, processes=128)
CALLS, CALLS_EACH = 600, 15

SUITE = (
    "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(task_func(), 1)\n"
)
HEALTHY = {
    "nothing": "def task_func():\n    return 1\n",
    "files": "import os, tempfile\ndef task_func():\n    with tempfile.NamedTemporaryFile('w') as file:\n"
    "        os.chmod(file.name, 0o600)\n        return file.write('x')\n",
    "processes": "import subprocess, sys\ndef task_func():\n"
    "    return int(subprocess.run([sys.executable, '-c', 'print(1)'], stdout=subprocess.PIPE).stdout)\n",
    "sockets": "import socket, threading\ndef task_func():\n    server = socket.create_server(('127.0.0.1', 0))\n"
    "    threading.Thread(target=lambda: server.accept()[0].sendall(b'x')).start()\n"
    "    with socket.create_connection(server.getsockname()) as client:\n        return len(client.recv(9))\n",
    "semaphores": "import multiprocessing\ndef work(queue):\n    queue.put(1)\ndef task_func():\n"
    "    context = multiprocessing.get_context('fork')\n    queue = context.Queue()\n"
    "    context.Process(target=work, args=(queue,)).start()\n    return queue.get()\n",
}

# Ends itself or waits for ever: exit, pause, rt_sigsuspend, exit_group, and rt_sigreturn, which jumps anywhere.
NOT_DRAWN = {60, 34, 130, 231, 15}
HIGHEST = 470
CHILDREN = {56, 57, 58, 435}  # clone, fork, vfork, clone3

# What a program of the grammar starts with. A timer interrupts calls that wait.
PRELUDE = """
import ctypes, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, True)
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGHUP, signal.SIGTERM, signal.SIGIO):
    signal.signal(number, signal.SIG_IGN)
kept = []
def memory(data):
    kept.append(ctypes.create_string_buffer(data, max(len(data), 512)))
    return ctypes.addressof(kept[-1])
def word(value):
    return ctypes.c_long(value)
def call(number, *arguments):
    return libc.syscall(word(number), *(word(a) for a in arguments))
"""


# Ends the children that wait for ever, too.
WAIT = """
for _ in range(50):
    try:
        if os.waitpid(pid, os.WNOHANG)[0]: break
    except ChildProcessError: break
    time.sleep(0.02)
else:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""

# Permissions, flags and commands that mean something to one call or another.
NUMBERS = (0o777, 0o4755, 0x1000, 0x100, 0x80000, 0x20000, 4096, 16, 22, 1024, 1026, 0x5412)


class Grammar:
    """Draws programs.

    Args:
        seed: the same one gives the same programs for the same bait.
        paths: of the host's, to be attacked.
        processes: ids, likewise.
        addresses: names of the host's local sockets.
        port: of a host's service.
    """

    def __init__(self, seed: int, paths: list[str], processes: list[int], addresses: list[str], port: int) -> None:
        self._draw = random.Random(seed)
        self._paths, self._processes, self._addresses, self._port = paths, processes, addresses, port

    def program(self) -> str:
        """Many children that make some calls each, so that one whose call was deadly does not end the others."""
        lines = [PRELUDE, *(f"try: {self._setup()}\nexcept OSError: pass" for _ in range(8))]
        for _ in range(CALLS // CALLS_EACH):
            lines += ["pid = os.fork()", "if pid == 0:", "    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)"]
            lines += [*(f"    {self._call()}" for _ in range(CALLS_EACH)), "    os._exit(0)", WAIT]
        return "\n".join([*lines, HEALTHY["nothing"]])

    def _setup(self) -> str:
        """Something that later calls can take by its name or descriptor."""
        number, path = self._draw.randrange(9), self._path()
        family, kind = self._draw.choice([1, 2, 10, 16, 17, 38, 40]), self._draw.randrange(6)
        return self._draw.choice(
            [
                f"os.symlink({path!r}, 'link{number}')",
                f"os.mkdir('folder{number}')",
                f"os.open({path!r}, os.O_PATH)",
                f"os.open('file{number}', os.O_RDWR | os.O_CREAT)",
                f"call(41, {family}, {kind}, 0)",
                f"call(53, 1, {kind}, 0, memory(b''))",
                "os.pipe()",
            ]
        )

    def _call(self) -> str:
        number = self._draw.choice([n for n in range(HIGHEST) if n not in NOT_DRAWN])
        if number in CHILDREN:  # one that goes on would draw the same: it leaves
            flags = self._draw.choice([17, 0x8011, 0x800011, 0x2011, 0x10000011])
            return f"if call({number}, {flags}, 0, 0, 0, 0) == 0: os._exit(0)"
        return f"call({number}, {', '.join(self._argument() for _ in range(self._draw.randrange(7)))})"

    def _argument(self) -> str:
        kind = self._draw.randrange(12)
        if kind <= 2:
            return str(self._draw.choice([0, 1, 2, -1, -100, *range(3, 16)]))
        if kind <= 5:
            return f"memory({self._path().encode()!r} + b'\\0')"
        if kind == 6:
            return str(self._draw.choice(self._processes))
        if kind == 7:
            return f"memory({self._address()!r})"
        if kind == 8:
            return str(1 << self._draw.randrange(33))
        if kind == 9:
            return str(self._draw.choice(NUMBERS))
        if kind == 10:
            return f"memory({bytes(self._draw.randrange(256) for _ in range(64))!r})"
        return str(self._draw.getrandbits(64) - (1 << 63))

    def _path(self) -> str:
        own = [".", "..", "link1", "link2/x", "folder1", "file1", "/tmp", "/tmp/x", "/dev/shm/x", "/proc/self/fd/3"]
        return self._draw.choice([*own, *self._paths, *self._paths])

    def _address(self) -> bytes:
        inet = b"\2\0" + self._port.to_bytes(2, "big") + bytes((127, 0, 0, 1)) + bytes(8)
        return self._draw.choice([inet, bytes(16), *(b"\1\0" + name.encode() + b"\0" for name in self._addresses)])


class Bait:
    """What programs could change or leave on this machine; `differences` says what they did."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.home.chmod(0o755)
        for name in ("secret", "mine"):
            (self.home / name).write_text(name)
        (self.home / "open").mkdir()
        (self.home / "open").chmod(0o777)
        self.victim = subprocess.Popen(["sleep", "99999"])
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(str(folder / "log"))
        (folder / "log").chmod(0o777)
        self.log.setblocking(False)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.paths = [str(self.home), *(f"{self.home}/{name}" for name in ("secret", "mine", "open", "open/new"))]
        self.paths += ["/etc/passwd", sys.executable, "/proc/1/mem", "/proc/sys/kernel/core_pattern", str(folder)]
        self.addresses = [str(folder / "log")]
        self._before = self._state()

    def _state(self) -> dict[str, object]:
        files = {}
        for path in (self.home, *sorted(self.home.rglob("*"))):
            now = path.stat()
            content = path.read_text() if path.is_file() else ""
            files[str(path)] = (now.st_mode, now.st_uid, now.st_gid, now.st_mtime_ns, os.listxattr(path), content)
        pid = self.victim.pid
        limits = [resource.prlimit(pid, name) for name in range(16)]
        runs = limits, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), os.sched_getscheduler(pid)
        shared = [Path("/proc/sysvipc", kind).read_text().count("\n") for kind in ("shm", "sem", "msg")]
        heard = []
        for name, listen in (("log", lambda: self.log.recv(9)), ("server", self.server.accept)):
            try:
                listen()
                heard.append(name)
            except BlockingIOError:
                pass
        return {
            "files": files,
            "victim": (runs, self.victim.poll()),
            "System V objects": shared,
            "mounts": Path("/proc/self/mounts").read_text(),
            "heard": heard,
        }

    def differences(self) -> list[str]:
        now = self._state()
        return [f"{name}: {self._before[name]} became {now[name]}" for name in now if now[name] != self._before[name]]

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        self.log.close()
        self.server.close()


def left_behind(place: Path) -> list[str]:
    """Files in the folder of scratches, and processes that were started with its name in their variables."""
    found = [str(path) for path in place.iterdir()]
    for entry in glob.iglob("/proc/[0-9]*/task/[0-9]*/environ"):
        try:
            if str(place).encode() in Path(entry).read_bytes():
                found.append(entry)
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def fuzz_round(seed: int, level: str, environment: Environment, said: Counter[str]) -> list[str]:
    """What went wrong in one round, in words."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as name:
        folder, place = Path(name), Path(name) / "scratch"
        folder.chmod(0o711)
        place.mkdir()
        place.chmod(0o711)
        bait = Bait(folder)
        try:
            processes = [0, 1, -1, os.getpid(), bait.victim.pid]
            grammar = Grammar(seed, bait.paths, processes, bait.addresses, bait.server.getsockname()[1])
            programs = []
            for number, (what, solution) in enumerate(HEALTHY.items()):
                programs.append(Program(f"fuzz/{2 * number}", grammar.program(), SUITE))
                programs.append(Program(what, solution, SUITE))
            tempfile.tempdir = str(place)
            try:
                conditions = Conditions.of(environment, probe(environment, sandbox=level), LIMITS)
                with Engine(environment, conditions, workers=2) as engine:
                    verdicts = list(engine.map(programs))
            finally:
                tempfile.tempdir = None
            wrong = bait.differences()
            for program, verdict in zip(programs, verdicts, strict=True):
                if program.task_id in HEALTHY and not verdict.passed:
                    wrong.append(f"{program.task_id}: {verdict}")
                elif program.task_id not in HEALTHY:
                    said[f"{verdict.status}: {verdict.reason}"] += 1
            end = time.monotonic() + 30
            while left_behind(place) and time.monotonic() < end:
                time.sleep(0.05)
            return wrong + [f"left: {what}" for what in left_behind(place)]
        finally:
            bait.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("levels", nargs="+", choices=["namespaces", "landlock"], metavar="LEVEL")
    parser.add_argument("--seconds", type=float, default=600, help="for each level (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first round (default: %(default)s)")
    parser.add_argument("--python", type=Path, help="interpreter of programs; default: the execution environment's")
    options = parser.parse_args()
    failures = 0
    for level in options.levels:
        if options.python:
            environment = Environment(options.python, "custom", "0" * 64, Path(os.path.dirname(options.python)).parent)
        else:
            environment = prepare(level).environment
        said: Counter[str] = Counter()
        seed, end = options.seed, time.monotonic() + options.seconds
        while time.monotonic() < end:
            for wrong in fuzz_round(seed, level, environment, said):
                failures += 1
                print(f"{level}, seed {seed}: {wrong}", flush=True)
            seed += 1
        rounds = seed - options.seed
        print(f"{level}: {rounds} rounds, {rounds * len(HEALTHY)} programs of {CALLS} calls: {dict(said)}", flush=True)
    print(f"{failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
