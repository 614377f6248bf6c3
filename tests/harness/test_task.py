"""The task in the real harness, in this process: what the model is asked, and what the options change."""

from __future__ import annotations

import inspect
import json
import logging
import re
from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.models.api_models import JsonChatStr
from lm_eval.tasks import TaskManager

from bigcodebench_tasks import TASKS_PATH
from bigcodebench_tasks.benchmark.dataset import MINI, load_tasks
from bigcodebench_tasks.benchmark.domains import domains_of
from bigcodebench_tasks.errors import DatasetError, OptionError, PromptError
from bigcodebench_tasks.execution.prepare import prepare
from bigcodebench_tasks.harness.ground_truth_model import GroundTruthLM
from bigcodebench_tasks.harness.task import BigCodeBenchTask
from bigcodebench_tasks.scoring.records import SampleRecord
from tests.helpers import harness
from tests.helpers.project import starts_processes


class Recorder(harness.FakeModel):
    """A model that keeps what it is asked and answers with nothing useful."""

    def __init__(self, answer: str = "pass\n") -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[tuple[Any, dict[str, Any]]] = []

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        self.requests += [request.args for request in requests]
        return [self.answer] * len(requests)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        # Trims messages, as the templates of Llama 3 do.
        text = "".join(f"<{turn['role']}>{turn['content'].strip()}</>" for turn in chat_history)
        return text + "<assistant>" if add_generation_prompt else text


class ChatServer(Recorder):
    """A loader of a chat server: its conversations are not text, but what the harness's API loaders make of them."""

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> Any:
        return JsonChatStr(json.dumps(chat_history))


def evaluate(model: LM, split: str = "complete", options: dict[str, Any] | None = None, **arguments: Any) -> Any:
    task = f"bigcodebench_mini_{split}"
    return harness.evaluate(model, task, options=options, **{"limit": 1, "predict_only": True} | arguments)


def asked(model: Recorder) -> Any:
    return model.requests[0][0]


def stops(model: Recorder) -> list[str]:
    until: list[str] = model.requests[0][1]["until"]
    return until


@pytest.fixture
def task() -> dict[str, str]:
    row: dict[str, str] = load_tasks(MINI, "v1")[0]
    return row


def test_a_base_model_completes_the_raw_prompt(task: dict[str, str]) -> None:
    model = Recorder()
    evaluate(model)
    assert asked(model) == task["complete_prompt"]
    assert "\ndef " in stops(model)
    assert "\nprint(" in stops(model)
    assert model.requests[0][1]["max_gen_toks"] == 1280


@pytest.mark.parametrize("split", ["complete", "instruct"])
def test_a_chat_model_is_prefilled_and_the_last_newline_survives_a_trimming_template(
    split: str, task: dict[str, str]
) -> None:
    model = Recorder()
    evaluate(model, split, apply_chat_template=True)
    prompt = task[f"{split}_prompt"].strip()
    body = f"```\n{prompt}\n```" if split == "complete" else prompt
    assert asked(model) == (
        "<user>Please provide a self-contained Python script that solves the following problem in a markdown "
        f"code block:\n{body}</><assistant>Below is a Python script with a self-contained function that solves "
        "the problem and passes corresponding tests:\n```python\n"
    )
    assert "\ndef " not in stops(model)


def test_prefill_can_be_turned_off() -> None:
    model = Recorder()
    evaluate(model, options={"prefill": False}, apply_chat_template=True)
    assert asked(model).endswith("</><assistant>")
    assert "Below is" not in asked(model)


def test_a_chat_server_gets_the_users_turn_alone() -> None:
    model = ChatServer()
    evaluate(model, "instruct", apply_chat_template=True)
    (turn,) = json.loads(asked(model).prompt)
    assert turn["role"] == "user"
    assert "Below is" not in turn["content"]
    assert stops(model) == ["<|endoftext|>"]


def test_direct_completion_ignores_the_chat_template(task: dict[str, str]) -> None:
    model = Recorder()
    evaluate(model, options={"direct_completion": True}, apply_chat_template=True)
    assert asked(model) == task["complete_prompt"]


