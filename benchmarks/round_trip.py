"""A submission's round trip: ``python benchmarks/round_trip.py EXPORTED.jsonl --tasks TASKS.jsonl --subset hard``.

Gives a samples file of ``bigcodebench-tasks export`` to the official ``bigcodebench.evaluate --execution local``
(0.2.5) and compares its score and statuses with the ``_eval_results.json`` beside the file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import official

from bigcodebench_tasks.execution.prepare import prepare
from bigcodebench_tasks.results.official_files import ResultFiles


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--tasks", type=Path, required=True, help="the dataset, as JSONL")
    parser.add_argument("--split", choices=["complete", "instruct"], default="complete")
    parser.add_argument("--subset", choices=["full", "hard"], default="hard")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    files = ResultFiles.of(given.samples)
    ours = json.loads(files.eval_results.read_text())["eval"]
    our_score = json.loads(files.pass_at_k.read_text())["pass@1"]
    words = [official.HERE / "official_evaluate.py", given.split, given.subset, str(given.workers)]
    variables = {"SAMPLES": given.samples.resolve(), "BIGCODEBENCH_OVERRIDE_PATH": given.tasks.resolve()}
    done = subprocess.run(
        official.command(prepare().environment, words, **variables), stdout=subprocess.PIPE, text=True, check=True
    )
    results, scores = (json.loads(line) for line in done.stdout.strip().split("\n")[-2:])
    differences = [
        (task_id, [sample["status"] for sample in samples], [sample["status"] for sample in ours[task_id]])
        for task_id, samples in results["eval"].items()
        if [sample["status"] for sample in samples] != [sample["status"] for sample in ours[task_id]]
    ]
    print(f"pass@1: official {scores['pass@1']:.4f}, ours {our_score:.4f}; {len(results['eval'])} tasks")
    for task_id, theirs, mine in differences:
        print(f"{task_id}: official {theirs}, ours {mine}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
