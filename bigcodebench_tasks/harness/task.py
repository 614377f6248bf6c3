"""The harness's view of BigCodeBench: one task class, configured by the files in ``yaml/``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import datasets
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import ConfigurableTask

from bigcodebench_tasks import __version__
from bigcodebench_tasks.benchmark import dataset, prompts
from bigcodebench_tasks.benchmark.domains import DOMAINS, domains_of
from bigcodebench_tasks.benchmark.response_parser import ParsedResponse, writable
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution.verdict import headline
from bigcodebench_tasks.harness.generation_settings import GenerationSettings
from bigcodebench_tasks.harness.ground_truth_model import GroundTruthLM
from bigcodebench_tasks.harness.loader import Loader
from bigcodebench_tasks.harness.responses import Responses, sample_of
from bigcodebench_tasks.harness.run import HarnessRun
from bigcodebench_tasks.options import KEY, Options, misplaced
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.scoring import saved_responses
from bigcodebench_tasks.scoring.evaluate import Evaluated, Evaluator, Sample
from bigcodebench_tasks.scoring.pass_at_k import pass_at_k
from bigcodebench_tasks.scoring.records import RUN_KEY, RunRecord, SampleRecord
from bigcodebench_tasks.scoring.summary import summary

# Below the harness's logger: its level and format apply, and nothing is lost where only that one is set up.
log = logging.getLogger("lm_eval.bigcodebench")

FILTER_NAME = "execute"
"""Name of the filter in the harness's table and logs."""

DOMAIN_METRICS = [f"pass@1_{domain.lower()}" for domain in DOMAINS]
"""What the option ``domains`` adds to the harness's table: pass@1 of the tasks of each domain."""


