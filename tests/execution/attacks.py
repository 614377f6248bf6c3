"""Hostile and broken programs, each with what must come of it.

A program whose attack would change something makes `task_func` right only if the attack succeeded, so that "contained"
and "fail" are the same thing. Whatever it creates bears a marker in its name, so that the test finds it in places where
other processes create things too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.helpers.programs import RIGHT, WRONG


@dataclass(frozen=True)
class Attack:
    """A solution and its expected verdicts, as "status: reason"; `by_sandbox` where a kind of sandbox differs.

    In the solution, ``{marker}`` and the other names in braces that `aimed_at` is told stand for what is attacked. One
    with numbers of system calls in it is for the `machine` that has these numbers.
    """

    name: str
    solution: str
    expected: tuple[str, ...]
    by_sandbox: dict[str, tuple[str, ...]] = field(default_factory=dict)
    machine: str = ""

    def allowed(self, sandbox: str) -> tuple[str, ...]:
        return self.by_sandbox.get(sandbox, self.expected)

    def aimed_at(self, targets: Mapping[str, object]) -> str:
        """The solution with what is attacked in it. All other braces are the program's own."""
        solution = self.solution
        for name, target in targets.items():
            solution = solution.replace(f"{{{name}}}", str(target))
        return solution


PASSED = ("pass: passed",)
TIMEOUT = ("timeout: timeout",)
ASSERTION = ("fail: assertion",)
ERROR = ("fail: error",)
NOT_LOADED = ("fail: did not load",)
EXITED = ("timeout: exited early",)
KILLED = ("timeout: killed by signal 9",)
FORGED = ("fail: invalid report",)
NOT_ALL = ("fail: not all tests ran",)
TAMPERED = ("fail: tampered",)
BOMB = ("fail: did not load", "timeout: timeout", "timeout: processes", "timeout: memory")


def right_if(attack: str) -> str:
    """A solution that is right only if the statements of `attack` run to their end."""
    body = "\n".join(f"    {line}" for line in attack.strip().splitlines())
    return f"""
import glob, os, socket, subprocess, sys
try:
{body}
except Exception:
    succeeded = False
else:
    succeeded = True
def task_func():
    return "right" if succeeded else "wrong"
"""


def refused(name: str, number: int, arguments: str, before: str = "") -> Attack:
    """A system call of x86_64 that must not succeed."""
    attack = f"import ctypes\n{before}\nassert ctypes.CDLL(None).syscall({number}, {arguments}) != -1"
    return Attack(name, right_if(attack), ASSERTION, machine="x86_64")


CONSUMING = [
    Attack("endless loop", "while True: pass", TIMEOUT),
    Attack("sleeps for ever", "import time\ntime.sleep(10**6)", TIMEOUT),
    Attack("fork bomb", "import os\nwhile True: os.fork()", BOMB),
    Attack(
        "thread bomb",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
        BOMB,
    ),
    Attack("allocation of 40 GB", "data = bytearray(40 << 30)", NOT_LOADED),
    Attack("memory bomb", "data = []\nwhile True: data.append(b'x' * (16 << 20))", ("timeout: memory",)),
    Attack(
        "memory bomb in a child",
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'x = []\\nwhile True: x.append(b\"x\" * (16 << 20))'])",
        ("timeout: memory",),
    ),
    Attack("sparse file of 100 GB", "open('{marker}', 'wb').truncate(100 << 30)", NOT_LOADED),
    Attack(
        "endless file",
        "with open('{marker}', 'wb') as file:\n    while True: file.write(b'x' * (1 << 20))",
        NOT_LOADED,
    ),
    Attack(
        "endless files",
        "import itertools\nfor n in itertools.count():\n"
        "    with open(f'{marker}{n}', 'wb') as file: file.write(b'x' * (8 << 20))",
        NOT_LOADED,
        {"landlock": ("timeout: killed by signal 25",)},
    ),
    Attack("endless output", "while True: print('x' * 1000)", TIMEOUT),
    Attack(
        "endless output below Python",
        "import os\nwhile True:\n    os.write(1, b'x' * 4096)\n    os.write(2, b'x' * 4096)",
        TIMEOUT,
    ),
    Attack("1 GB of traceback", "raise ValueError('x' * (1 << 30))", (*NOT_LOADED, "timeout: memory")),
    Attack("deep recursion", "def f(): f()\nf()", NOT_LOADED),
    Attack(
        "deep recursion below Python's guard",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)",
        ("timeout: killed by signal 11", "timeout: memory", "timeout: timeout", *NOT_LOADED),
    ),
    Attack("5 MB program", f"data = '{'x' * (5 << 20)}'\n{RIGHT}", PASSED),
]

