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
    """A solution and its expected verdicts, as "status: reason"; `by_level` where a level differs.

    In the solution, ``{marker}`` and the other names in braces that `aimed_at` is told stand for what is attacked.
    """

    name: str
    solution: str
    expected: tuple[str, ...]
    by_level: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def allowed(self, level: str) -> tuple[str, ...]:
        return self.by_level.get(level, self.expected)

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
            "assert '{level}' != 'namespaces' and wanted in open('/proc/net/tcp').read()"
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

ATTACKS = [*CONSUMING, *LEAVING, *FORGING, *REACHING_OUT]
