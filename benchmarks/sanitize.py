"""How long sanitizing takes, and whether it still gives the official package's text.

    python benchmarks/sanitize.py                  # CPU time on long and awkward answers
    python benchmarks/sanitize.py --compare 30     # 30 minutes of random answers through the official package, too

The comparison installs bigcodebench from PyPI into --environment. Both need nothing else from outside, but use the
real solutions where ../shared has them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "fidelity")]

import answers  # noqa: E402
from official_sanitizer import CRASHES, OfficialSanitizer, install  # noqa: E402

from bigcodebench_tasks.benchmark.dataset import canonical_program  # noqa: E402
from bigcodebench_tasks.benchmark.sanitize import sanitize  # noqa: E402

Solution = tuple[str, str]  # program, entry point

WORDS = (
    "the model doesn't (see above) return a list, which we'd `sort` by key: value = x. I think that \"it\" is e.g. fine"
)


def solutions() -> list[Solution]:
    path = ROOT.parent / "shared" / "data" / "BigCodeBench-v0.1.4.jsonl.gz"
    if not path.is_file():
        return [
            ("import os\n\ndef task_func(x):\n    '''Do.'''\n    y = os.path(x)\n    return [y, (1, 2)]\n", "task_func")
        ]
    with gzip.open(path, "rt", encoding="utf8") as rows:
        tasks = [json.loads(row) for row in rows]
    return [(canonical_program(task), task["entry_point"]) for task in tasks]


def awkward_answers() -> dict[str, list[str]]:
    rng = random.Random(0)
    prose = [" ".join(rng.choice(WORDS.split()) for _ in range(12)) for _ in range(5000)]
    code = "\n".join(code for code, _ in solutions() * 200).split("\n")
    return {
        "400 lines: code": code[:400],
        "400 lines: prose, 250 of fenced code, prose": [*prose[:50], "```python", *code[:250], "```", *prose[50:150]],
        "code": code[:5000],
        "prose, 4,000 of fenced code, prose": [*prose[:500], "```python", *code[:4000], "```", *prose[500:1000]],
        "prose": prose,
        "a triple quote that stays open, prose": ['x = """', *prose],
        "a triple quote every tenth line": ['x = """' if i % 10 == 0 else line for i, line in enumerate(prose)],
        "a valid line, a line of prose, ...": ["x = 1", "some prose"] * 2500,
        "two valid lines, one of prose, ...": ["x = 1", "y = 2", "oh no"] * 1667,
        "a function with one bad line": ["def f():", *["    y = 2"] * 2500, "    oh no", *["    y = 2"] * 2500],
        "a list that stays open": ["data = [", *["(1, 'a', {}),"] * 5000],
        "brackets that stay open": ["x = ("] * 5000,
        "bullets with open brackets": ["- item (see", "  * more [in", "1. foo"] * 1667,
        "decorators": ["@x"] * 5000,
        "try without except": ["try:", *["    y = 2"] * 5000, "z = 3"],
        "JSON": ["{", *['  "a": {"b": [1, 2, 3]},'] * 5000],
        # Known to be slow: each line starts a statement of its own that ends at the last one.
        "brackets, all closed at the end": [*["x = ("] * 2500, *[")"] * 2500],
        "500 lines: one sum, broken in its last line": [*["x + \\"] * 499, "y y"],
        "500 lines: nothing but backslashes": ["\\"] * 500,
    }


def measure() -> None:
    print(f"Python {sys.version.split()[0]}, CPU time of sanitize()")
    for name, lines in awkward_answers().items():
        text = "\n".join(lines)
        seconds = []
        for _ in range(3):
            start = time.process_time()
            sanitize(text, "task_func")
            seconds.append(time.process_time() - start)
        print(f"{len(lines):6,d} lines {min(seconds) * 1000:8.0f} ms  {name}", flush=True)


def compare(minutes: float, environment: Path, seed: int) -> int:
    rng = random.Random(seed)
    known = [solution for solution in solutions() if solution[0].count("\n") < 60]
    count = crashes = differences = 0
    end = time.monotonic() + 60 * minutes
    with OfficialSanitizer(install(environment)) as official:
        while time.monotonic() < end:
            if rng.random() < 0.9:
                text, entry_point = answers.random_answer(rng), rng.choice(["f", "x", "A", ""])
            else:
                code, entry_point = rng.choice(known)
                text = answers.mutated(rng, rng.choice(list(answers.wrapped(code, entry_point).values())))
            theirs, ours = official.sanitize(text, entry_point), sanitize(text, entry_point)
            count += 1
            if theirs in CRASHES:
                crashes += 1
            elif theirs != ours:
                differences += 1
                print(f"DIFFERENT for {entry_point}\n  text     {text!r}\n  official {theirs!r}\n  ours     {ours!r}")
    print(f"Python {sys.version.split()[0]}, seed {seed}: {count} answers, {differences} differences, ", end="")
    print(f"{crashes} crashes of the official code")
    return 1 if differences else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", type=float, metavar="MINUTES")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--environment", type=Path, default=ROOT / "out" / "official-sanitizer")
    options = parser.parse_args()
    if options.compare:
        return compare(options.compare, options.environment, options.seed)
    measure()
    return 0


if __name__ == "__main__":
    sys.exit(main())