LEAVING = [
    Attack("forks and lets both go on", f"import os\nos.fork()\n{RIGHT}", PASSED),
    Attack("os._exit at import", "import os\nos._exit(0)", EXITED),
    Attack("os._exit in the solution", "import os\ndef task_func(): os._exit(0)", EXITED),
    Attack(
        "os._exit in a thread",
        "import os, threading, time\nthreading.Thread(target=os._exit, args=(0,)).start()\ntime.sleep(9)",
        EXITED,
    ),
    Attack("sys.exit at import", "import sys\nsys.exit(0)", NOT_LOADED),
    Attack("SystemExit in the solution", "def task_func(): raise SystemExit(0)", ERROR),
    Attack("KeyboardInterrupt in the solution", "def task_func(): raise KeyboardInterrupt", NOT_ALL + ERROR),
    Attack("segfault", "import ctypes\nctypes.string_at(0)", ("timeout: killed by signal 11",)),
    Attack("abort", "import os\nos.abort()", ("timeout: killed by signal 6",)),
    Attack("kill -9 itself", "import os\nos.kill(os.getpid(), 9)", KILLED),
    Attack("kill -9 its group", "import os\nos.killpg(0, 9)", KILLED),
    # In a pid namespace the parent is process 0, which stands for the own group.
    Attack(
        "kill -9 its parent",
        f"import os\nos.kill(os.getppid(), 9)\n{RIGHT}",
        KILLED,
        {"landlock": NOT_LOADED},
    ),
    Attack(
        "kill -9 everything",
        f"import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\n{RIGHT}",
        (*PASSED, *KILLED),
    ),
    Attack(
        "kill -9 each process",
        "import os\nfor pid in range(1, 70000):\n"
        "    try: pid == os.getpid() or os.kill(pid, 9)\n    except OSError: pass\n" + RIGHT,
        PASSED,
    ),
    Attack("SIGSTOP of itself", "import os\nos.kill(os.getpid(), 19)", TIMEOUT),
    Attack(
        "ignores SIGTERM and all others",
        "import signal\nfor n in range(1, 32):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\nwhile True: pass",
        TIMEOUT,
    ),
    Attack(
        "daemon that lives on",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(9999)\n"
        "    os._exit(0)\n" + RIGHT,
        PASSED,
    ),
    Attack(
        "background command that lives on",
        "import subprocess\nsubprocess.Popen('sleep 9999 & sleep 9998', shell=True, env={'LEFT': '{marker}'})\n"
        + RIGHT,
        PASSED,
    ),
    Attack(
        "thread that lives on",
        f"import threading, time\nthreading.Thread(target=time.sleep, args=(9999,)).start()\n{RIGHT}",
        PASSED,
    ),
    Attack("atexit that hangs", f"import atexit, time\natexit.register(time.sleep, 9999)\n{RIGHT}", PASSED),
    Attack(
        "signal.alarm games",
        f"import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.0001)\nimport time\ntime.sleep(1)\n{RIGHT}",
        ("timeout: killed by signal 14",),
    ),
    Attack(
        "closes every descriptor",
        f"import os\nos.closerange(0, 4096)\n{RIGHT}",
        ("timeout: exited early", *FORGED),
    ),
    Attack(
        "raises its limits",
        "import resource\nfor name in dir(resource):\n    if name.startswith('RLIMIT_'):\n"
        "        try: resource.setrlimit(getattr(resource, name), (-1, -1))\n"
        "        except (OSError, ValueError): pass\ndata = bytearray(40 << 30)",
        NOT_LOADED,
    ),
]

