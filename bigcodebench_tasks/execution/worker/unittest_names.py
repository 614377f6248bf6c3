"""Methods of TestCase that Python 3.12 removed. The tasks' tests were written for Python 3.10."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from typing import Any

_NEW_NAMES = {
    "assert_": "assertTrue",
    "assertEquals": "assertEqual",
    "assertNotEquals": "assertNotEqual",
    "assertAlmostEquals": "assertAlmostEqual",
    "assertNotAlmostEquals": "assertNotAlmostEqual",
    "assertRaisesRegexp": "assertRaisesRegex",
    "assertRegexpMatches": "assertRegex",
    "assertNotRegexpMatches": "assertNotRegex",
}


def restore() -> None:
    """Add what is missing to TestCase."""
    for old, new in _NEW_NAMES.items():
        if not hasattr(unittest.TestCase, old):
            setattr(unittest.TestCase, old, getattr(unittest.TestCase, new))
    if not hasattr(unittest.TestCase, "assertDictContainsSubset"):
        setattr(unittest.TestCase, "assertDictContainsSubset", _contains_subset)  # noqa: B010 (mypy knows better)


def _contains_subset(
    self: unittest.TestCase, subset: Mapping[Any, Any], dictionary: Mapping[Any, Any], msg: object = None
) -> None:
    self.assertEqual({**dictionary, **subset}, {**dictionary}, msg)  # noqa: PT009 (this is no test)
