"""The official evaluator (PyPI ``bigcodebench==0.2.5``) on our programs, for comparisons in the same run.

It runs in our execution environment, so that a difference is one of evaluators and not of libraries, and in
namespaces with a private, mostly read-only view of the machine, because it isolates nothing itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uv
from tqdm import tqdm

from bigcodebench_tasks.execution import Environment, Program
from bigcodebench_tasks.files import cache_folder

PACKAGE = "bigcodebench==0.2.5"
HERE = Path(__file__).resolve().parent

# A root of its own: the top-level folders read-only, homes and temporary folders empty and writable, as the
# official evaluator expects to find them. What it needs is bound at its own place.
_VIEW = r"""
set -e
view=/mnt; mount --make-rprivate /; mount -t tmpfs none "$view"
for top in /*; do
    name=${top#/}
    case $name in proc|sys|dev|tmp|root|home|mnt|lost+found) mkdir -p "$view/$name";;
    *) if [ -L "$top" ]; then cp -P "$top" "$view/$name"
       elif [ -d "$top" ]; then mkdir "$view/$name"; mount --rbind "$top" "$view/$name"
           mount -o remount,bind,ro "$view/$name"; fi;;
    esac
done
mount --rbind /dev "$view/dev"; mount --rbind /sys "$view/sys"; mount -t proc proc "$view/proc"
mount -t tmpfs none "$view/var/tmp"; chmod 1777 "$view/tmp" "$view/var/tmp"
while [ "$1" != -- ]; do
    mkdir -p "$view$1"; mount --rbind "$1" "$view$1"; mount -o remount,bind,ro "$view$1"; shift
done
shift
cd "$view/tmp"
exec chroot "$view" "$@"
"""


def command(environment: Environment, words: Sequence[str | Path], **variables: str | Path) -> list[str]:
    """Command line that runs the execution environment's Python with the official package, confined.

    Args:
        words: what follows ``python``.
        variables: more environment variables; a value that is a path is shown inside, read-only.
    """
    package = install()
    base = subprocess.check_output([environment.python, "-c", "import sys; print(sys.base_prefix)"], text=True).strip()
    places = [base, environment.folder, package, HERE, *(v.parent for v in variables.values() if isinstance(v, Path))]
    shown = {
        # As in an activated environment: tasks call `python`.
        "PATH": f"{environment.python.parent}:{os.environ['PATH']}",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PYTHONPATH": package,
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    # With us dies what we started, also where we are killed.
    unshare = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount",
        "--net",
    ]
    inner = ["env", "-i", *(f"{name}={value}" for name, value in shown.items()), environment.python, *words]
    return [str(word) for word in (*unshare, "bash", "-c", _VIEW, "view", *places, "--", *inner)]


@dataclass
class OfficialRun:
    """What the official evaluator said: per program "pass", "fail" or "timeout", details and CPU; the whole cost.

    `ends_s`: seconds after the first program's start at which each had its status, in the order in which they had.
    """

    statuses: list[str] = field(default_factory=list)
    details: list[dict[str, str]] = field(default_factory=list)
    cpu_each_s: list[float] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0


def install() -> Path:
    """The official package in a folder of our cache, with those of its dependencies that evaluating needs."""
    folder = cache_folder() / "official-evaluator-0.2.5"
    if not (folder / "bigcodebench").is_dir():
        into = ["--target", str(folder), PACKAGE, "appdirs", "tempdir", "wget"]
        subprocess.run([uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", *into], check=True)
    return folder


def evaluate(programs: Sequence[Program], environment: Environment, workers: int) -> OfficialRun:
    """Judge the programs with the official `untrusted_check`.

    Raises:
        RuntimeError: the evaluator ended early; the message holds its last words.
    """
    run = OfficialRun([""] * len(programs), [{} for _ in programs], [0.0] * len(programs))
    with (
        subprocess.Popen(
            command(environment, [HERE / "official_worker.py", str(workers)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        tqdm(total=len(programs), desc="Official evaluator", disable=not sys.stderr.isatty()) as bar,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        json.dump([[program.solution, program.test] for program in programs], process.stdin)
        process.stdin.close()
        for line in process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "index" in message:
                run.statuses[message["index"]] = message["status"]
                run.details[message["index"]] = message["details"]
                run.cpu_each_s[message["index"]] = message["cpu_s"]
                run.ends_s.append(message["after_s"])
                bar.update()
            else:
                run.wall_s, run.cpu_s = message["wall_s"], message["cpu_s"]
    if not run.wall_s:
        raise RuntimeError(f"the official evaluator ended early, with exit status {process.returncode}")
    return run
