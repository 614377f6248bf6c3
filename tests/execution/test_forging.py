"""What a solution does to be judged better than it is: stopped, and named."""

from __future__ import annotations

import pytest

from bigcodebench_tasks.execution import Environment
from tests.helpers.programs import LIMITS, RIGHT, SUITE, WRONG, execute, program

TAMPERED = "fail: tampered"
NOTHING = "lambda *a, **k: None"

# Done while the solution is loaded, and undone before the tests are defined: they fail as they should.
BEFORE = {
    "the code of an assertion": f"TestCase.assertEqual.__code__ = ({NOTHING}).__code__",
    "the code of TestCase.run": f"TestCase.run.__code__ = ({NOTHING}).__code__",
    "the code below a decorator": (
        "unittest.TestResult.addFailure.__wrapped__.__code__ = (lambda self, test, err: None).__code__"
    ),
    "the cell of a closure": (
        f"unittest.TestResult.addFailure.__closure__[0].cell_contents = {NOTHING}"
    ),
    "defaults of a method": (
        "TestCase._baseAssertEqual.__code__ = (lambda self, first, second, msg=None: None).__code__\n"
        "TestCase._baseAssertEqual.__defaults__ = (1,)"
    ),
    "a function object, below Python": (
        "import ctypes\ndef nothing(self, first, second, msg=None): pass\n"
        "size, skip = type(nothing).__basicsize__, 16\n"
        "ctypes.memmove(id(TestCase.assertEqual) + skip, id(nothing) + skip, size - skip)\n"
        "for value in [nothing.__code__, nothing.__globals__, nothing.__name__, nothing.__qualname__] * 99:\n"
        "    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))"
    ),
    "a lenient TestCase": (
        f"class Lenient(TestCase): assertEqual = {NOTHING}\nunittest.TestCase = unittest.case.TestCase = Lenient"
    ),
    "a module in place of unittest": (
        "import sys, types\nfake = types.ModuleType('unittest')\nfor name in dir(unittest):\n"
        "    setattr(fake, name, getattr(unittest, name))\n"
        f"class Lenient(TestCase): assertEqual = {NOTHING}\nfake.TestCase = Lenient\nsys.modules['unittest'] = fake"
    ),
    "a module that answers otherwise": (
        "import types\n"
        f"class Lenient(TestCase): assertEqual = {NOTHING}\n"
        "class Fake(types.ModuleType):\n"
        "    def __getattribute__(self, name):\n"
        "        return Lenient if name == 'TestCase' else super().__getattribute__(name)\n"
        "unittest.__class__ = Fake"
    ),
    "how attributes of TestCase are looked up": (
        "def look_up(self, name):\n"
        "    return (lambda *a: None) if name.startswith('assert') else object.__getattribute__(self, name)\n"
        "TestCase.__getattribute__ = look_up"
    ),
    "how a TestCase is made": (
        f"class Lenient(TestCase): assertEqual = {NOTHING}\n"
        "def make(cls, *a): return object.__new__(type('TestCases', (cls,), {'assertEqual': Lenient.assertEqual}))\n"
        "TestCase.__new__ = make"
    ),
    "how classes are made": (
        "import builtins\nmake = builtins.__build_class__\ndef build(f, name, *bases, **k):\n"
        f"    made = make(f, name, *bases, **k)\n    made.assertEqual = {NOTHING}\n    return made\n"
        "builtins.__build_class__ = build"
    ),
    "the builtins of the tests": (
        "import builtins\nmake = builtins.__build_class__\ndef build(f, name, *bases, **k):\n"
        f"    made = make(f, name, *bases, **k)\n    made.assertEqual = {NOTHING}\n    return made\n"
        "__builtins__ = {**vars(builtins), '__build_class__': build}"
    ),
    "how tests are loaded": (
        "class Empty(unittest.TestSuite):\n    def run(self, result): return result\n"
        "unittest.TestLoader.loadTestsFromTestCase = lambda self, cls: Empty()\n"
    ),
    "the class of suites": (
        "class Empty(unittest.TestSuite):\n    def run(self, result): return result\n"
        "unittest.TestLoader.suiteClass = Empty"
    ),
    "all results": (
        "for cls in unittest.TestResult.__subclasses__():\n"
        f"    cls.addFailure = {NOTHING}\n    cls.addError = {NOTHING}"
    ),
    "what is expected of all tests": "TestCase.__unittest_expecting_failure__ = True",
    "what becomes of an exception": (
        "import contextlib\n"
        "contextlib._GeneratorContextManager.__exit__ = lambda self, *a: True"
    ),
}  # fmt: skip

