"""Compare verdicts with the official evaluator's: ``python benchmarks/verdicts.py --data <folder with JSONL files>``.

The same programs go through the official `untrusted_check` (bigcodebench 0.2.5) and through ours, in the same
execution environment: the ground truths, wrong or odd solutions derived from them, and the samples of files
(``--samples``). Prints the share with the same status and each difference. Takes an hour on two cores.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import official
from tqdm import tqdm

from bigcodebench_tasks.benchmark.dataset import canonical_program
from bigcodebench_tasks.benchmark.known_tasks import REFERENCE_TIMES
from bigcodebench_tasks.benchmark.sanitize import calibrate
from bigcodebench_tasks.execution import Engine, Program, Verdict, machine
from bigcodebench_tasks.execution.prepare import prepare

Task = Mapping[str, str]
Change = Callable[[ast.FunctionDef, random.Random], bool]

# Inserted as the first statement of task_func.
FIRST_STATEMENTS = {
    "raises": "raise ValueError('no')",
    "raises BaseException": "raise KeyboardInterrupt",
    "returns early": "return None",
    "calls a host": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)",
    "resolves a name": "import socket; socket.gethostbyname('example.com')",
    "writes a file": "open('left-behind.txt', 'w').write('x' * 1000)",
    "writes to /tmp": "open('/tmp/left-behind.txt', 'w').write('x' * 1000)",
    "changes the folder": "import os; os.mkdir('other'); os.chdir('other')",
    "exits": "import sys; sys.exit(0)",
    "calls exit()": "exit(0)",
    "reads standard input": "input()",
    "prints much": "print('x' * 5_000_000)",
    "recurses": "return task_func(*(None,) * task_func.__code__.co_argcount)",
    "takes 1 GB": "taken = bytearray(1 << 30)",
    "starts a program": "import subprocess; subprocess.run(['echo', 'hello'], check=True)",
    "leaves a thread": "import threading, time; threading.Thread(target=time.sleep, args=(1,)).start()",
    "warns": "import warnings; warnings.warn('careful')",
}
# Each costs the whole time limit of 240 s, in the official pool also a worker for that long.
ENDLESS = {"loops": "while True: pass", "sleeps": "import time; time.sleep(10_000)"}


def function_of(tree: ast.Module) -> ast.FunctionDef:
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "task_func")


def drop_statement(function: ast.FunctionDef, rng: random.Random) -> bool:
    blocks = [
        block
        for node in ast.walk(function)
        for name in ("body", "orelse", "finalbody")
        if isinstance(block := getattr(node, name, None), list) and len(block) > 1
    ]
    if blocks:
        block = rng.choice(blocks)
        del block[rng.randrange(len(block))]
    return bool(blocks)


OTHER_OPERATOR: dict[type, type[ast.operator] | type[ast.cmpop]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
}


def swap_operator(function: ast.FunctionDef, rng: random.Random) -> bool:
    found: list[ast.BinOp | ast.Compare] = [
        node
        for node in ast.walk(function)
        if (isinstance(node, ast.BinOp) and type(node.op) in OTHER_OPERATOR)
        or (isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER_OPERATOR)
    ]
    if found:
        node = rng.choice(found)
        if isinstance(node, ast.BinOp):
            node.op = OTHER_OPERATOR[type(node.op)]()  # type: ignore[assignment]
        else:
            node.ops[0] = OTHER_OPERATOR[type(node.ops[0])]()  # type: ignore[call-overload]
    return bool(found)


def _returns(function: ast.FunctionDef) -> list[ast.Return]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def return_text(function: ast.FunctionDef, rng: random.Random) -> bool:
    found = _returns(function)
    for node in found:
        node.value = ast.Call(ast.Name("str", ast.Load()), [node.value or ast.Constant(None)], [])
    return bool(found)


def return_tuple(function: ast.FunctionDef, rng: random.Random) -> bool:
    found = _returns(function)
    for node in found:
        node.value = ast.Tuple([node.value or ast.Constant(None)], ast.Load())
    return bool(found)


def print_instead(function: ast.FunctionDef, rng: random.Random) -> bool:
    class Printing(ast.NodeTransformer):
        def visit_Return(self, node: ast.Return) -> ast.AST:
            return ast.Expr(ast.Call(ast.Name("print", ast.Load()), [node.value or ast.Constant(None)], []))

    found = bool(_returns(function))
    Printing().visit(function)
    return found


def other_exception(function: ast.FunctionDef, rng: random.Random) -> bool:
    found = [node for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc is not None]
    for node in found:
        node.exc = ast.Call(ast.Name("LookupError", ast.Load()), [], [])
    return bool(found)


def other_constant(function: ast.FunctionDef, rng: random.Random) -> bool:
    found = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and type(node.value) in (int, str) and node.value not in ("", 0)
    ]
    if found:
        node = rng.choice(found)
        node.value = node.value + 1 if isinstance(node.value, int) else f"{node.value!s}x"
    return bool(found)


CHANGES: dict[str, Change] = {
    "a statement dropped": drop_statement,
    "an operator swapped": swap_operator,
    "returns text": return_text,
    "returns a tuple": return_tuple,
    "prints instead of returning": print_instead,
    "raises another exception": other_exception,
    "another constant": other_constant,
}


def derived(task: Task, kind: str, rng: random.Random) -> str | None:
    """A wrong or odd solution of this kind; None where it is not to be had from this task."""
    code = canonical_program(task)
    if kind == "syntax error":
        return code.replace("def task_func(", "def task_func((", 1)
    if kind == "cut off":
        return code[: len(code) - rng.randrange(1, 120)]
    if kind == "imports missing":  # not calibrated, or the prompt's imports would serve
        return "\n".join(line for line in code.split("\n") if not line.startswith(("import ", "from ")))
    if kind == "does not load":
        return "import a_module_that_is_not_there\n" + code
    if kind == "wrong name":
        return code.replace("task_func", "other_func")
    tree = ast.parse(code)
    function = function_of(tree)
    if kind in CHANGES:
        if not CHANGES[kind](function, rng):
            return None
    else:
        statement = FIRST_STATEMENTS.get(kind) or ENDLESS[kind]
        function.body[:0] = ast.parse(f"def f():\n    {statement}").body[0].body  # type: ignore[attr-defined]
    return ast.unparse(ast.fix_missing_locations(tree))


KINDS = ["syntax error", "cut off", "imports missing", "does not load", "wrong name", *CHANGES, *FIRST_STATEMENTS]


def programs(tasks: list[Task], count: int, seed: int) -> Iterator[tuple[str, Program]]:
    """(kind, program): `count` derived solutions, of all kinds in turn, of tasks that do not take long."""
    rng = random.Random(seed)
    quick = [task for task in tasks if task["task_id"] not in REFERENCE_TIMES]
    order = rng.sample(quick, len(quick))
    done = 0
    for number in range(10 * count):
        task, kind = order[number % len(order)], KINDS[number % len(KINDS)]
        text = derived(task, kind, rng)
        if text is not None:
            solution = text if kind == "imports missing" else calibrate(text, task["code_prompt"])
            yield kind, Program(task["task_id"], solution, task["test"])
            done += 1
        if done == count:
            break
    for kind in ENDLESS if count else ():
        task = rng.choice(quick)
        yield (
            kind,
            Program(task["task_id"], calibrate(derived(task, kind, rng) or "", task["code_prompt"]), task["test"]),
        )


def from_file(file: Path, tasks: dict[str, Task]) -> Iterator[tuple[str, Program]]:
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line:
            sample = json.loads(line)
            task = tasks[sample["task_id"]]
            yield file.name, Program(task["task_id"], calibrate(sample["solution"], task["code_prompt"]), task["test"])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python benchmarks/verdicts.py --data data --count 200 --no-ground-truth"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench-v0.1.4.jsonl.gz")
    parser.add_argument("--count", type=int, default=1600, help="derived solutions (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-ground-truth", action="store_true", help="leave the ground truths out")
    parser.add_argument("--samples", type=Path, action="append", default=[], help="JSONL of task_id and solution")
    parser.add_argument("--workers", type=int, help="default: the cores")
    parser.add_argument("--out", type=Path, help="write every pair of verdicts there, as JSON")
    options = parser.parse_args()
    with gzip.open(options.data / "BigCodeBench-v0.1.4.jsonl.gz", "rt", encoding="utf-8") as lines:
        tasks: list[Task] = [json.loads(line) for line in lines]
    by_id = {task["task_id"]: task for task in tasks}
    chosen: list[tuple[str, Program]] = list(programs(tasks, options.count, options.seed))
    for file in options.samples:
        chosen += from_file(file, by_id)
    if not options.no_ground_truth:
        chosen += [
            ("ground truth", Program(t["task_id"], calibrate(canonical_program(t), t["code_prompt"]), t["test"]))
            for t in tasks
        ]
    prepared = prepare()
    environment = prepared.environment
    workers = machine.workers(options.workers)
    with Engine(environment, prepared.conditions, workers=workers) as engine:
        verdicts = engine.map(program for _, program in chosen)
        ours = list(tqdm(verdicts, total=len(chosen), desc="Ours", disable=not sys.stderr.isatty()))
    theirs = official.evaluate([program for _, program in chosen], environment, workers)
    report(chosen, ours, theirs)
    if options.out:
        rows = [
            {
                "kind": kind,
                "task_id": program.task_id,
                "solution": program.solution,
                "official": status,
                "official_details": details,
                "ours": verdict.to_dict(),
            }
            for (kind, program), verdict, status, details in zip(
                chosen, ours, theirs.statuses, theirs.details, strict=True
            )
        ]
        options.out.write_text(json.dumps(rows))
    return 0


def report(chosen: list[tuple[str, Program]], ours: list[Verdict], theirs: official.OfficialRun) -> None:
    pairs = list(zip(chosen, ours, theirs.statuses, strict=True))
    every = Counter(kind for kind, _ in chosen)
    same = Counter(kind for (kind, _), verdict, status in pairs if verdict.status == status)
    print("| programs | number | same status | different |\n| --- | ---: | ---: | ---: |")
    for kind, number in every.items():
        print(f"| {kind} | {number} | {same[kind]} | {number - same[kind]} |")
    total, alike = len(pairs), same.total()
    print(f"| all | {total} | {alike} ({100 * alike / total:.2f}%) | {total - alike} |")
    print("\n| program | official | ours | details |\n| --- | --- | --- | --- |")
    for index, ((kind, program), verdict, status) in enumerate(pairs):
        if verdict.status != status:
            details = {**theirs.details[index], **verdict.details}
            last = [text.strip().splitlines()[-1][:150] for text in details.values() if text.strip()]
            print(
                f"| {kind}, {program.task_id} | {status} | {verdict.status}, {verdict.reason} | {'; '.join(last[:2])} |"
            )


if __name__ == "__main__":
    sys.exit(main())