FORGING = [
    Attack(
        "replaces TestCase.run",
        f"import unittest\nunittest.TestCase.run = lambda *a: None\n{WRONG}",
        TAMPERED,
    ),
    Attack(
        "replaces assertEqual",
        f"import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n{WRONG}",
        TAMPERED,
    ),
    Attack(
        "replaces assertEqual while it is tested",
        "import unittest\nanswers = ['wrong', 'right']\ndef task_func():\n"
        "    unittest.TestCase.assertEqual = lambda *a: None\n    return answers.pop()\n",
        TAMPERED,
    ),
    Attack(
        "replaces TestResult",
        "import unittest\nclass Liar(unittest.TestResult):\n    def addFailure(self, *a): pass\n"
        "unittest.TestResult = unittest.result.TestResult = Liar\n"
        f"unittest.result.TestResult.addFailure = lambda *a: None\n{WRONG}",
        TAMPERED,
    ),
    Attack(
        "replaces unittest",
        "import sys, types\nfake = types.ModuleType('unittest')\nfake.TestCase = object\n"
        f"sys.modules['unittest'] = fake\n{WRONG}",
        TAMPERED,
    ),
    Attack(
        "replaces open, os.write and json.dumps",
        "import builtins, json, os\nbuiltins.open = os.write = json.dumps = lambda *a, **k: 0\n"
        f"json.encoder.encode_basestring_ascii = json.encoder.c_make_encoder = None\n{RIGHT}",
        PASSED,
    ),
    Attack(
        "defines its own TestCases",
        "import unittest\nclass TestCases(unittest.TestCase):\n    def test_mine(self): pass\n" + WRONG,
        ASSERTION,
    ),
    Attack(
        "deletes TestCases",
        "import sys, threading, time\ndef remove(space):\n    while 'TestCases' not in space: time.sleep(0)\n"
        f"    del space['TestCases']\nthreading.Thread(target=remove, args=(globals(),)).start()\n{WRONG}",
        (*NOT_LOADED, *ASSERTION),
    ),
    Attack(
        "removes the tests",
        "import builtins\nmake = builtins.__build_class__\ndef build(f, name, *bases, **k):\n"
        "    made = make(f, name, *bases, **k)\n    if name == 'TestCases':\n"
        "        del made.test_one, made.test_two\n    return made\n"
        f"builtins.__build_class__ = build\n{WRONG}",
        TAMPERED,
    ),
    Attack("raises SkipTest", "import unittest\ndef task_func(): raise unittest.SkipTest('no')\n", NOT_ALL),
    Attack("raises SkipTest at import", "import unittest\nraise unittest.SkipTest('no')\n", NOT_LOADED),
    Attack(
        "forged report to every descriptor",
        "import json, os\nreport = json.dumps({'loaded': True, 'tampered': False, 'ran': ['test_one', 'test_two'],"
        " 'skipped': [], 'details': {}}).encode()\nfor fd in range(3, 4096):\n    try:\n"
        "        os.write(fd, len(report).to_bytes(4, 'big') + report)\n    except OSError: pass\nos._exit(0)",
        FORGED,
    ),
    Attack(
        "floods every descriptor",
        "import os\nwhile True:\n    for fd in range(3, 1024):\n        try: os.write(fd, b'x' * 4096)\n"
        "        except OSError: pass",
        ("timeout: output limit", *TIMEOUT),
    ),
    Attack("unicode surrogates in messages", "raise ValueError('\\ud800 and \\udfff')", NOT_LOADED),
    Attack(
        "a message that cannot be shown",
        "class E(Exception):\n    def __str__(self): raise E\nraise E",
        NOT_LOADED,
    ),
    Attack("NUL byte", f"\x00\n{RIGHT}", NOT_LOADED),
    Attack("invalid UTF-8 as surrogates", f"text = '\udc80\udcff'\n{RIGHT}", NOT_LOADED),
]