# Done while a test runs: it is found afterwards, or the tests do not count.
# Done in the first call, which is right, so that the second test passes although it should not.
_FIRST = "calls = []\ndef task_func():\n    calls.append(1)\n    if len(calls) > 1: return 'wrong'\n"
_RIGHT_ONCE = "    return 'right'\n"
LATER = {
    "how a method is called": f"    TestCases._callTestMethod = {NOTHING}\n",
    "an assertion of the class": f"    TestCases.assertEqual = {NOTHING}\n",
    "an assertion of TestCase": f"    TestCase.assertEqual = {NOTHING}\n",
    "a method of the class": f"    TestCases.test_two = {NOTHING}\n",
    "the bases of the class": (
        f"    class Lenient(TestCase): assertEqual = {NOTHING}\n    TestCases.__bases__ = (Lenient,)\n"
    ),
    "how attributes of the class are looked up": (
        "    TestCases.__getattribute__ = lambda self, name: (\n"
        f"        ({NOTHING}) if name == 'assertEqual' else object.__getattribute__(self, name))\n"
    ),
    "a builtin": (
        "    import builtins\n    real = getattr\n"
        f"    builtins.getattr = lambda *a: ({NOTHING}) if a[1:2] == ('test_two',) else real(*a)\n"
    ),
    "a name that hides a builtin": (
        f"    unittest.case.getattr = lambda *a: ({NOTHING}) if a[1:2] == ('test_two',) else getattr(*a)\n"
    ),
    "an assertion of the case": (
        "    import gc\n    for one in gc.get_objects():\n"
        f"        if isinstance(one, TestCases): one.assertEqual = {NOTHING}\n"
    ),
}

DURING = {
    "a result's methods": (
        "import gc\ndef task_func():\n"
        "    for one in gc.get_objects():\n"
        "        if isinstance(one, unittest.TestResult):\n"
        "            one.addFailure = lambda *a: None\n            one.addSuccess = lambda *a: None\n"
        "    return 'wrong'"
    ),
    "a result's lists": (
        "import gc\ndef task_func():\n"
        "    for one in gc.get_objects():\n"
        "        if isinstance(one, unittest.TestResult):\n"
        "            one.failures = type('Deaf', (list,), {'append': lambda *a: None})()\n"
        "    return 'wrong'"
    ),
    "what a result has kept": (
        "import gc\ncalls = []\ndef task_func():\n"
        "    calls.append(1)\n    for one in gc.get_objects():\n"
        "        if isinstance(one, unittest.TestResult): one.failures.clear()\n"
        "    return 'wrong' if len(calls) == 1 else 'right'"
    ),
    "the code of an assertion": (
        f"def task_func():\n    TestCase.assertEqual.__code__ = ({NOTHING}).__code__\n    return 'wrong'"
    ),
    "what is expected of its tests": (
        "def task_func():\n    TestCases.__unittest_expecting_failure__ = True\n"
        "    import sys\n    sys._getframe(1).f_locals['self'].__unittest_expecting_failure__ = True\n"
        "    for name in ('test_one', 'test_two'): getattr(TestCases, name).__unittest_expecting_failure__ = True\n"
        "    return 'wrong'"
    ),
}  # fmt: skip


def verdicts(solutions: list[str], environment: Environment, sandbox: str, test: str = SUITE) -> list[str]:
    found = execute([program(solution, test) for solution in solutions], environment, limits=LIMITS, sandbox=sandbox)
    return [f"{verdict.status}: {verdict.reason}" for verdict in found]


def test_what_is_replaced_before_the_tests_is_undone_and_named(environment: Environment, sandbox: str) -> None:
    start = "import unittest\nfrom unittest import TestCase\n"
    said = verdicts([f"{start}{text}\n{WRONG}" for text in BEFORE.values()], environment, sandbox)
    assert dict(zip(BEFORE, said, strict=True)) == dict.fromkeys(BEFORE, TAMPERED)


