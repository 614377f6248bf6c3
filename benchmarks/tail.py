"""From the last answer to the table: ``python benchmarks/tail.py --data <folder> --seconds 400``.

A loopback chat server answers the ground truths of Hard in both splits, evenly over some seconds, through the harness's
real ``local-chat-completions`` loader and command line: with the head start, without it, and with all answers at once;
at last the model ``bigcodebench-ground-truth``, which has all answers at once and no server.
Each run has an empty cache of verdicts, so it is the first on its machine, the execution environment apart. Prints for
each the seconds from the last answer to the end of the harness's scoring, and whether all verdicts are the same.

What cannot be less: the longest program of Hard sleeps for 155 s, so a run whose answers come at once needs that.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bigcodebench_tasks.execution.prepare import prepare

SPLITS = ("complete", "instruct")
FILES = {"Hard": "BigCodeBench-Hard-v0.1.4.jsonl.gz", "Full": "BigCodeBench-v0.1.4.jsonl.gz"}


@dataclass
class Answers:
    """What the server answers, and when it did."""

    programs: dict[str, str]
    gap_s: float = 0.0
    last: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, question: str) -> str:
        with self._lock:  # one after the other, as one model answers
            time.sleep(self.gap_s)
            self.last = time.time()
        prompt = next((prompt for prompt in self.programs if prompt in question), None)
        return "I do not know." if prompt is None else f"```python\n{self.programs[prompt]}\n```"


class Handler(BaseHTTPRequestHandler):
    answers: Answers

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = self.answers.answer(body["messages"][-1]["content"])
        message = {"role": "assistant", "content": text}
        content = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


def tasks_of(folder: Path, subset: str) -> tuple[str, list[dict[str, str]]]:
    """The text of the dataset's file in `folder`, and its rows; `subset` is "Hard" or "Full"."""
    with gzip.open(folder / FILES[subset], "rt", encoding="utf-8") as lines:
        content = lines.read()
    return content, [json.loads(line) for line in content.split("\n") if line]


def programs_of(rows: list[dict[str, str]]) -> dict[str, str]:
    """What is asked, in either split, to the program that answers it."""
    programs = {}
    for row in rows:
        program = row["complete_prompt"] + row["canonical_solution"]
        programs[row["complete_prompt"].strip()] = programs[row["instruct_prompt"].strip()] = program
    return programs


def run(
    answers: Answers, file: Path, subset: str, head_start: bool, place: Path, served: bool
) -> tuple[float, dict[str, str]]:
    """Seconds from the last answer to the harness's end of scoring, and the verdict of each sample.

    Args:
        answers: of the server.
        file: the tasks.
        subset: their name.
        head_start: the option.
        place: an empty folder.
        served: ask the server; else the ground-truth model.
    """
    Handler.answers = answers
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = prepare().environment
    tasks = ",".join(f"bigcodebench{'_hard' if subset == 'Hard' else ''}_{split}" for split in SPLITS)
    address = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    loopback = ["local-chat-completions", "--apply_chat_template", "--model_args", f"model=loopback,base_url={address}"]
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model"),
        *(loopback if served else ["bigcodebench-ground-truth"]),
        *("--tasks", tasks, "--confirm_run_unsafe_code", "--log_samples", "--output_path", str(place)),
        *("--metadata", json.dumps({"bigcodebench": {"head_start": head_start}})),
    ]
    variables = {
        "BIGCODEBENCH_OVERRIDE_PATH": str(file),
        "BIGCODEBENCH_CACHE": str(place / "cache"),
        "BIGCODEBENCH_PYTHON": str(environment.python),
        "OPENAI_API_KEY": "none",
    }
    process = subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    scored, output = 0.0, []
    for line in process.stdout:
        output.append(line)
        if not served and "Running generate_until requests" in line:
            answers.last = time.time()
        if "samples of" in line and "tasks pass" in line:  # the summary of a task: the second one is the last
            scored = time.time()
    if process.wait():
        raise SystemExit("".join(output[-40:]))
    server.shutdown()
    server.server_close()
    return scored - answers.last, _verdicts(place)


def _verdicts(place: Path) -> dict[str, str]:
    verdicts = {}
    for log in place.rglob("samples_*.jsonl"):
        for line in log.read_text().split("\n"):
            if line:
                row: dict[str, Any] = json.loads(line)
                record = json.loads(row["filtered_resps"][0][0])
                verdicts[f"{log.name.partition('_20')[0]} {row['doc']['task_id']}"] = record["status"]
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python benchmarks/tail.py --data data --seconds 400",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with BigCodeBench[-Hard]-v0.1.4.jsonl.gz")
    parser.add_argument("--subset", choices=FILES, default="Hard", help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=400.0, help="that the answers take (default: %(default)s)")
    names = ["head start", "at once", "without", "ground truth"]
    parser.add_argument("--only", choices=names, action="append", help="default: all")
    options = parser.parse_args()
    content, rows = tasks_of(options.data, options.subset)
    gap_s = options.seconds / (len(rows) * len(SPLITS))
    ways = {
        "head start": (gap_s, True),
        "at once": (0.0, True),
        "without": (gap_s, False),
        "ground truth": (0.0, True),
    }
    seen: dict[str, dict[str, str]] = {}
    what = f"{options.subset}, both splits, {len(rows) * len(SPLITS)} answers"
    print(f"| {what} | from the last answer to the score | pass |")
    print("| --- | --- | --- |")
    for name, (gap, head_start) in ways.items():
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            file = place / "tasks.jsonl"
            file.write_text(content, encoding="utf-8")
            answers = Answers(programs_of(rows), gap)
            seconds, seen[name] = run(answers, file, options.subset, head_start, place, name != "ground truth")
        passed = list(seen[name].values()).count("pass")
        print(f"| {name}, answers over {gap * len(rows) * 2:.0f} s | {seconds:.0f} s | {passed} |", flush=True)
    first = next(iter(seen.values()))
    differing = {sample for verdicts in seen.values() for sample in first if verdicts.get(sample) != first[sample]}
    for sample in sorted(differing):
        print(f"{sample}: " + "; ".join(f"{name}: {verdicts.get(sample)}" for name, verdicts in seen.items()))
    print(f"{len(seen)} runs of {len(first)} samples: {len(differing)} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