def test_prefixes_are_options() -> None:
    model = Recorder()
    options = {"instruction_prefix": "Do:", "response_prefix": "```done"}
    evaluate(model, options=options, apply_chat_template=True)
    assert asked(model).startswith("<user>Do:\n```\n")
    assert asked(model).endswith("<assistant>```done\n```python\n")
    assert "\n```\n" in stops(model)


def test_instruct_without_a_chat_template_is_refused_before_generation() -> None:
    model = Recorder()
    with pytest.raises(PromptError, match="--apply_chat_template"):
        evaluate(model, "instruct")
    assert model.requests == []


def test_a_misspelt_option_is_refused_when_the_task_is_loaded() -> None:
    with pytest.raises(OptionError, match="n_smaples"):
        evaluate(Recorder(), options={"n_smaples": 2})


def test_few_shot_examples_are_other_tasks_with_their_answers(task: dict[str, str]) -> None:
    model = Recorder()
    evaluate(model, num_fewshot=2)
    assert asked(model).endswith(task["complete_prompt"])
    assert asked(model).count("def task_func(") == 3
    assert asked(model).count(task["complete_prompt"]) == 1


def test_few_shot_examples_in_chat_are_turns_with_fenced_answers() -> None:
    model = Recorder()
    evaluate(model, "instruct", num_fewshot=1, apply_chat_template=True, fewshot_as_multiturn=True)
    assert asked(model).count("<user>") == 2
    assert asked(model).count("```python\n") == 2
    assert asked(model).endswith("```python\n")


def test_a_system_instruction_comes_first() -> None:
    model = Recorder()
    evaluate(model, system_instruction="Be brief.", apply_chat_template=True)
    assert asked(model).startswith("<system>Be brief.</><user>Please")


def test_n_samples_asks_that_often_and_sampling_gets_the_official_top_p() -> None:
    model = Recorder()
    evaluate(model, options={"n_samples": 3}, gen_kwargs="do_sample=True,temperature=0.8")
    assert len(model.requests) == 3
    assert model.requests[0][1]["top_p"] == 0.95
    assert model.requests[0][1]["temperature"] == 0.8


def test_a_temperature_alone_means_sampling() -> None:
    model = Recorder()
    evaluate(model, gen_kwargs="temperature=0.5")
    assert model.requests[0][1]["do_sample"] is True


def test_several_greedy_samples_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        evaluate(Recorder(), options={"n_samples": 2})
    assert "decoding is greedy" in caplog.text


def test_stop_strings_of_the_user_win() -> None:
    model = Recorder()
    evaluate(model, gen_kwargs={"until": ["STOP"]})
    assert stops(model) == ["STOP"]


@pytest.mark.skipif(
    lm_eval.__version__ == "0.5.0.dev1",
    reason="--samples fails on every task in lm-eval 0.5.0.dev1, which takes a row's number for a place in the list",
)
def test_samples_picks_tasks() -> None:
    model = Recorder()
    results = evaluate(model, limit=None, samples={"bigcodebench_mini_complete": [2, 5]})
    logged = results["samples"]["bigcodebench_mini_complete"]
    assert [sample["doc"]["task_id"] for sample in logged] == ["BigCodeBenchMini/2", "BigCodeBenchMini/5"]


def test_predict_only_sanitizes_and_executes_nothing() -> None:
    results = evaluate(Recorder("    return 1\n"))
    scores = results["results"]["bigcodebench_mini_complete"]
    assert {key: value for key, value in scores.items() if key.endswith(",execute") and "stderr" not in key} == {
        "bypass,execute": 999
    }
    (sample,) = results["samples"]["bigcodebench_mini_complete"]
    (text,) = sample["filtered_resps"][0]
    record = text.record
    assert isinstance(record, SampleRecord)
    assert SampleRecord.from_dict(json.loads(text)) == record
    assert not record.executed
    assert "def task_func" in record.solution
    assert record.response is not None
    assert record.response.endswith("    return 1\n")