def test_what_is_replaced_while_a_test_runs_is_found(environment: Environment, sandbox: str) -> None:
    start = "import unittest\nfrom unittest import TestCase\n"
    said = verdicts([f"{start}{text}\n" for text in DURING.values()], environment, sandbox)
    assert all(one.startswith("fail: ") for one in said), dict(zip(DURING, said, strict=True))


def test_what_is_replaced_for_the_next_test_is_found_and_named(environment: Environment, sandbox: str) -> None:
    start = "import unittest\nfrom unittest import TestCase\n"
    said = verdicts([start + _FIRST + text + _RIGHT_ONCE for text in LATER.values()], environment, sandbox)
    assert dict(zip(LATER, said, strict=True)) == dict.fromkeys(LATER, TAMPERED)


def test_functions_that_watch_each_call_end_before_the_tests(environment: Environment, sandbox: str) -> None:
    watch = (
        "import sys\ndef watch(frame, event, arg):\n"
        "    if frame.f_code.co_name == '_baseAssertEqual': raise sys.modules['unittest'].case._ShouldStop\n"
        "    return watch\n"
    )
    solutions = [f"{watch}sys.setprofile(watch)\n{WRONG}", f"{watch}sys.settrace(watch)\n{WRONG}"]
    assert verdicts(solutions, environment, sandbox) == ["fail: assertion"] * 2


def test_a_right_solution_that_touches_unittest_is_judged_by_its_tests(environment: Environment, sandbox: str) -> None:
    harmless = "import unittest\nunittest.TestCase.maxDiff = None\nunittest.TestLoader.sortTestMethodsUsing = None\n"
    assert verdicts([harmless + RIGHT, "import unittest\nunittest.TestCase.maxDiff = None\n" + WRONG],
                    environment, sandbox) == ["pass: passed", "fail: assertion"]  # fmt: skip


def test_the_solution_and_its_tests_are_one_module(environment: Environment, sandbox: str) -> None:
    solution = '"""Of the solution."""\nfrom __future__ import annotations\nfirst: int = 1\ndef task_func(): return 1\n'
    test = '''"""Not of the solution."""
import unittest
second: int = 2

class TestCases(unittest.TestCase):
    """Of the class."""
    def test_it(self):
        def annotated(x: undefined): pass
        self.assertEqual(__doc__, "Of the solution.")
        self.assertEqual(list(__annotations__), ["first", "second"])
        self.assertEqual(annotated.__annotations__, {"x": "undefined"})
        (frame,) = __import__("traceback").extract_stack(limit=1)
        self.assertEqual((frame.filename, frame.lineno, frame.name), ("__test__.py", 17, "test_it"))
        self.assertEqual(task_func.__code__.co_firstlineno, 4)
        self.assertEqual(TestCases.__module__, "__test__")
'''
    (verdict,) = execute([program(solution, test)], environment, limits=LIMITS, sandbox=sandbox)
    assert verdict.details == {}


@pytest.mark.parametrize(
    ("solution", "test", "expected"),
    [
        ("x = (", SUITE, "fail: did not load"),
        (RIGHT, f"from __future__ import annotations\n{SUITE}", "fail: did not load"),
        (RIGHT + "text = '''", f"#'''\n{SUITE}", "pass: passed"),
        (RIGHT.replace("\n", "\r\n") + "\r", SUITE, "pass: passed"),
    ],
)
def test_what_is_only_whole_together_is_run_together(
    solution: str, test: str, expected: str, environment: Environment, sandbox: str
) -> None:
    assert verdicts([solution], environment, sandbox, test) == [expected]


def test_an_interrupt_is_named(environment: Environment, sandbox: str) -> None:
    solutions = ["def task_func(): raise KeyboardInterrupt", "raise ValueError"]
    found = execute([program(solution) for solution in solutions], environment, limits=LIMITS, sandbox=sandbox)
    assert [verdict.details for verdict in found] == [{"ALL": "KeyboardInterrupt"}, {"ALL": "ValueError"}]
