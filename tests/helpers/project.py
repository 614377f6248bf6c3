"""Names that several test modules import: where the project is, and what running the harness gives."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

LmEval = Callable[..., "subprocess.CompletedProcess[str]"]
"""The fixture `lm_eval`: runs the real command line."""

GROUND_TRUTH = ("run", "--model", "bigcodebench-ground-truth", "--confirm_run_unsafe_code")
"""Words after ``lm_eval`` that answer every task with its canonical solution."""

starts_processes = pytest.mark.usefixtures("processes")
"""For tests that start processes or open connections without a fixture that does: they are not `unit`."""
