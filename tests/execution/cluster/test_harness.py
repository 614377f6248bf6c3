"""A cluster as users ask for one: an option of the task, and an argument of ``evaluate``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM

from bigcodebench_tasks.benchmark import dataset
from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.errors import ClusterUnavailable
from bigcodebench_tasks.results import read
from tests.execution.cluster.conftest import Nodes
from tests.helpers import harness
from tests.helpers.official_files import write_samples

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]


class RayLoader(harness.FakeModel):
    """A loader that generates with Ray in this process, and shuts that down when it is done, as lm-eval's vLLM does."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        import ray

        ray.init(self._address, log_to_driver=False)
        answer = ray.remote(lambda row: row["canonical_solution"]).options(num_cpus=0)
        answers = [str(text) for text in ray.get([answer.remote(dict(request.doc)) for request in requests])]
        for request, text in zip(requests, answers, strict=True):
            self.cache_hook.add_partial("generate_until", request.args, text)
        ray.shutdown()
        return answers


def evaluate(model: LM, **options: Any) -> Any:
    return harness.evaluate(model, harness.COMPLETE, options={"cache": False, **options}, limit=4)


@pytest.mark.parametrize("head_start", [True, False])
def test_a_loader_that_shuts_ray_down_takes_nothing_from_us(
    head_start: bool, nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        results = evaluate(RayLoader(nodes.address), cluster=nodes.address, head_start=head_start)
    assert results["results"][harness.COMPLETE]["pass@1,execute"] == 1.0
    run = harness.run_of(results, harness.COMPLETE)
    assert sum(node["programs"] for node in run["nodes"]) == 8, "four samples and their ground truth"
    assert [node["cores"] for node in run["nodes"]] == [node["cores"] for node in run["nodes"] if node["cores"] > 0]
    assert "programs run on 2 nodes of the Ray cluster" in caplog.text
    nodes.assert_nothing_runs()


def test_without_a_cluster_nothing_is_generated() -> None:
    with pytest.raises(ClusterUnavailable, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        evaluate(RayLoader("nowhere"), cluster="127.0.0.1:1")


def test_a_node_with_another_lock_is_named_and_the_results_name_the_others(
    nodes: Nodes, node: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node(BIGCODEBENCH_LOCK="current")
    words = [
        "--split",
        "complete",
        "--subset",
        "mini",
        "--ground-truth",
        "skip",
        "--no-cache",
        "--cluster",
        nodes.address,
    ]
    (task_id, *_) = [row["task_id"] for row in dataset.load_tasks(dataset.MINI, "v0.1.4")]
    file = write_samples(tmp_path / "b.jsonl", [{"task_id": task_id, "solution": "1 / 0"}])
    assert main(["evaluate", str(file), *words, "--selective-evaluate", task_id]) == 0
    said = capsys.readouterr().err
    assert "left out: the lock is current there (BIGCODEBENCH_LOCK) and official here" in said
    (evaluation,) = read.read_evaluations([tmp_path / "b_eval_results.json"])
    assert evaluation.run is not None
    assert sum(each.programs for each in evaluation.run.nodes or ()) == 1