REACHING_OUT = [
    Attack("reads standard input", f"try:\n    input()\nexcept OSError:\n    pass\n{RIGHT}", PASSED),
    Attack("reads the user's home", right_if("open('{home}/secret').read()"), ASSERTION),
    Attack("lists the user's home", right_if("os.listdir('{home}')"), ASSERTION),
    Attack(
        "reads ~/.ssh of everybody",
        right_if("assert glob.glob('/*/.ssh/*') + glob.glob('/*/*/.ssh/*')"),
        ASSERTION,
    ),
    Attack(
        "reads a host process's environment",
        right_if(
            "assert b'__main__' not in open('/proc/{host_pid}/cmdline', 'rb').read()\n"
            "open('/proc/{host_pid}/environ', 'rb').read()"
        ),
        ASSERTION,
    ),
    Attack(
        "reads any other process's environment",
        right_if(
            "found = [p for p in glob.glob('/proc/[0-9]*/environ') if p.split('/')[2] != str(os.getpid())]\n"
            "assert b''.join(open(p, 'rb').read() for p in found)"
        ),
        ASSERTION,
    ),
    Attack(
        "finds a token in its environment",
        right_if("assert [v for v in os.environ if 'TOKEN' in v or 'KEY' in v or v.startswith('HF_')]"),
        ASSERTION,
    ),
    Attack("writes outside its scratch", right_if("open('{outside}/{marker}', 'w').write('x')"), ASSERTION),
    Attack("writes into the root", right_if("os.mkdir('/{marker}')"), ASSERTION),
    Attack(
        "writes into site-packages",
        right_if("open(os.path.dirname(os.__file__) + '/{marker}.py', 'w').write('x')"),
        ASSERTION,
    ),
    Attack("changes the interpreter", right_if("os.chmod(os.path.realpath(sys.executable), 0o777)"), ASSERTION),
    Attack(
        "writes into its parent's memory",
        right_if("for pid in {os.getppid(), 1} - {0}:\n    open(f'/proc/{pid}/mem', 'r+b').close()"),
        ASSERTION,
    ),
    Attack(
        "traces its parent",
        right_if("import ctypes\nassert ctypes.CDLL(None).ptrace(16, os.getppid() or 1, 0, 0) == 0"),
        ASSERTION,
    ),
    Attack(
        "mounts",
        right_if("import ctypes\nassert ctypes.CDLL(None).mount(b'{marker}', b'/tmp', b'tmpfs', 0, None) == 0"),
        ASSERTION,
    ),
    Attack(
        "becomes root in a namespace",
        right_if("import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0"),
        ASSERTION,
    ),
    Attack(
        "is root",
        right_if("os.setuid(0)\nassert os.listdir('/root') is not None and os.access('/etc/shadow', os.R_OK)"),
        ASSERTION,
    ),
    Attack("changes the kernel's settings", right_if("open('/proc/sys/kernel/core_pattern', 'r+').close()"), ASSERTION),
    Attack("connects to a host's service", right_if("socket.create_connection(('127.0.0.1', {port}), 1)"), ASSERTION),
    Attack(
        "connects to a host's local socket",
        right_if("s = socket.socket(socket.AF_UNIX)\ns.connect('{unix_socket}')"),
        ASSERTION,
    ),
    Attack(
        "connects to a host's abstract socket",
        right_if("s = socket.socket(socket.AF_UNIX)\ns.connect('\\0{abstract}')"),
        ASSERTION,
    ),
    Attack("connects to the outside", right_if("socket.create_connection(('1.1.1.1', 53), 1)"), ASSERTION),
    Attack(
        "sends a datagram",
        right_if(
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('127.0.0.1', {datagram_port}))\n"
            "s.settimeout(1)\nassert s.recv(9)"
        ),
        ASSERTION,
    ),
    Attack("sends raw packets", right_if("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"), ASSERTION),
    Attack(
        "leaves a file in /tmp",
        right_if("there = os.path.exists('/tmp/{marker}')\nopen('/tmp/{marker}', 'w').close()\nassert there"),
        ASSERTION,
    ),
    Attack("goes up from /tmp", right_if("open('/tmp/../../../../../../{outside}/{marker}', 'w').close()"), ASSERTION),
    Attack(
        "connects to the host's service while another thread exchanges the address",
        right_if(
            "import ctypes, struct, threading\nlibc = ctypes.CDLL(None)\nhere = socket.socket()\n"
            "here.bind(('127.0.0.1', 0))\nhere.listen(99)\n"
            "port = here.getsockname()[1].to_bytes(2, 'big')\n"
            "good = struct.pack('=H', 2) + port + bytes((127, 0, 0, 1)) + bytes(8)\n"
            "bad = struct.pack('=H', 2) + ({port}).to_bytes(2, 'big') + bytes((127, 0, 0, 1)) + bytes(8)\n"
            "address = ctypes.create_string_buffer(good, 16)\ndone = []\n"
            "def exchange():\n    while not done: address.raw = bad; address.raw = good\n"
            "threading.Thread(target=exchange, daemon=True).start()\n"
            "for _ in range(90):\n    s = socket.socket()\n"
            "    if libc.connect(s.fileno(), address, 16) == 0 and s.getpeername()[1] == {port}: break\n"
            "    s.close()\nelse:\n    done.append(1); raise ValueError\n"
        ),
        ASSERTION,
    ),
    Attack(
        "listens on all addresses",
        right_if(
            "s = socket.socket()\ns.listen(1)\nwanted = '00000000:%04X' % s.getsockname()[1]\n"
            "assert '{sandbox}' != 'namespaces' and wanted in open('/proc/net/tcp').read()"
        ),
        ASSERTION,
    ),
    Attack(
        "rm -rf /",
        f"import subprocess\nsubprocess.run('rm -rf --no-preserve-root / 2>/dev/null', shell=True)\n{RIGHT}",
        (*PASSED, *NOT_LOADED, *ERROR, *TIMEOUT),
    ),
    Attack(
        "chmod 000 of its scratch",
        "import os\nos.mkdir('{marker}')\nopen('{marker}/f', 'w').close()\nos.chmod('{marker}', 0)\nos.chmod('.', 0)\n"
        + RIGHT,
        PASSED,
    ),
    Attack("deletes its working directory", f"import os, shutil\nshutil.rmtree(os.getcwd())\n{RIGHT}", PASSED),
]

