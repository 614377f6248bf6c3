"""Load one program, run its tests and send one report: the last code of this package in a sample's process.

The program shares this interpreter, so what is needed after it was loaded is bound before. `suite_result` says how far
that keeps a program from forging a pass.
"""

from __future__ import annotations
import __future__

import builtins
import io
import os
import subprocess
import sys
import types
import unittest
from json import encoder
from typing import Any

from . import protocol, suite_result

# Functions take their builtins from here when they are defined. A copy: the real ones belong to the program.
globals()["__builtins__"] = dict(vars(builtins))

_write = os.write
_exit = os._exit
_getpid = os.getpid
_seal = protocol.seal
# The encoder in C: the json module's classes belong to the program once it runs.
_encode = encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, None, encoder.encode_basestring_ascii, None, ":", ",", False, False, False
)
_restore = suite_result.restore
_modules = sys.modules

MODULE = "__test__"
_FILE = f"{MODULE}.py"

# Flags of a compiled program that say which features of later Pythons its source asked for.
_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag


# Characters that a program may print before the rest is dropped; the official evaluator keeps all of them in memory.
_KEPT_OUTPUT = 16 << 20


class _Swallow(io.StringIO):
    """Standard input, output and error of a program, as in the official evaluator: never readable."""

    def write(self, text: str) -> int:
        return super().write(text) if self.tell() < _KEPT_OUTPUT else len(text)

    def read(self, *args: Any, **kwargs: Any) -> str:
        raise OSError

    readline = readlines = read  # type: ignore[assignment]

    def readable(self) -> bool:
        return False


class _PipedPopen(subprocess.Popen):  # type: ignore[type-arg]
    """Output of child processes is piped by default, as in the official evaluator.

    Programs depend on it: ``subprocess.run(...).stdout`` is bytes there, where plain Python gives None.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) < 5:
            kwargs.setdefault("stdout", subprocess.PIPE)
        if len(args) < 6:
            kwargs.setdefault("stderr", subprocess.PIPE)
        super().__init__(*args, **kwargs)


def _cut(details: dict[str, str], limit: int) -> dict[str, str]:
    """Details of at most about `limit` characters, each text with an equal share of them."""
    share = limit // max(1, len(details))
    cut = {}
    for name, text in details.items():
        dropped = len(text) - share
        cut[name] = text if dropped <= 0 else f"{text[:share]}\n[cut: {dropped} more characters]"
    return cut


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except BaseException:  # __str__ is the program's
        return f"{type(error).__name__} whose message cannot be shown"


def _compile(solution: str, test: str) -> list[types.CodeType]:
    """The program in two parts, solution and tests, with the effect of one; as one part where it cannot be divided.

    Line numbers are those of the whole. A ``pass`` stands for the solution before the tests: no text at their beginning
    becomes the module's documentation, and ``from __future__`` is refused there as it is in the whole.
    """
    try:
        first = compile(f"{solution}\n", _FILE, "exec", dont_inherit=True)
        before = f"{solution}\n".replace("\r\n", "\n").replace("\r", "\n").count("\n")
        second = compile("pass" + "\n" * before + test, _FILE, "exec", first.co_flags & _FUTURE, dont_inherit=True)
    except Exception:  # an error, which must be that of the whole; or one part continues in the other
        return [compile(f"{solution}\n{test}", _FILE, "exec", dont_inherit=True)]
    return [first, second]


def run(program: protocol.Program, token: bytes, line: int, output_bytes: int) -> None:
    """Run the program, send its report and leave the process. Follows ``unsafe_execute`` of bigcodebench 0.2.5.

    Args:
        program: what to run.
        token: proves that the report comes from here.
        line: descriptor for the report.
        output_bytes: characters of details to keep.
    """
    sys.stdin = sys.stdout = sys.stderr = _Swallow()
    subprocess.Popen = _PipedPopen  # type: ignore[misc]
    module = types.ModuleType(MODULE)
    space = module.__dict__
    space.update(
        __builtins__=builtins, __file__=_FILE, __package__=None, __doc__=None, sys=sys, os=os, environ=os.environ,
    )  # fmt: skip
    loaded = undone = tampered = False
    result = None
    details: dict[str, str] = {}
    own = _getpid()
    try:
        parts = _compile(program.solution, program.test)
        exec(parts[0], space)
        if len(parts) > 1:
            undone = space.get("__builtins__") is not builtins
            space["__builtins__"] = builtins
            undone |= _restore()
            exec(parts[1], space)
        _modules[MODULE] = module
        replaced = _restore()
        undone |= replaced
        # In one part the tests were defined by whatever the solution had put in unittest's place.
        tampered = replaced and len(parts) == 1
        cases = module.TestCases  # read once: a thread of the program may delete it meanwhile
        suite = unittest.TestLoader().loadTestsFromTestCase(cases)
        loaded = True
        result = suite_result.Result()
        watch = suite_result.Watch(result, cases)
        suite.run(result)
        for case, trace in result.failures + result.errors:
            details[case.id().split(".")[-1]] = trace
        tampered |= watch.tampered()
    except BaseException as error:
        details["ALL"] = _message(error)
    if _getpid() != own:  # a process that the program forked: only the sample itself reports
        _exit(0)
    report = {
        "message": "Report",
        "loaded": loaded,
        "undone": undone,
        "tampered": tampered,
        "ran": result.ran if result else [],
        "skipped": result.skipped_methods if result else [],
        "expected": result.expected_methods if result else [],
        "details": _cut(details, output_bytes),
    }
    left = memoryview(_seal(token, "".join(_encode(report, 0)).encode("ascii")))
    while left:
        left = left[_write(line, left) :]
    _exit(0)