class BigCodeBenchTask(ConfigurableTask):
    """One split of one subset of BigCodeBench.

    Configured by a YAML file with these keys beside the harness's own: ``class``, which names this class,
    ``split`` ("complete" or "instruct"), ``direct_completion_until`` (the stop strings that direct completion
    adds) and, for a subset of one's own, ``task_ids`` (a list). Options come from ``metadata["bigcodebench"]``,
    where the harness puts ``--metadata``.

    The life of a task: the constructor reads the options and loads the dataset (lm-eval 0.5 puts that off until
    somebody looks at it); `build_all_requests`, before any generation, decides how the model is asked and
    prepares the execution environment; `apply_filters`, once all answers are there, has `score` sanitize and
    execute them; `process_results` makes numbers of the records of a row; `dump_config` says in the results what
    the numbers depend on.

    Only public names of lm-eval are used. Where its releases differ, a comment names them.

    Raises:
        OptionError: from the constructor.
        DatasetError: from the constructor; with lm-eval 0.5 from `build_all_requests`.
        PromptError, ExecutionEnvironmentError, SandboxUnavailable: from `build_all_requests`.
    """

    UNSAFE_CODE = True  # lm-eval 0.5.0.dev1 looks here, and not at the key `unsafe_code` of the YAML file

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = dict(config)
        settings.pop("class", None)
        self._split: prompts.Split = settings.pop("split")
        self._direct_stops: list[str] = settings.pop("direct_completion_until")
        self._task_ids: list[str] | None = settings.pop("task_ids", None)
        self._base_stops: list[str] = list(settings["generation_kwargs"]["until"])
        self._base_limit: int | None = settings["generation_kwargs"].get("max_gen_toks")
        metadata = settings.get("metadata") or {}
        self._chosen = self._options = Options.resolve(metadata.get(KEY))
        self._mode: prompts.Mode = "direct" if self._split == "complete" else "chat"
        self._renders_templates = False
        self._predict_only = False
        self._seed_of_shots: int | None = None
        self._evaluator: Evaluator | None = None  # none where nothing is executed
        self._record: RunRecord | None = None  # none before `build_all_requests`
        self._run: HarnessRun | None = None  # none without a head start
        self._asking: GenerationSettings | None = None  # none before `build_all_requests`
        self._responses: Responses | None = None
        for name in misplaced(metadata):
            log.warning(
                "[%s] %s is outside of the options of this task and has no effect there: write --metadata '%s'",
                settings["task"],
                name,
                json.dumps({KEY: {name.removeprefix(f"{KEY}."): metadata[name]}}, default=str),
            )

        if self._options.version and settings["dataset_path"] != dataset.MINI:
            settings["test_split"] = self._options.version
        # Few-shot examples come from the tasks themselves; naming their split makes the harness leave out
        # the task that is asked.
        settings["fewshot_split"] = settings["test_split"]
        settings["repeats"] = self._options.n_samples
        # Names our result in lm-eval 0.5; earlier releases take the name from what `apply_filters` writes.
        settings["filter_list"] = [{"name": FILTER_NAME, "filter": []}]
        # The harness's loggers ask every sample for every metric of this list. The constructor sees none: it would
        # look for functions of these names in the harness, and then on the Hub.
        possible = pass_at_k([False] * self._options.n_samples)
        metrics = [entry for entry in settings.pop("metric_list") if entry["metric"] in possible]
        self._metrics = [entry["metric"] for entry in metrics] + (DOMAIN_METRICS if self._options.domains else [])
        super().__init__(config=settings)
        self.set_config("metric_list", metrics)

    # -- data ----------------------------------------------------------------------------------------

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
        asked = self._asked().requests()
        repeats = self._options.n_samples if len(asked) == 1 else 1
        described: dict[str, Any]
        if "metadata" in kwargs:  # up to lm-eval 0.4: the task's name, the row's number and how often to ask
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
            for number, each in enumerate(asked)
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
            self._mode = "chat"  # that model reads the task, not the prompt: it needs no template to answer
        else:
            self._mode = prompts.resolve_mode(self._split, self._chosen, chat_template)
        self._decide_how_to_ask(chat_template, bool(kwargs.get("system_instruction")))
        if self._mode == "direct":
            chat_template = None
        self._renders_templates = chat_template is not None
        saved_responses.expect()
        # The harness keys its cache of requests by task name, shots and tokenizer; what we ask depends on
        # the options and the dataset too.
        asked = [__version__, self._mode, self._options.to_dict(), self._asked().requests(), self._dataset_sha256]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        built = super().build_all_requests(
            apply_chat_template=chat_template is not None,
            chat_template=chat_template,
            tokenizer_name=f"{tokenizer_name}-{digest}",
            **kwargs,
        )
        if self._options.head_start and not self._predict_only:
            self._run = HarnessRun.join(self)
        return built

    def _decide_how_to_ask(self, chat_template: Callable[..., Any] | None, system_instruction: bool) -> None:
        """Settle what depends on the loader, say it, and check what scoring will need, before the GPU hours."""
        self._asking = asking = GenerationSettings.resolve(
            self._split,
            self._mode,
            self._chosen,
            Loader(self.config.metadata or {}, chat_template),
            self.config.generation_kwargs,
            base=self._base_stops,
            direct=self._direct_stops,
            default_limit=self._base_limit,
        )
        self._options = asking.options
        self._responses = Responses(self.config.task or "", asking.parser())
        if not GroundTruthLM.in_use():
            for serious, text in asking.notes():
                log.log(logging.WARNING if serious else logging.INFO, "[%s] %s", self.config.task, text)
        self._prepare()
        if self._record is not None:
            name, differs = asking.prompting(**_others(self.config.num_fewshot or 0, system_instruction))
            said = {key: value for key, value in asking.arguments().items() if key != "until"}
            self._record = replace(self._record, prompting=name, differs=differs, generation=said)

    def _asked(self) -> GenerationSettings:
        """How the model is asked; known in `build_all_requests`."""
        assert self._asking is not None
        return self._asking

    # -- execution -----------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Check what scoring will need, building the environment if it is missing, before the GPU hours."""
        self._dataset_sha256 = dataset.sha256(self.dataset[self.config.test_split])
        options = self._options
        if not self._predict_only:
            self._evaluator = Evaluator.prepare(
                sandbox=options.sandbox,
                network=options.network,
                speed=options.speed,
                calibrated=options.calibrated,
                workers=options.workers,
                cache=options.cache,
                # The ground-truth model's score says it itself.
                checks_ground_truth=options.ground_truth == "check" and not GroundTruthLM.in_use(),
                tell=lambda text: log.info("[%s] %s", self.config.task, text),
                warn=lambda text: log.warning("[%s] %s", self.config.task, text),
                cluster=options.cluster,
            )
        subsets = {path: subset for subset, path in dataset.SUBSETS.items()}
        self._record = RunRecord(
            split=self._split,
            subset=dataset.CUSTOM if self._task_ids is not None else subsets.get(self.config.dataset_path, "full"),
            mode=self._mode,
            options=options.to_dict(),
            dataset_sha256=self._dataset_sha256,
            conditions=self._evaluator.prepared.conditions.to_dict() if self._evaluator else None,
            seeds={
                "fewshot": self._seed_of_shots,
                "generation": [each["seed"] for each in self._asked().requests() if "seed" in each] or None,
                "programs": "the task_id's SHA-256",
            },
            task_ids=self._task_ids,
        )

    def apply_filters(self) -> None:
        """Score all answers to the task on this rank at once; the harness calls it when the model is done."""
        rows: dict[int | None, list[Instance]] = {}
        for request in self.instances:
            rows.setdefault(request.doc_id, []).append(request)
        records = self.score(
            [requests[0].doc for requests in rows.values()],
            [[answer for request in requests for answer in self.answers_of(request)] for requests in rows.values()],
        )
        for requests, samples in zip(rows.values(), records, strict=True):
            rest = iter(samples)
            for request in requests:
                request.filtered_resps[FILTER_NAME] = list(islice(rest, len(self.answers_of(request))))
                # The harness writes them as they are, and cannot write half of a surrogate pair.
                request.resps[:] = [writable(each if isinstance(each, str) else repr(each)) for each in request.resps]

    def score(self, tasks: list[dict[str, Any]], responses: list[list[str]]) -> list[list[SampleRecord]]:
        """Sanitize and execute all responses to this task (on this rank).

        Args:
            tasks: rows of the dataset.
            responses: what the loader returned, n_samples per task.

        Returns:
            Per task the records of its samples; with ``--predict_only`` they hold solutions without a verdict.

        Raises:
            ExecutionFailed: our own machinery broke; nothing was scored.
        """
        assert self._responses is not None
        read = self._responses.read(tasks, responses)
        samples = [[sample_of(answer) for answer in several] for several in read]
        if not GroundTruthLM.in_use():
            self._responses.warn_of_equal_samples(read)
        with self._answers_kept(tasks, samples):
            return self._judged(tasks, read, samples)

    def _answers_kept(
        self, tasks: Sequence[Mapping[str, str]], samples: Sequence[Sequence[Sample]]
    ) -> contextlib.AbstractContextManager[None]:
        """What the model answered is on disk until it is scored, with the command that scores it."""
        each = [(task["task_id"], sample) for task, several in zip(tasks, samples, strict=True) for sample in several]
        return saved_responses.kept(
            self.config.task or "",
            [(task_id, sample.raw or "") for task_id, sample in each],
            lambda: [sample.solution() for _, sample in each],
            saved_responses.evaluate_words(self._split, self.config.dataset_path, self._options),
        )

    def _judged(
        self, tasks: list[dict[str, Any]], read: list[list[ParsedResponse]], samples: list[list[Sample]]
    ) -> list[list[SampleRecord]]:
        """The records of the samples, in their shape."""
        if self._evaluator is None or self._record is None:
            return self._annotated(self._unexecuted(samples), read)
        session = began = None
        if self._run is not None:
            self._run.take_over()
            session, began = self._run.session_of(self), self._run.began
        evaluated = self._evaluator.evaluate(
            tasks, samples, description=f"Executing {self.config.task}", session=session, began=began
        )
        if self._run is not None:
            self._run.leave(self)
            self._run = None
        self._record = self._record.with_ground_truth(evaluated.truth).on_nodes(evaluated.nodes)
        evaluated = replace(evaluated, records=self._annotated(evaluated.records, read))
        self._log_summary(tasks, evaluated, self._record)
        return evaluated.records

    def sample_of(self, row: Mapping[str, str], answer: Any) -> Sample:
        """What is to be scored of an answer; its solution is made once, when it is first asked for."""
        assert self._responses is not None
        return sample_of(self._responses.answer(row, answer))

    def answers_of(self, request: Instance) -> list[Any]:
        """The answers to a request that count; none before the model is done.

        More come where the harness padded a rank with repeats of its last request.
        """
        return list(request.resps[: request.repeats or 1])

    def _annotated(
        self, records: list[list[SampleRecord]], read: Sequence[Sequence[ParsedResponse]]
    ) -> list[list[SampleRecord]]:
        """The records with what their answers fall short of, which the record of the run counts."""
        assert self._responses is not None
        annotated, stats = self._responses.annotate(records, read, self._asked().limit)
        if self._record is not None:
            self._record = replace(self._record, responses=stats)
        return annotated

    @property
    def evaluator(self) -> Evaluator:
        """How answers are executed; known after `build_all_requests`."""
        assert self._evaluator is not None
        return self._evaluator

    def _unexecuted(self, samples: Sequence[Sequence[Sample]]) -> list[list[SampleRecord]]:
        with progress(sum(map(len, samples)), f"Sanitizing {self.config.task}", "sample") as bar:

            def record(sample: Sample) -> SampleRecord:
                bar.update()
                return SampleRecord(sample.solution(), sample.raw)

            return [[record(sample) for sample in answers] for answers in samples]

    def _log_summary(self, tasks: list[dict[str, Any]], evaluated: Evaluated, run: RunRecord) -> None:
        """What came out, in the log; of this rank's tasks where there are several ranks."""
        records = dict(zip((task["task_id"] for task in tasks), evaluated.records, strict=True))
        log.info("[%s] %s", self.config.task, summary(records, run, evaluated.seconds))
        if not GroundTruthLM.in_use():
            return
        # A canonical solution that fails says something about this machine: name it, with its exception.
        for task, samples in zip(tasks, evaluated.records, strict=True):
            for sample in samples:
                if not sample.passed:
                    log.warning(
                        "[%s] %s: ground truth gives %s: %s",
                        self.config.task,
                        task["task_id"],
                        sample.status,
                        headline(sample.details, sample.reason)[:300],
                    )

    # -- results -------------------------------------------------------------------------------------

    def process_results(self, doc: dict[str, Any], results: list[Any]) -> dict[str, float]:
        if self._predict_only:
            return {"bypass": 999}  # as the harness's metric, which lm-eval 0.5.0.dev1 cannot reduce
        # The records of the row's samples; up to lm-eval 0.4 in a list that has one entry per request.
        records: list[SampleRecord] = [
            record for each in results for record in (each if isinstance(each, list) else [each])
        ]
        scores = pass_at_k([record.passed for record in records])
        if self._options.domains and "pass@1" in scores:
            # A row has only the metrics of its own domains, so they are not in the list of metrics.
            scores |= {f"pass@1_{domain.lower()}": scores["pass@1"] for domain in domains_of(doc)}
        return scores

    def aggregation(self) -> Any:
        return super().aggregation() if self._predict_only else dict.fromkeys(self._metrics, mean)

    def higher_is_better(self) -> Any:
        return super().higher_is_better() if self._predict_only else dict.fromkeys(self._metrics, True)

    def override_metric(self, metric_name: str) -> None:
        """The harness's call for ``--predict_only``; its metric is called "bypass" and measures nothing."""
        super().override_metric(metric_name)
        self._predict_only = True
        for scorer in getattr(self, "scorers", []):  # lm-eval 0.5 has made a new one and called it "none"
            scorer.name = FILTER_NAME

    def set_fewshot_seed(self, seed: int | None = None) -> None:
        super().set_fewshot_seed(seed)
        self._seed_of_shots = seed

    def set_repeats(self, repeats: int) -> None:
        """The call of lm-eval 0.5 for ``--repeats``: refused, as our option decides on more than the requests."""
        if repeats != self._options.n_samples:
            metadata = json.dumps({KEY: {"n_samples": repeats}})
            raise OptionError(f"--repeats does not work on {self.config.task}. Use --metadata '{metadata}'")

    def dump_config(self) -> dict[str, Any]:
        """The task's configuration for the results, with the record of the run."""
        config: dict[str, Any] = super().dump_config()
        if self._record is not None:
            config["metadata"] = {**config["metadata"], RUN_KEY: self._record.to_dict()}
        return config


def _others(shots: int, system_instruction: bool) -> dict[str, str]:
    """The harness's settings of the prompt that differ from the leaderboard's."""
    given = {"examples": shots, "system": "given" if system_instruction else ""}
    return {name: str(value) for name, value in given.items() if value}
