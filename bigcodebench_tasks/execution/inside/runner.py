"""Load one program, run its tests and report once: the last code of ours in a sample's process.

The program shares this interpreter, so everything needed after it was loaded is taken before, by
reference. Forging a pass is thereby made laborious, not impossible: docs/execution.md says what remains.
"""

from __future__ import annotations

import builtins
import io
import os
import subprocess
import sys
import types
import unittest
from json.encoder import encode_basestring_ascii as _quote
from typing import Any

from . import protocol, unittest_names

unittest_names.restore()

_write = os.write
_exit = os._exit
_getpid = os.getpid
_seal = protocol.seal
_str = str
_type = type
_len = len

MODULE = "__test__"

# Classes that decide about a test. A program that replaces their parts gets the originals back before
# its tests run, and fails if it does so later.
_GUARDED = (
    unittest.TestCase,
    unittest.TestResult,
    unittest.TestSuite,
    unittest.suite.BaseTestSuite,
    unittest.TestLoader,
    unittest.case._Outcome,  # type: ignore[attr-defined]
    unittest.case._AssertRaisesContext,
    unittest.case._AssertRaisesBaseContext,
)
_ORIGINALS = [
    (
        guarded,
        {name: part for name, part in vars(guarded).items() if callable(part) or hasattr(part, "__get__")},
    )
    for guarded in _GUARDED
]
_MODULE_ORIGINALS = [(module, dict(vars(module))) for module in (unittest, unittest.case, unittest.result)]

# What a program may print before the rest is dropped; the official evaluator keeps all of it in memory.
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
    """Output of child processes is piped unless the program says otherwise, as in the official evaluator.

    A solution can tell: ``subprocess.run(...).stdout`` is bytes there, where plain Python gives None.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) < 5:
            kwargs.setdefault("stdout", subprocess.PIPE)
        if len(args) < 6:
            kwargs.setdefault("stderr", subprocess.PIPE)
        super().__init__(*args, **kwargs)


class _Result(unittest.TestResult):
    """unittest's result, which also remembers each method that ran and whether the machinery is intact."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.skipped_methods: list[str] = []

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.ran.append(test._testMethodName)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.skipped_methods.append(getattr(test, "_testMethodName", ""))


def _tampered() -> bool:
    return any(vars(guarded).get(name) is not value for guarded, kept in _ORIGINALS for name, value in kept.items())


def _restore() -> None:
    for module, kept in _MODULE_ORIGINALS:
        vars(module).update(kept)
    for guarded, kept in _ORIGINALS:
        now = vars(guarded)
        for name, value in kept.items():
            if now.get(name) is not value:
                _type.__setattr__(guarded, name, value)


def _encode(loaded: bool, tampered: bool, ran: list[str], skipped: list[str], details: dict[str, str]) -> bytes:
    """The report as JSON, built by hand: the json module's classes belong to the program by now."""
    pairs = ",".join([_quote(name) + ":" + _quote(text) for name, text in details.items()])
    return (
        f'{{"loaded":{"true" if loaded else "false"},"tampered":{"true" if tampered else "false"},'
        f'"ran":[{",".join([_quote(name) for name in ran])}],'
        f'"skipped":[{",".join([_quote(name) for name in skipped])}],"details":{{{pairs}}}}}'
    ).encode("ascii")


def _cut(details: dict[str, str], limit: int) -> dict[str, str]:
    """Details of at most about `limit` characters, each text with an equal share of them."""
    share = limit // max(1, _len(details))
    cut = {}
    for name, text in details.items():
        dropped = _len(text) - share
        cut[name] = text if dropped <= 0 else f"{text[:share]}\n[cut: {dropped} more characters]"
    return cut


def _message(error: BaseException) -> str:
    try:
        return _str(error)
    except BaseException:  # the program's own exception class may do anything in __str__
        return f"{_type(error).__name__} whose message cannot be shown"


def run(solution: str, test: str, *, token: bytes, report_fd: int, output_bytes: int) -> None:
    """Run the program and leave the process. Follows ``unsafe_execute`` of bigcodebench 0.2.5.

    Args:
        solution: Python source.
        test: Python source of the test suite, appended to the solution.
        token: proves that the report is ours.
        report_fd: descriptor for the report.
        output_bytes: characters of details to keep.
    """
    builtins.exit = builtins.quit = None  # type: ignore[assignment]
    sys.stdin = sys.stdout = sys.stderr = _Swallow()
    subprocess.Popen = _PipedPopen  # type: ignore[misc]
    module = types.ModuleType(MODULE)
    module.__dict__.update(
        __builtins__=builtins, __file__=f"{MODULE}.py", __package__=None, __doc__=None,
        sys=sys, os=os, environ=os.environ,
    )  # fmt: skip
    result = _Result()
    loader = unittest.TestLoader()
    details: dict[str, str] = {}
    loaded = tampered = False
    own = _getpid()
    try:
        code = compile(f"{solution}\n{test}", f"{MODULE}.py", "exec", dont_inherit=True)
        exec(code, module.__dict__)
        sys.modules[MODULE] = module
        suite = loader.loadTestsFromTestCase(module.TestCases)
        _restore()
        loaded = True
        suite.run(result)
        for case, trace in result.failures + result.errors:
            details[case.id().split(".")[-1]] = trace
        tampered = _tampered()
    except BaseException as error:
        details["ALL"] = _message(error)
    if _getpid() != own:  # a fork of the program's that did not leave on its own: the report is not its to give
        _exit(0)
    body = _encode(loaded, tampered, result.ran, result.skipped_methods, _cut(details, output_bytes))
    left = memoryview(_seal(token, body))
    while left:
        left = left[_write(report_fd, left) :]
    _exit(0)
