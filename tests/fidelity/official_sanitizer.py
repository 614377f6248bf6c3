"""The official sanitizer in a Python of its own, as a process that answers one input after the other."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import uv

PACKAGE = "bigcodebench==0.2.5"
WORKER = Path(__file__).with_name("official_sanitizer_worker.py")

# What `OfficialSanitizer.sanitize` answers for a crash of the official code. The decoding error is the parser's own,
# on some broken f-strings, seen in Python 3.13.
CRASHES = frozenset(
    f"<{name}>" for name in ("UnicodeEncodeError", "UnicodeDecodeError", "ValueError", "RecursionError", "TypeError")
)


class Unavailable(Exception):
    """The official package cannot be had here; the message says why."""


def install(folder: Path) -> Path:
    """A virtual environment with the official package, on the running Python; returns its interpreter.

    ``--no-deps``, and then only what `bigcodebench.sanitize` imports: the rest (vllm, torch, API clients) is
    gigabytes. tree-sitter comes in the versions that run here, since the comparison is of rules, not of grammars.
    """
    python = folder / "bin" / "python"
    ready = folder / "ready"
    versions = [f"{name}=={importlib.metadata.version(name)}" for name in ("tree-sitter", "tree-sitter-python")]
    wanted = " ".join([PACKAGE, sys.version, *versions])
    if ready.is_file() and ready.read_text() == wanted:
        return python
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    pip = ["pip", "install", "--quiet", "--python", str(python)]
    _uv(*pip, "--no-deps", PACKAGE)
    _uv(*pip, *versions, "pqdm", "tqdm", "termcolor", "tempdir", "wget", "appdirs")
    ready.write_text(wanted)
    return python


def _uv(*arguments: str) -> None:
    done = subprocess.run([uv.find_uv_bin(), *arguments], stderr=subprocess.PIPE, text=True, timeout=600)
    if done.returncode != 0:
        raise Unavailable(f"uv {arguments[0]} failed: {done.stderr.strip()[-500:]}")


class OfficialSanitizer:
    """Calls the official functions. A crash there comes back as the name of the exception, in angle brackets."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [python, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
        )

    def __enter__(self) -> OfficialSanitizer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def sanitize(self, text: str, entry_point: str | None) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([text, entry_point]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the official sanitizer's process died"
        output = json.loads(answer)
        assert isinstance(output, str)
        return output