_SPIN = "import ctypes, threading\ndef spin():\n    while True: pass\n"
_LEAVE_FIRST = "threading.Thread(target=spin, daemon=True).start()\nctypes.CDLL(None).syscall(60, 0)\n"

# Children that nobody would count, wait for or kill.
HIDING = [
    Attack("first thread ends, another goes on", _SPIN + _LEAVE_FIRST, TIMEOUT, machine="x86_64"),
    Attack(
        "first thread of a child ends, another goes on",
        f"import os\n{_SPIN}if os.fork() == 0:\n"
        + "".join(f"    {line}\n" for line in _LEAVE_FIRST.splitlines())
        + RIGHT,
        PASSED,
        machine="x86_64",
    ),
    *(
        Attack(
            f"a child that is {what}",
            right_if(
                f"import ctypes\npid = ctypes.CDLL(None).syscall(56, {flag | 17:#x}, 0, 0, 0, 0)\n"
                "if pid == 0: os._exit(0)\nassert pid > 0"
            ),
            ASSERTION,
            machine="x86_64",
        )
        for what, flag in (("its sibling", 0x8000), ("not traced", 0x800000), ("traced by its tracer", 0x2000))
    ),
    refused("asks for a child by clone3", 435, "ctypes.byref(ctypes.create_string_buffer(88)), 88"),
]

# Limits and priorities of others, the user's programs and the run's own among them.
SLOWING = [
    *(
        Attack(f"{what} of another process", right_if(f"import resource\n{call}"), ASSERTION)
        for what, call in (
            ("limits", "resource.prlimit({victim}, resource.RLIMIT_FSIZE, (1 << 40, 1 << 40))"),
            ("niceness", "os.setpriority(os.PRIO_PROCESS, {victim}, 19)"),
            ("cores", "os.sched_setaffinity({victim}, [0])"),
            ("scheduler", "os.sched_setscheduler({victim}, os.SCHED_IDLE, os.sched_param(0))"),
        )
    ),
    Attack(
        "limits of its supervisor",
        right_if("import resource\nresource.prlimit(os.getppid() or 1, resource.RLIMIT_NOFILE, (64, 64))"),
        ASSERTION,
    ),
    Attack("niceness of its supervisor", right_if("os.setpriority(os.PRIO_PROCESS, os.getppid() or 1, 19)"), ASSERTION),
    Attack("niceness of everything of its user", right_if("os.setpriority(os.PRIO_USER, 0, 19)"), ASSERTION),
    refused("disk priority of another process", 251, "1, {victim}, 3 << 13"),
    refused("disk priority of everything of its user", 251, "3, os.getuid(), 3 << 13"),
    refused(
        "scheduler of another process by its attributes", 314, "{victim}, ctypes.create_string_buffer(b'0', 48), 0"
    ),
    Attack(
        "limits and priority of its own",
        "import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "resource.prlimit(os.getpid(), resource.RLIMIT_CORE, (0, 0))\nos.nice(1)\n"
        "os.setpriority(os.PRIO_PROCESS, os.getpid(), 2)\nos.sched_setaffinity(0, os.sched_getaffinity(0))\n" + RIGHT,
        PASSED,
    ),
]

