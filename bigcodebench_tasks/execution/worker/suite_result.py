"""The parts of unittest that decide about a test: remembered before any program is there, put back, and compared.

A program shares its interpreter with its tests, so it can replace whatever they are judged by. What it replaced while
it was loaded is put back before the tests are defined and again before they run; what it replaces while they run is
found afterwards. docs/execution.md says what remains.
"""

from __future__ import annotations

import builtins
import contextlib
import sys
import threading
import types
import unittest
import unittest.case
import unittest.loader
import unittest.result
import unittest.suite
import unittest.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import unittest_names

# Functions take their builtins from here when they are defined. A copy: the real ones belong to the program.
globals()["__builtins__"] = dict(vars(builtins))

unittest_names.restore()

# As in the official evaluator.
builtins.exit = builtins.quit = None  # type: ignore[assignment]

# Builtins that honest programs replace as well, which decide nothing.
_NOT_OURS = {"print", "input", "open", "exit", "quit", "copyright", "credits", "license", "help", "_"}
_BUILTINS = {name: value for name, value in vars(builtins).items() if callable(value) and name not in _NOT_OURS}
_REAL_BUILTINS = vars(builtins)
_MODULES = sys.modules

_ABSENT = object()


class Result(unittest.TestResult):
    """unittest's result, which also remembers how each method ended. One that was only begun has not run."""

    def __init__(self, stop_at_failure: bool) -> None:
        super().__init__()
        # Not unittest's own `failfast`, which stops at an unexpected success too: that is none for us.
        self._stop_at_failure = stop_at_failure
        self.ran: list[str] = []
        self.skipped_methods: list[str] = []
        self.expected_methods: list[str] = []
        self.bad = 0

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self._count(test, self.ran)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._failed(test)
        super().addFailure(test, err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._failed(test)
        super().addError(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed(test)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._count(test, self.ran, self.skipped_methods)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self._count(test, self.ran, self.expected_methods)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._count(test, self.ran)

    def _failed(self, test: unittest.TestCase) -> None:
        self.bad += 1
        self._count(test, self.ran)
        if self._stop_at_failure:
            self.stop()

    def _count(self, test: unittest.TestCase, *lists: list[str]) -> None:
        name = getattr(test, "_testMethodName", None)  # what fails for a whole class has none
        if name is not None:
            for names in lists:
                names.append(name)


class Watch:
    """Whether a result is still what was made of it: its methods its class's, its lists its own."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self._names = set(vars(result))
        self._lists = [value for value in vars(result).values() if type(value) is list]

    def tampered(self) -> bool:
        result = self._result
        own = vars(result)
        names = self._names | {"_previousTestClass", "_moduleSetUpFailed", "_testRunEntered"}  # of unittest.suite
        return (
            type(result) is not Result
            or not set(own) <= names
            or [id(value) for value in own.values() if type(value) is list] != [id(value) for value in self._lists]
            or len(result.failures) + len(result.errors) != result.bad
        )


@dataclass(frozen=True)
class _Class:
    """A class, and what decides how it behaves."""

    itself: type
    bases: tuple[type, ...]
    parts: dict[str, object]

    def differences(self) -> Iterator[Undo]:
        itself, now = self.itself, _PARTS.__get__(self.itself)
        for name, value in self.parts.items():
            if now.get(name, _ABSENT) is not value and _decides(name, value):
                yield partial(_TYPE_SETATTR, itself, name, value)
        for name, value in list(now.items()):
            if name not in self.parts and _decides(name, value):
                yield partial(_TYPE_DELATTR, itself, name)


@dataclass(frozen=True)
class _Space:
    """A module, and those of its names that decide."""

    itself: types.ModuleType
    parts: dict[str, object]

    def differences(self) -> Iterator[Undo]:
        now = _SPACE.__get__(self.itself)
        for name, value in self.parts.items():
            if now.get(name, _ABSENT) is not value:
                yield partial(now.__setitem__, name, value)


@dataclass(frozen=True)
class _Function:
    """A function, and what decides what it does. It can be made to do something else and stay the same object."""

    itself: types.FunctionType
    code: types.CodeType
    defaults: tuple[object, ...] | None
    keyword_defaults: dict[str, object] | None

    def differences(self) -> Iterator[Undo]:
        itself, keywords = self.itself, self.keyword_defaults
        if itself.__code__ is not self.code:
            yield partial(_SETATTR, itself, "__code__", self.code)
        if itself.__defaults__ is not self.defaults:
            yield partial(_SETATTR, itself, "__defaults__", self.defaults)
        if itself.__kwdefaults__ != keywords:
            yield partial(_SETATTR, itself, "__kwdefaults__", None if keywords is None else dict(keywords))


@dataclass(frozen=True)
class _Cell:
    """A cell of a function's closure, and what is in it."""

    itself: types.CellType
    content: object

    def differences(self) -> Iterator[Undo]:
        if _content(self.itself) is not self.content:
            yield partial(_SETATTR, self.itself, "cell_contents", self.content)


Undo = Callable[[], object]

_known: list[_Class | _Space | _Function | _Cell] = []
_ids: set[int] = set()
_imported: dict[str, types.ModuleType] = {}
_bases: list[tuple[type, tuple[type, ...]]] = []


def remember(modules: Iterable[str]) -> None:
    """Guard modules of unittest from now on, if they are imported, and the classes and functions that they define."""
    for name in modules:
        module = _MODULES.get(name)
        if module is None or name in _imported:
            continue
        _imported[name] = module
        _known.append(_Space(module, {key: value for key, value in vars(module).items() if _decides(key, value)}))
        for value in list(vars(module).values()):
            if getattr(value, "__module__", None) == name:
                _remember_part(value)


def _remember_part(value: object) -> None:
    if isinstance(value, (staticmethod, classmethod)):
        _remember_part(value.__func__)
    elif isinstance(value, property):
        _remember_part(value.fget)
        _remember_part(value.fset)
    elif isinstance(value, type):
        if value.__flags__ & _HEAP_TYPE and id(value) not in _ids:  # nobody can change a class that is written in C
            _ids.add(id(value))
            _known.append(_Class(value, value.__bases__, dict(vars(value))))
            if value.__bases__ != (object,):  # the interpreter lets nobody exchange `object` alone
                _bases.append((value, value.__bases__))
            for part in list(vars(value).values()):
                _remember_part(part)
    elif isinstance(value, types.FunctionType) and id(value) not in _ids:
        _ids.add(id(value))
        keywords = value.__kwdefaults__
        _known.append(
            _Function(value, value.__code__, value.__defaults__, None if keywords is None else dict(keywords))
        )
        for cell in value.__closure__ or ():
            _known.append(_Cell(cell, _content(cell)))
            if isinstance(_content(cell), types.FunctionType):  # what a decorator has wrapped
                _remember_part(_content(cell))


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _ABSENT


def _decides(name: str, value: object) -> bool:
    """Not what programs may set, such as TestCase.maxDiff."""
    return callable(value) or hasattr(value, "__get__") or name.startswith("__unittest") or type(value) is _MODULE


_MODULE = types.ModuleType
_HEAP_TYPE = 1 << 9
_SETATTR, _TYPE_SETATTR, _TYPE_DELATTR = object.__setattr__, type.__setattr__, type.__delattr__
_SPACE: Any = vars(types.ModuleType)["__dict__"]
_PARTS: Any = vars(type)["__dict__"]

# It decides whether an exception that a test raised is noticed.
for _class in contextlib._GeneratorContextManager.__mro__[:-1]:
    _remember_part(_class)
_remember_part(Result)
_remember_part(Watch)
remember(["unittest", "unittest.case", "unittest.result", "unittest.suite", "unittest.loader", "unittest.util"])


def prepare_to_define(space: dict[str, Any]) -> bool:
    """Between a solution and its tests, whose namespace is `space`: put everything back. Whether anything was replaced.

    Functions that watch each call (of debuggers and profilers) end here: they could change what tests see.
    """
    # PromptInfo first, because writing copies pages: hardly any program has such a function.
    if sys.gettrace() or sys.getprofile() or threading.gettrace() or threading.getprofile():
        sys.settrace(None)
        sys.setprofile(None)
        threading.settrace(None)
        threading.setprofile(None)
    _stop_monitoring()
    changed = space.get("__builtins__") not in (builtins, _REAL_BUILTINS)
    space["__builtins__"] = builtins
    for name, value in _BUILTINS.items():
        if _REAL_BUILTINS.get(name) is not value:
            _REAL_BUILTINS[name] = value
            changed = True
    return restore() or changed


def _stop_monitoring() -> None:
    monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
    if monitoring is not None:
        for tool in range(6):
            if monitoring.get_tool(tool) is not None:
                monitoring.set_events(tool, 0)


def restore() -> bool:
    """Put unittest's own parts back. Whether any had been replaced."""
    changed = False
    for undo in _differences():
        changed = True
        undo()
    return changed


def tampered() -> bool:
    """Whether any of unittest's own parts is not what it was."""
    return any(True for _ in _differences())


def _differences() -> Iterator[Undo]:
    """For each part that was replaced, what puts it back."""
    for name, module in _imported.items():
        if _MODULES.get(name) is not module:
            yield partial(_MODULES.__setitem__, name, module)
        if type(module) is not _MODULE:
            yield partial(_SETATTR, module, "__class__", _MODULE)
    for itself, bases in _bases:
        if itself.__bases__ != bases:
            yield partial(_TYPE_SETATTR, itself, "__bases__", bases)
    for known in _known:
        yield from known.differences()
