"""One run of the harness on several ranks: two real processes, which gather their results with torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.project import starts_processes

pytestmark = [pytest.mark.torch, starts_processes]

# Each rank answers with canonical solutions. Three rows make the second rank pad with a repeat of its last request.
PROGRAM = """\
import json, sys
import torch, torch.distributed as dist
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
from bigcodebench_tasks.harness.ground_truth_model import GroundTruthLM

rank, meeting, *arguments = sys.argv[1:]
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=2)

class OnRank(GroundTruthLM):
    rank = int(rank)
    world_size = 2
    device = torch.device("cpu")

    def all_gather(self, tensor):
        gathered = [torch.zeros_like(tensor) for _ in range(2)]
        dist.all_gather(gathered, tensor)
        return torch.stack(gathered)

    def gather_object(self, content, dst=0):
        gathered = [None, None] if self.rank == dst else None
        dist.gather_object(content, gathered, dst=dst)
        return gathered

    def barrier(self):
        dist.barrier()

results = simple_evaluate(
    OnRank(), tasks=["bigcodebench_mini_complete"], task_manager=TaskManager(include_defaults=False),
    limit=3, bootstrap_iters=0, confirm_run_unsafe_code=True, **json.loads(arguments[0]),
)
if results:
    (name,) = results["results"]
    logged = sorted(results["samples"][name], key=lambda sample: sample["doc_id"])
    print(json.dumps({
        "scores": results["results"][name],
        "run": results["configs"][name]["metadata"]["bigcodebench_run"]["mode"],
        "samples": [[text.record.status for text in sample["filtered_resps"][0]] for sample in logged],
        "rows": [sample["doc"]["task_id"] for sample in logged],
    }))
dist.destroy_process_group()
"""


@pytest.mark.parametrize(
    ("arguments", "metric", "score", "status"),
    [({}, "pass@1", 1.0, "pass"), ({"predict_only": True}, "bypass", 999, "not executed")],
)
def test_two_ranks_score_their_rows_and_the_first_reports_all_of_them(
    tmp_path: Path, arguments: dict[str, bool], metric: str, score: float, status: str
) -> None:
    words = [str(tmp_path / "meeting"), json.dumps(arguments)]
    ranks = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(rank), *words], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    try:
        said = [process.communicate(timeout=300)[0] for process in ranks]
    finally:
        for process in ranks:  # where one has failed, the other waits for it
            process.kill()
    assert [process.returncode for process in ranks] == [0, 0]
    reported = json.loads(said[0].splitlines()[-1])
    assert reported["scores"][f"{metric},execute"] == score
    assert reported["samples"] == [[status]] * 3
    assert reported["rows"] == [f"BigCodeBenchMini/{number}" for number in range(3)]
    assert reported["run"] == "direct"
    assert said[1] == ""
