"""What our line in site-packages adds to the start of an unrelated Python process. Claim: under 1 ms.

    python benchmarks/startup.py [--runs 200]

Starts this interpreter without site-packages, again and again; each process times what `site` would do with
our .pth line and prints it. The time of a whole start is printed beside it, for scale.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import bigcodebench_tasks

PTH = Path(sysconfig.get_paths()["purelib"], "bigcodebench_tasks.pth")

# `os` is what `site` has imported by the time it reads .pth files.
PROGRAM = """\
import os, sys, time
sys.path.append({folder!r})
begin = time.perf_counter()
exec({line!r})
print(1e3 * (time.perf_counter() - begin))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="processes started (default 200)")
    runs = parser.parse_args().runs
    if not PTH.is_file():
        sys.exit(f"{PTH} is not there: install bigcodebench-tasks into this Python first")

    folder = str(Path(bigcodebench_tasks.__file__).parent.parent)
    program = PROGRAM.format(folder=folder, line=PTH.read_text())
    line_ms, start_ms = [], []
    for _ in range(runs):
        begin = time.perf_counter()
        done = subprocess.run([sys.executable, "-S", "-c", program], check=True, capture_output=True, text=True)
        start_ms.append(1e3 * (time.perf_counter() - begin))
        line_ms.append(float(done.stdout))
    print(f"our line:      median {statistics.median(line_ms):.2f} ms, worst {max(line_ms):.2f} ms of {runs} starts")
    print(f"a whole start: median {statistics.median(start_ms):.2f} ms")


if __name__ == "__main__":
    main()
