"""The harness's view of BigCodeBench: one task class, configured by the files in ``yaml/``."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import ConfigurableTask

from bigcodebench_tasks import TASKS_PATH, __version__
from bigcodebench_tasks.benchmark import dataset, prompts
from bigcodebench_tasks.benchmark.domains import DOMAINS, domains_of
from bigcodebench_tasks.benchmark.response_parser import writable
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution.verdict import headline
from bigcodebench_tasks.harness.generation_settings import GenerationSettings
from bigcodebench_tasks.harness.ground_truth_model import GroundTruthLM
from bigcodebench_tasks.harness.loader import Loader
from bigcodebench_tasks.harness.responses import Responses
from bigcodebench_tasks.harness.run import HarnessRun, TaskInRun, by_row, responses_of
from bigcodebench_tasks.harness.workarounds import hide_unequal_counts, metadata_problems
from bigcodebench_tasks.options import KEY, Options
from bigcodebench_tasks.scoring.evaluate import Evaluator
from bigcodebench_tasks.scoring.pass_at_k import pass_at_k
from bigcodebench_tasks.scoring.records import RUN_KEY, RecordText, RunRecord, SampleRecord
from bigcodebench_tasks.scoring.saved_responses import evaluate_words
from bigcodebench_tasks.scoring.summary import summary

log = logging.getLogger("bigcodebench_tasks")

FILTER_NAME = "execute"
"""Name of the filter in the harness's table and logs."""

DOMAIN_METRICS = [f"pass@1_{domain.lower()}" for domain in DOMAINS]
"""Metrics of the option ``domains``: pass@1 of the tasks of each domain."""

_REPLACED = {
    "doc_to_text": "instruction_prefix",
    "doc_to_target": "response_prefix",
    "gen_prefix": "response_prefix",
    "repeats": "n_samples",
}
"""Keys of the harness's task files that have no effect here, and the option to use."""