# Permissions, owners, times and attributes of what is the user's.
CHANGING = [
    *(
        Attack(f"changes {what}", right_if(attack), ASSERTION)
        for what, attack in (
            ("permissions of a file", "os.chmod('{mine}', 0o666)"),
            ("permissions of a file to set-user-ID", "os.chmod('{mine}', 0o4755)"),
            ("permissions of the home", "os.chmod('{home}', 0o777)"),
            ("permissions through a link", "os.symlink('{mine}', 'link')\nos.chmod('link', 0o666)"),
            ("permissions through a link to a folder", "os.symlink('{home}', 'link')\nos.chmod('link/secret', 0o666)"),
            ("permissions by a long way", "os.chmod('../' * 30 + '{mine}', 0o666)"),
            (
                "permissions relative to a folder",
                "at = os.open('{home}', os.O_PATH)\nos.chmod('secret', 0o666, dir_fd=at)",
            ),
            (
                "permissions through a descriptor's name",
                "fd = os.open('{mine}', os.O_PATH)\nos.chmod(f'/proc/self/fd/{fd}', 0o666)",
            ),
            ("permissions of the run's folder", "os.chmod(os.path.dirname(os.path.dirname(os.environ['HOME'])), 0)"),
            ("times of a file", "os.utime('{mine}', (1, 1))"),
            ("the owner of a file", "os.chown('{mine}', os.getuid(), os.getgid())"),
            ("the owner of a link", "os.lchown('{mine}', os.getuid(), os.getgid())"),
            ("attributes of a file", "os.setxattr('{mine}', 'user.attack', b'1')"),
        )
    ),
    refused(
        "changes permissions by a descriptor that only names",
        452,
        "fd, b'', 0o666, 0x1000",
        "fd = os.open('{mine}', os.O_PATH)",
    ),
    Attack(
        "changes permissions while another thread exchanges a link",
        "import os, threading\nopen('own', 'w').close()\ndone = []\n"
        "def exchange():\n    while not done:\n        for target in ('own', '{mine}'):\n"
        "            os.symlink(target, 'new')\n            os.replace('new', 'link')\n"
        "os.symlink('own', 'link')\nthread = threading.Thread(target=exchange)\nthread.start()\n"
        "for _ in range(300):\n    try: os.chmod('link', 0o666)\n    except OSError: pass\n"
        f"done.append(1)\nthread.join()\n{RIGHT}",
        PASSED,
    ),
    Attack(
        "changes what is its own",
        "import os, stat, tempfile\n"
        "def check(path, **at):\n"
        "    os.chmod(path, 0o640, **at)\n    os.utime(path, (7, 8), **at)\n    os.chown(path, -1, os.getgid(), **at)\n"
        "    found = os.stat(path, **at)\n"
        "    assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o640, 8), found\n"
        "os.mkdir('folder')\n"
        "for path in ('file', 'folder/file', tempfile.gettempdir() + '/file', '/tmp/other', '/var/tmp/other'):\n"
        "    open(path, 'w').close()\n    check(path)\n"
        "check('file', dir_fd=os.open('folder', os.O_RDONLY))\n"
        "os.symlink('file', 'link')\ncheck('link')\nos.utime('link', (3, 4), follow_symlinks=False)\n"
        "assert os.lstat('link').st_mtime == 4 and os.stat('link').st_mtime == 8\n"
        "with open('file', 'r+') as file:\n    os.fchmod(file.fileno(), 0o600)\n    os.utime(file.fileno())\n"
        "    os.fchown(file.fileno(), -1, -1)\n    assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600\n"
        "try: os.chmod('nothing', 0o600)\nexcept FileNotFoundError: pass\nelse: raise ValueError\n" + RIGHT,
        PASSED,
    ),
    Attack(
        "chmod 000 of everything around its scratch",
        "import os\nhere = os.getcwd()\nwhile here != '/':\n    try: os.chmod(here, 0)\n    except OSError: pass\n"
        "    here = os.path.dirname(here)\n" + RIGHT,
        PASSED,
    ),
    Attack(
        "deep folders without permissions",
        "import os\nfor _ in range(300):\n    os.mkdir('d')\n    os.chdir('d')\n"
        "for _ in range(300):\n    os.chdir('..')\n    os.chmod('d', 0)\n" + RIGHT,
        PASSED,
    ),
]