def test_cached_requests_are_not_served_to_other_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lm_eval.caching.cache.PATH", str(tmp_path))  # else all sessions of one installation share it
    settings: dict[str, Any] = {"cache_requests": True, "rewrite_requests_cache": True, "apply_chat_template": True}
    evaluate(Recorder(), **settings)
    model = Recorder()
    evaluate(model, options={"prefill": False}, cache_requests=True, apply_chat_template=True)
    assert "Below is" not in asked(model)
    again = Recorder()
    evaluate(again, cache_requests=True, apply_chat_template=True)
    assert asked(again).endswith("```python\n")


def test_cached_responses_are_used_again(tmp_path: Path) -> None:
    cache = str(tmp_path / "responses")
    evaluate(Recorder(), use_cache=cache)
    again = Recorder()
    evaluate(again, use_cache=cache)
    assert again.requests == []


def test_the_results_say_what_the_score_depends_on() -> None:
    results = evaluate(Recorder(), apply_chat_template=True)
    run = harness.run_of(results, harness.COMPLETE)
    assert run["mode"] == "chat"
    assert len(run["dataset_sha256"]) == 64
    assert run["options"]["n_samples"] == 1


@starts_processes
def test_ground_truth_is_reported_once_executed_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare()  # before the cache moves, which holds the environment too
    monkeypatch.setattr("bigcodebench_tasks.scoring.evaluate.prepare", lambda *_: prepared)
    monkeypatch.setenv("BIGCODEBENCH_CACHE", str(tmp_path))
    results = evaluate(Recorder(), predict_only=False, limit=2)
    run = harness.run_of(results, harness.COMPLETE)
    assert run["ground_truth"] == {"pass_rate": 1.0, "failed": []}
    assert results["results"]["bigcodebench_mini_complete"]["pass@1,execute"] == 0.0
    assert run["conditions"] == prepared.conditions.to_dict()
    assert (tmp_path / "verdicts.sqlite").exists()
    again = evaluate(Recorder(), predict_only=False, limit=2)
    assert harness.run_of(again, harness.COMPLETE) == run


@starts_processes
def test_ground_truth_and_kept_verdicts_can_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare()
    monkeypatch.setattr("bigcodebench_tasks.scoring.evaluate.prepare", lambda *_: prepared)
    monkeypatch.setenv("BIGCODEBENCH_CACHE", str(tmp_path))
    options = {"ground_truth": "skip", "cache": False}
    results = evaluate(Recorder(), options=options, predict_only=False)
    run = harness.run_of(results, harness.COMPLETE)
    assert "ground_truth" not in run
    assert [path.name for path in tmp_path.iterdir()] == ["responses"]


@starts_processes
def test_domains_are_extra_metrics_only_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    name = "bigcodebench_mini_complete"
    asked_for = {"domains": True, "ground_truth": "skip"}
    results = evaluate(Recorder(), options=asked_for, predict_only=False, limit=3)
    metrics = {key for key in results["results"][name] if key.endswith(",execute") and "stderr" not in key}
    of_tasks = {domain for sample in results["samples"][name] for domain in domains_of(sample["doc"])}
    assert of_tasks
    assert metrics == {"pass@1,execute"} | {f"pass@1_{domain.lower()},execute" for domain in of_tasks}
    assert "same number of documents" not in caplog.text
    plain = evaluate(Recorder(), options={"ground_truth": "skip"}, predict_only=False)
    assert [key for key in plain["results"][name] if "," in key] == ["pass@1,execute", "pass@1_stderr,execute"]


def test_a_subset_of_ones_own_is_a_yaml_that_names_its_tasks(tmp_path: Path) -> None:
    base = (Path(TASKS_PATH) / "_base.yaml").read_text()
    own = "task: my_tasks\nsplit: complete\ntask_ids: [BigCodeBenchMini/5, BigCodeBenchMini/2]\n"
    (tmp_path / "my_tasks.yaml").write_text(
        base.replace("dataset_path: bigcode/bigcodebench", f"dataset_path: {MINI}") + own
    )
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    settings = {"predict_only": True, "confirm_run_unsafe_code": True, "bootstrap_iters": 0}
    results = simple_evaluate(Recorder(), tasks=["my_tasks"], task_manager=manager, **settings)
    assert [sample["doc"]["task_id"] for sample in results["samples"]["my_tasks"]] == [
        "BigCodeBenchMini/2",
        "BigCodeBenchMini/5",
    ]
    (tmp_path / "my_tasks.yaml").write_text((tmp_path / "my_tasks.yaml").read_text().replace("Mini/5", "Mini/99"))
    with pytest.raises(DatasetError, match="BigCodeBenchMini/99"):
        simple_evaluate(Recorder(), tasks=["my_tasks"], task_manager=manager, **settings)