class BigCodeBenchTask(ConfigurableTask):
    """One split of one subset of BigCodeBench.

    A YAML file configures it, with these keys beside the harness's own:

    - ``class``, which names this class;
    - ``split``: "complete" or "instruct";
    - ``direct_completion_until``: the stop strings that direct completion adds;
    - ``task_ids``, for a custom subset: a list.

    Options come from ``metadata["bigcodebench"]``, where the harness puts ``--metadata``.

    The harness calls, in this order:

    1. the constructor, which reads the options and loads the dataset (lm-eval 0.5 loads it later);
    2. `build_all_requests`, before generation: decides how the model is asked, prepares the execution environment;
    3. `apply_filters`, after generation: sanitizes and executes the responses;
    4. `process_results`, which makes the metrics of a row;
    5. `dump_config`, which adds what the scores depend on to the results.

    Only public names of lm-eval are used. Comments name the releases that differ.

    Raises:
        OptionError: from the constructor.
        DatasetError: from the constructor; with lm-eval 0.5 from `build_all_requests`.
        PromptError, ExecutionEnvironmentError, SandboxUnavailable: from `build_all_requests`.
    """

    UNSAFE_CODE = True  # lm-eval 0.5.0.dev1 reads this, and not the key `unsafe_code` of the YAML file

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = dict(config)
        name = settings["task"]
        settings.pop("class", None)
        self._split: prompts.Split = settings.pop("split")
        self._direct_stops: list[str] = settings.pop("direct_completion_until")
        self._task_ids: list[str] | None = settings.pop("task_ids", None)
        for key in _REPLACED.keys() & settings.keys():
            raise OptionError(f"{name}: the key {key!r} has no effect. Use the option {_REPLACED[key]!r} of {KEY!r}")
        generation = {"until": _default_stops(), **settings.get("generation_kwargs", {})}
        settings["generation_kwargs"] = generation
        self._base_stops: list[str] = list(generation["until"])
        self._base_limit: int | None = generation.get("max_gen_toks")
        metadata = settings.get("metadata") or {}
        self._chosen = self._options = Options.resolve(metadata.get(KEY))
        self._prefill_requested = "prefill" in (metadata.get(KEY) or {}) and self._options.prefill
        for problem in metadata_problems(metadata):
            log.warning("[%s] %s", name, problem)
        # Known in `build_all_requests`:
        self._mode: prompts.Mode = "direct" if self._split == "complete" else "chat"
        self._renders_templates = False
        self._settings: GenerationSettings | None = None
        self._record: RunRecord | None = None
        self._run: HarnessRun | None = None
        self._in_run: TaskInRun | None = None

        self._predict_only = False
        self._example_seed: int | None = None
        if self._options.domains:
            hide_unequal_counts(name)
        if self._options.version and settings["dataset_path"] != dataset.MINI:
            settings["test_split"] = self._options.version
        # Few-shot examples come from the same split; if it is named, the harness leaves out the task that is asked.
        settings["fewshot_split"] = settings["test_split"]
        settings["repeats"] = self._options.n_samples
        # The result's name in lm-eval 0.5; earlier releases take it from `apply_filters`.
        settings["filter_list"] = [{"name": FILTER_NAME, "filter": []}]
        # The harness's loggers ask every sample for every metric of this list. It is set after the constructor, which
        # would look for functions of these names in the harness and on the Hub.
        possible = pass_at_k([False] * self._options.n_samples)
        metrics = [entry for entry in settings.pop("metric_list") if entry["metric"] in possible]
        self._metrics = [entry["metric"] for entry in metrics] + (DOMAIN_METRICS if self._options.domains else [])
        super().__init__(config=settings)
        self.set_config("metric_list", metrics)

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_unused: Any) -> None:
        version = self.config.test_split
        tasks = dataset.load_tasks(self.config.dataset_path, version)
        if self._task_ids is not None:
            tasks = dataset.select(tasks, self._task_ids)
        self.dataset: dict[str, datasets.Dataset] = {version: tasks}

    # -- prompts -------------------------------------------------------------------------------------

    def doc_to_text(self, doc: Mapping[str, str], doc_to_text: Any = None) -> str:
        return prompts.question(doc, self._split, self._mode, self._options)

    def doc_to_target(self, doc: Mapping[str, str], doc_to_target: Any = None) -> str:
        return prompts.reference_answer(doc, self._split, self._mode, self._options)

    def doc_to_prefix(self, doc: Mapping[str, str]) -> str | None:
        if self._mode == "chat" and self._renders_templates and self._options.prefill:
            return prompts.prefilled_turn(self._options)
        return None

    def fewshot_context(self, doc: dict[str, Any], num_fewshot: int, **kwargs: Any) -> Any:
        kwargs["gen_prefix"] = self.doc_to_prefix(doc)  # lm-eval 0.5 does not ask for it
        context = super().fewshot_context(doc, num_fewshot, **kwargs)
        return context[: context.rindex(prompts.ANSWER_MARK)] if kwargs["gen_prefix"] else context

    def construct_requests(self, doc: dict[str, Any], ctx: Any, **kwargs: Any) -> list[Instance]:
        assert self._settings is not None
        requests = self._settings.requests()
        repeats = self._options.n_samples if len(requests) == 1 else 1
        described: dict[str, Any]
        if "metadata" in kwargs:  # up to lm-eval 0.4: the task's name, the row's number and the repeats
            described = {"metadata": (*kwargs["metadata"][:2], repeats)}
        else:
            described = {
                "task_name": self.task_name,
                "doc_id": kwargs["doc_id"],
                "repeats": repeats,
                "target": self.doc_to_target(doc),
            }
        return [
            Instance(request_type="generate_until", doc=doc, arguments=(ctx, each), idx=number, **described)
            for number, each in enumerate(requests)
        ]

    def build_all_requests(
        self,
        *,
        apply_chat_template: bool = False,
        chat_template: Callable[..., Any] | None = None,
        tokenizer_name: str = "",
        **kwargs: Any,
    ) -> Any:
        if not apply_chat_template:
            chat_template = None
        if chat_template is None and self._split == "instruct" and GroundTruthLM.in_use():
            self._mode = "chat"  # that model reads the task, not the prompt, so it needs no template
        else:
            self._mode = prompts.resolve_mode(self._split, self._chosen, chat_template)
        settings = self._resolve_settings(chat_template)
        evaluator = self._prepare()
        self._record = self._new_record(settings, evaluator, bool(kwargs.get("system_instruction")))
        if self._mode == "direct":
            chat_template = None
        self._renders_templates = chat_template is not None
        # The harness keys its cache of requests by task name, shots and tokenizer. These requests also depend on:
        key = [__version__, self._mode, self._options.to_dict(), settings.requests(), self._record.dataset_sha256]
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        built = super().build_all_requests(
            apply_chat_template=chat_template is not None,
            chat_template=chat_template,
            tokenizer_name=f"{tokenizer_name}-{digest}",
            **kwargs,
        )
        # A head start leaves its verdicts in the cache; nodes of a cluster run nothing while the model generates.
        ahead = self._options.head_start and self._options.cache and evaluator is not None
        self._in_run = TaskInRun(
            name=self.config.task or "",
            evaluator=evaluator,
            responses=Responses(self.config.task or "", settings.parser()),
            requests=self.instances,
            evaluate=evaluate_words(self._split, self.config.dataset_path, self._options),
            head_start=ahead and evaluator is not None and evaluator.cluster is None,
        )
        self._run = HarnessRun.join(self._in_run)
        return built

    def _resolve_settings(self, chat_template: Callable[..., Any] | None) -> GenerationSettings:
        """Decide how the model is asked, and log it."""
        self._settings = settings = GenerationSettings.resolve(
            self._split,
            self._mode,
            self._chosen,
            Loader(self.config.metadata or {}, chat_template),
            self.config.generation_kwargs,
            base=self._base_stops,
            direct=self._direct_stops,
            default_limit=self._base_limit,
            prefill_requested=self._prefill_requested,
        )
        self._options = settings.options
        if not GroundTruthLM.in_use():
            for serious, text in settings.notes():
                log.log(logging.WARNING if serious else logging.INFO, "[%s] %s", self.config.task, text)
        return settings

    def _prepare(self) -> Evaluator | None:
        """Check what scoring will need before the GPU hours, building the environment if it is missing."""
        if self._predict_only:
            return None
        # The ground-truth model's score is the ground truth.
        checks = False if GroundTruthLM.in_use() else None
        return Evaluator.prepare(self._options, checks_ground_truth=checks, task=self.config.task or "")

    def _new_record(
        self, settings: GenerationSettings, evaluator: Evaluator | None, system_instruction: bool
    ) -> RunRecord:
        shots = self.config.num_fewshot or 0
        others = {
            "examples": str(shots) if shots else "",
            "system instruction": "given" if system_instruction else "",
            "description": "given" if self.config.description else "",
        }
        prompting, differs = settings.prompting(**{name: value for name, value in others.items() if value})
        return RunRecord(
            split=self._split,
            subset=dataset.CUSTOM if self._task_ids is not None else dataset.subset_of(self.config.dataset_path),
            mode=self._mode,
            options=self._options,
            dataset_sha256=dataset.sha256(self.dataset[self.config.test_split]),
            conditions=None if evaluator is None else evaluator.prepared.conditions,
            seeds={
                "fewshot": self._example_seed,
                "generation": [each["seed"] for each in settings.requests() if "seed" in each] or None,
                "programs": "the task_id's SHA-256",
            },
            task_ids=self._task_ids,
            generation={name: value for name, value in settings.arguments().items() if name != "until"},
            prompting=prompting,
            differs=differs,
        )

    # -- results -------------------------------------------------------------------------------------

    def apply_filters(self) -> None:
        """Score all responses to the task on this rank; the harness calls it when the model is done."""
        records = self._score()
        for requests, samples in zip(by_row(self.instances), records, strict=True):
            rest = iter(samples)
            for request in requests:
                request.filtered_resps[FILTER_NAME] = [RecordText.of(next(rest)) for _ in responses_of(request)]
                # The harness cannot write lone surrogates.
                request.resps[:] = [writable(each if isinstance(each, str) else repr(each)) for each in request.resps]

    def _score(self) -> list[list[SampleRecord]]:
        """The records of the samples of each row.

        Raises:
            ExecutionFailed: the machinery that runs programs broke; nothing was scored.
        """
        assert self._run is not None
        assert self._in_run is not None
        assert self._record is not None
        evaluated = self._run.score(self._in_run)
        self._run = None
        responses = self._in_run.responses
        if not GroundTruthLM.in_use():
            responses.warn_of_equal_samples()
        records, stats = responses.annotate(evaluated.records)
        self._record = replace(self._record.scored(evaluated.truth, evaluated.nodes), responses=stats)
        if self._in_run.evaluator is not None:
            by_task = dict(zip((row["task_id"] for row in self._in_run.rows), records, strict=True))
            log.info("[%s] %s", self.config.task, summary(by_task, self._record, evaluated.seconds))
            if GroundTruthLM.in_use():
                self._log_failures(by_task)
        return records

    def _log_failures(self, records: Mapping[str, Sequence[SampleRecord]]) -> None:
        """Name the canonical solutions that fail, because they show what is wrong with this machine."""
        for task_id, samples in records.items():
            for sample in samples:
                if not sample.passed:
                    line = headline(sample.details, sample.reason)[:300]
                    log.warning("[%s] %s: ground truth gives %s: %s", self.config.task, task_id, sample.status, line)

    def process_results(self, doc: dict[str, Any], results: list[Any]) -> dict[str, float]:
        if self._predict_only:
            return {"bypass": 999}  # as the harness's metric, which lm-eval 0.5.0.dev1 cannot reduce
        # The row's samples; up to lm-eval 0.4 in a list that has one entry per request.
        texts: list[RecordText] = [text for each in results for text in (each if isinstance(each, list) else [each])]
        scores = pass_at_k([text.record.passed for text in texts])
        if self._options.domains and "pass@1" in scores:
            # A row has only the metrics of its own domains, so they are not in the list of metrics.
            scores |= {f"pass@1_{domain.lower()}": scores["pass@1"] for domain in domains_of(doc)}
        return scores

    def aggregation(self) -> Any:
        return super().aggregation() if self._predict_only else dict.fromkeys(self._metrics, mean)

    def higher_is_better(self) -> Any:
        return super().higher_is_better() if self._predict_only else dict.fromkeys(self._metrics, True)

    def override_metric(self, metric_name: str) -> None:
        """The harness's call for ``--predict_only``; its metric "bypass" measures nothing."""
        super().override_metric(metric_name)
        self._predict_only = True
        for scorer in getattr(self, "scorers", []):  # lm-eval 0.5 has made a new one and called it "none"
            scorer.name = FILTER_NAME

    def set_fewshot_seed(self, seed: int | None = None) -> None:
        super().set_fewshot_seed(seed)
        self._example_seed = seed

    def set_repeats(self, repeats: int) -> None:
        """The call of lm-eval 0.5 for ``--repeats``: refused, because the option decides more than the requests."""
        if repeats != self._options.n_samples:
            metadata = json.dumps({KEY: {"n_samples": repeats}})
            raise OptionError(f"--repeats does not work on {self.config.task}. Use --metadata '{metadata}'")

    def dump_config(self) -> dict[str, Any]:
        """The task's configuration for the results, with the record of the run."""
        config: dict[str, Any] = super().dump_config()
        if self._record is not None:
            config["metadata"] = {**config["metadata"], RUN_KEY: self._record.to_dict()}
        return config


def _default_stops() -> list[str]:
    """The stop strings of ``_base.yaml``, for a file that includes it and replaces ``generation_kwargs``."""
    lines = (Path(TASKS_PATH) / "_base.yaml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("class:"))  # its tag is lm-eval's
    yaml = importlib.import_module("yaml")  # by name: to mypy the folder `yaml` of a checkout is that module
    stops: list[str] = yaml.safe_load(text)["generation_kwargs"]["until"]
    return stops