_FILTER = (
    "code = ctypes.create_string_buffer(struct.pack('=HBBI', 6, 0, 0, 0x7fff0000))\n"
    "filter = ctypes.create_string_buffer(struct.pack('@HP', 1, ctypes.addressof(code)))"
)

# What all processes of a user, or of the machine, share.
SHARING = [
    refused("a filter with a listener of its own", 317, "1, 8, filter", f"import struct\n{_FILTER}"),
    refused("a filter of its own", 317, "1, 0, filter", f"import struct\n{_FILTER}"),
    refused("a filter of its own by prctl", 157, "22, 2, filter", f"import struct\n{_FILTER}"),
    refused("cannot be looked into", 157, "4, 0, 0, 0, 0"),
    Attack(
        "a datagram to the host's local socket",
        right_if("a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\na.sendto(b'x', '{datagram_socket}')"),
        ASSERTION,
    ),
    *(
        Attack(f"a socket of {what}", right_if(f"socket.socket({arguments})"), ASSERTION)
        for what, arguments in (
            ("the host's list of sockets", "16, socket.SOCK_RAW, 4"),
            ("netlink between programs", "16, socket.SOCK_RAW, 2"),
            ("the machine below", "40, socket.SOCK_STREAM"),
            ("the kernel's cryptography", "38, socket.SOCK_SEQPACKET"),
            ("several ways at once", "socket.AF_INET, socket.SOCK_STREAM, 262"),
            ("Bluetooth", "31, socket.SOCK_RAW, 1"),
        )
    ),
    *(
        Attack(
            f"{what} on a netlink socket",
            f"import socket\ns = socket.socket(16, socket.SOCK_RAW, 0)\ntry: s.{call}\nexcept OSError: pass\n{RIGHT}",
            PASSED,
        )
        for what, call in (("listens", "listen(1)"), ("connects", "connect((0, 0))"), ("binds", "bind((0, 0))"))
    ),
    refused("System V memory", 29, "0, 4096, 0o1600"),
    refused("a System V semaphore", 64, "0, 1, 0o1600"),
    refused("a System V queue", 68, "0, 0o1600"),
    refused("a POSIX queue", 240, "b'{marker}', 0o102, 0o600, 0"),
    refused("memory that is a file of nobody", 319, "b'{marker}', 0"),
    refused("watches folders", 294, "0"),
    Attack(
        "many timers",
        right_if(
            "import ctypes\nlibc = ctypes.CDLL(None)\nids = [ctypes.c_void_p() for _ in range(2000)]\n"
            "assert all(libc.timer_create(1, None, ctypes.byref(one)) == 0 for one in ids)"
        ),
        ASSERTION,
    ),
    *(
        Attack(f"{what} on a file", right_if(f"import fcntl\nfd = os.open({path}, os.O_RDONLY)\n{call}"), ASSERTION)
        for what, path, call in (
            ("a lease", "'/etc/passwd'", "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)"),
            ("a lease for writing", "'/etc/hosts'", "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)"),
            ("being told of changes", "'.'", "fcntl.fcntl(fd, fcntl.F_NOTIFY, fcntl.DN_CREATE)"),
        )
    ),
    Attack("reads another's shared memory", right_if("open('{shared_memory}/file').read()"), ASSERTION),
    Attack("removes another's shared memory", right_if("os.unlink('{shared_memory}/file')"), ASSERTION),
    Attack(
        "leaves a file in /dev/shm",
        right_if("there = os.path.exists('/dev/shm/{marker}')\nopen('/dev/shm/{marker}', 'w').close()\nassert there"),
        ASSERTION,
    ),
    Attack(
        "shared memory of its own",
        "import multiprocessing\nfrom multiprocessing.shared_memory import SharedMemory\n"
        "def fill(name, lock):\n    with lock:\n        other = SharedMemory(name)\n        other.buf[0] = 7\n"
        "        other.close()\nmemory = SharedMemory(create=True, size=4096)\n"
        "context = multiprocessing.get_context('fork')\n"
        "process = context.Process(target=fill, args=(memory.name, context.Lock()))\nprocess.start()\nprocess.join()\n"
        f"assert memory.buf[0] == 7\nmemory.close()\nmemory.unlink()\n{RIGHT}",
        PASSED,
    ),
]

ATTACKS = [*CONSUMING, *LEAVING, *FORGING, *REACHING_OUT, *HIDING, *SLOWING, *CHANGING, *SHARING]
