"""The result of a test run, and the parts of Python that decide about it.

A program shares its interpreter with its tests, so it can replace what they are judged by. What it replaced while it
was loaded is restored before its tests are defined, and again before they run. What it replaces while they run is found
afterwards. This makes forging a pass laborious, not impossible: tests/execution/test_forging.py lists what is stopped.
Not noticed are

- whatever is put back before the tests end;
- the cells and keyword defaults of functions, the code below a property or a decorator;
- `threading.settrace`, `threading.setprofile` and `sys.monitoring`;
- other libraries, the outcome object of the running test, and memory that is changed through ctypes.
"""

from __future__ import annotations

import builtins
import contextlib
import sys
import types
import unittest
import unittest.case
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from . import unittest_names

# Functions take their builtins from here when they are defined. A copy: the real ones belong to the program.
globals()["__builtins__"] = dict(vars(builtins))

unittest_names.restore()
builtins.exit = builtins.quit = None  # type: ignore[assignment]  # as in the official evaluator

_MODULES = ("unittest", *(f"unittest.{name}" for name in ("case", "result", "suite", "loader", "util", "mock")))

# Builtins that honest programs replace as well; they decide nothing.
_HONEST = {"print", "input", "open", "exit", "quit", "copyright", "credits", "license", "help", "_"}
_BUILTINS = [name for name, value in vars(builtins).items() if callable(value) and name not in _HONEST]

# Names that change how a class behaves although no class has them at first.
_HOOKS = ("__getattr__", "__unittest_skip__", "__unittest_expecting_failure__")

# Methods that a single case must not have for itself.
_CASE_METHODS = {name for name in dir(unittest.TestCase) if name.startswith(("assert", "_"))}

_ABSENT = object()
_type, _module = type, types.ModuleType
_imported = sys.modules

_modules: dict[str, types.ModuleType] = {}
# A module or class, whether it is a class, and its entries that must stay; `_ABSENT` for names that it must not get.
_Entries = tuple[Any, bool, "dict[str, object]"]
_entries: list[_Entries] = []
# Attributes that must stay: owner, name and value.
_attributes: list[tuple[Any, str, object]] = []


class Result(unittest.TestResult):
    """unittest's result, which also remembers how each method ended. A method that only began has not run."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.skipped_methods: list[str] = []
        self.expected_methods: list[str] = []
        self.bad = 0
        self.replaced = False

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

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        own = vars(test)
        self.replaced |= any(callable(own[name]) for name in _CASE_METHODS & own.keys())

    def _failed(self, test: unittest.TestCase) -> None:
        self.bad += 1
        self._count(test, self.ran)

    def _count(self, test: unittest.TestCase, *lists: list[str]) -> None:
        name = getattr(test, "_testMethodName", None)  # what fails for a whole class has none
        if name is not None:
            for names in lists:
                names.append(name)


class Watch:
    """Finds what was replaced while tests ran: parts of unittest, of the test class, of the builtins or the result."""

    def __init__(self, result: Result, test_class: type) -> None:
        self._result = result
        self._names = {*vars(result), "_previousTestClass", "_moduleSetUpFailed", "_testRunEntered"}  # unittest.suite
        self._lists = [value for value in vars(result).values() if type(value) is list]
        decisive = next(entries for owner, _, entries in _entries if owner is unittest.TestCase)
        classes = [one for one in test_class.__mro__ if one not in unittest.TestCase.__mro__]
        names = [*decisive, *(name for one in classes for name in vars(one) if name.startswith("test"))]
        self._entries: list[_Entries] = [
            (one, True, {name: vars(one).get(name, _ABSENT) for name in names}) for one in classes
        ]
        self._mro = test_class, test_class.__mro__

    def tampered(self) -> bool:
        """Whether anything that decides is not what it was before the tests."""
        result, (test_class, mro) = self._result, self._mro
        return (
            any(True for _ in _differences(self._entries))
            or test_class.__mro__ != mro
            or type(result) is not Result
            or result.replaced
            or not vars(result).keys() <= self._names
            or [id(value) for value in vars(result).values() if type(value) is list] != [*map(id, self._lists)]
            or len(result.failures) + len(result.errors) != result.bad
        )


def remember() -> None:
    """Keep what decides as it is now, before any program and after the libraries were imported."""
    for name in _MODULES:
        module = _imported.get(name)
        if module is None:
            continue
        _modules[name] = module
        _keep(module, {*vars(module), *_BUILTINS})
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == name:
                _keep(value)
    for one in contextlib._GeneratorContextManager.__mro__[:-1]:  # it decides whether an exception is noticed
        _keep(one)
    _keep(Result)
    _keep(Watch)
    _keep(builtins, _BUILTINS)


def _keep(owner: Any, names: Iterable[str] = ()) -> None:
    is_class = isinstance(owner, type)
    found = {name: vars(owner).get(name, _ABSENT) for name in names or (*dir(owner), *_HOOKS)}
    # Not what programs may set, such as TestCase.maxDiff.
    entries = {name: value for name, value in found.items() if value is _ABSENT or _decides(value)}
    _entries.append((owner, is_class, entries))
    if is_class:
        _attributes.append((owner, "__bases__", owner.__bases__))
    for value in entries.values():
        function = getattr(value, "__func__", value)
        if isinstance(function, types.FunctionType):
            for name in ("__code__", "__defaults__", "__kwdefaults__"):
                _attributes.append((function, name, getattr(function, name)))


def _decides(value: object) -> bool:
    return callable(value) or hasattr(value, "__get__") or isinstance(value, types.ModuleType)


def restore() -> bool:
    """Restore everything that was replaced. Whether anything was."""
    # Functions that watch each call, as those of debuggers and profilers, could change what tests see.
    sys.settrace(None)
    sys.setprofile(None)
    replaced = False
    for undo in _differences():
        replaced = True
        undo()
    return replaced


def _differences(also: Iterable[_Entries] = ()) -> Iterator[Callable[[], object]]:
    """For each part that was replaced, what restores it."""
    for name, module in _modules.items():
        if _imported.get(name) is not module:
            yield partial(_imported.__setitem__, name, module)
        if type(module) is not _module:
            yield partial(object.__setattr__, module, "__class__", _module)
    for owner, is_class, entries in [*_entries, *also]:
        kind: Any = _type if is_class else _module
        now = kind.__dict__["__dict__"].__get__(owner)
        for name, value in entries.items():
            if now.get(name, _ABSENT) is not value:
                yield (
                    partial(kind.__delattr__, owner, name)
                    if value is _ABSENT
                    else partial(kind.__setattr__, owner, name, value)
                )
    for owner, name, value in _attributes:
        if getattr(owner, name) is not value:
            yield partial(setattr, owner, name, value)