def write_task(folder: Path, content: str) -> TaskManager:
    base = f"include: {TASKS_PATH}/bigcodebench_mini_complete.yaml\ntask: my_task\n"
    (folder / "my_task.yaml").write_text(base + content)
    return TaskManager(include_path=str(folder), include_defaults=False)


def evaluate_my_task(model: LM, folder: Path, content: str) -> Any:
    settings = {"predict_only": True, "confirm_run_unsafe_code": True, "bootstrap_iters": 0, "limit": 1}
    return simple_evaluate(model, tasks=["my_task"], task_manager=write_task(folder, content), **settings)


def test_a_file_that_replaces_the_generation_arguments_keeps_the_stop_strings(tmp_path: Path) -> None:
    model = Recorder()
    evaluate_my_task(model, tmp_path, "generation_kwargs: {max_gen_toks: 4096}\n")
    assert {"</s>", "\nprint(", "\ndef "} <= set(stops(model))
    assert model.requests[0][1]["max_gen_toks"] == 4096


@pytest.mark.parametrize(
    ("content", "option"),
    [("doc_to_text: 'Solve: {{instruct_prompt}}'\n", "instruction_prefix"), ("repeats: 3\n", "n_samples")],
)
def test_a_key_that_would_have_no_effect_is_refused_with_the_option_to_use(
    content: str, option: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=option):
        evaluate_my_task(Recorder(), tmp_path, content)


def test_a_description_is_a_difference_from_the_leaderboard(tmp_path: Path) -> None:
    model = Recorder()
    results = evaluate_my_task(model, tmp_path, "description: 'You are an expert. '\n")
    assert asked(model).startswith("You are an expert. ")
    run = harness.run_of(results, "my_task")
    assert (run["prompting"], run["differs"]) == ("custom", ["description: given"])


# -- lm-eval at arm's length -------------------------------------------------------------------------


def test_unsafe_code_is_refused_without_confirmation_before_the_model_is_asked() -> None:
    model = Recorder()
    with pytest.raises(ValueError, match="confirm_run_unsafe_code"):
        evaluate(model, confirm_run_unsafe_code=False)
    assert model.requests == []


@pytest.mark.skipif(
    "repeats" not in inspect.signature(simple_evaluate).parameters, reason="lm-eval before 0.5 has no --repeats"
)
def test_repeats_of_the_harness_are_refused_with_the_option_to_use() -> None:
    model = Recorder()
    with pytest.raises(OptionError, match=r'--metadata \'{"bigcodebench": {"n_samples": 3}}\''):
        evaluate(model, repeats=3)
    assert model.requests == []
    evaluate(model, repeats=2, options={"n_samples": 2})
    assert len(model.requests) == 2


def private_names(source: str) -> set[str]:
    """Names with one underscore that a class defines, sets or reads on itself."""
    return set(re.findall(r"\b(?:self\.|cls\.|def )(_[a-z]\w*)", source))


@pytest.mark.parametrize("ours", [BigCodeBenchTask, GroundTruthLM])
def test_no_private_name_of_lm_eval_is_used_or_overridden(ours: type) -> None:
    theirs = [cls for cls in ours.__mro__ if cls.__module__.startswith("lm_eval.")]
    assert theirs
    private = set().union(*(private_names(inspect.getsource(cls)) for cls in theirs))
    assert private & private_names(inspect.getsource(ours)) == set()


def test_no_private_module_of_lm_eval_is_imported() -> None:
    package = Path(inspect.getfile(BigCodeBenchTask)).parents[1]
    imports = [
        line
        for path in package.rglob("*.py")
        for line in re.findall(r"^\s*(?:from|import) lm_eval.*", path.read_text(), re.M)
    ]
    assert imports
    assert [line for line in imports if re.search(r"[. ]_[a-z]", line)] == []
