"""Records of samples and runs: the task and ``evaluate`` write them, and whatever shows results reads them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from bigcodebench_tasks import __version__
from bigcodebench_tasks.execution.cluster import NodeUse
from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.verdict import Status, Verdict
from bigcodebench_tasks.options import Options
from bigcodebench_tasks.scoring.ground_truth import GroundTruth

RUN_KEY = "bigcodebench_run"
"""Key of a `RunRecord`: ``configs[task]["metadata"][RUN_KEY]`` in the harness's results file, and beside ``eval`` in an
``_eval_results.json``."""

NOT_EXECUTED = "not executed"
"""Status and reason of a sample without a verdict (``--predict_only``)."""


@dataclass(frozen=True)
class SampleRecord:
    """One sample.

    Attributes:
        solution: sanitized, and not calibrated.
        response: the text before sanitizing; in direct completion after its prompt; None if unknown.
        verdict: None if the sample was not executed. Official files do not hold its seconds, which are 0 then.
        diagnosis: why the response cannot score, by its text alone (`diagnosis.DIAGNOSES`); "" if the text does not
            tell.
    """

    solution: str
    response: str | None = None
    verdict: Verdict | None = None
    diagnosis: str = ""

    @property
    def executed(self) -> bool:
        return self.verdict is not None

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.passed

    @property
    def status(self) -> str:
        return NOT_EXECUTED if self.verdict is None else self.verdict.status

    @property
    def reason(self) -> str:
        return NOT_EXECUTED if self.verdict is None else self.verdict.reason

    @property
    def details(self) -> Mapping[str, str]:
        return {} if self.verdict is None else self.verdict.details

    @property
    def seconds(self) -> float | None:
        """Those of the verdict; None if unknown."""
        return None if self.verdict is None else self.verdict.seconds or None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SampleRecord:
        """The record of a `LoggedSample`, as plain JSON types. Raises ValueError."""
        return msgspec.convert(content, LoggedSample).record()

    def to_dict(self) -> dict[str, Any]:
        """A `LoggedSample` as plain JSON types."""
        ran = 0 if self.verdict is None else self.verdict.tests_run
        logged = LoggedSample(
            self.solution, self.response, self.status, str(self.reason), self.details, self.seconds, ran, self.diagnosis
        )
        return asdict(logged)

    def to_json(self) -> str:
        """A `LoggedSample` as JSON; lone surrogates, which no file takes, are escaped."""
        return json.dumps(self.to_dict(), ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class LoggedSample:
    """The JSON form of a sample, in the harness's log of samples.

    Attributes:
        solution: sanitized, and not calibrated.
        raw_solution: the response before sanitizing, by its official name; in direct completion after its prompt; null
            if unknown.
        status: "pass", "fail" or "timeout", as the official evaluator; "not executed" without a verdict.
        reason, details, tests_run: see `Verdict`.
        seconds: see `Verdict`; null if unknown.
        diagnosis: why the response cannot score, by its text alone; "" if the text does not tell.
    """

    solution: str
    raw_solution: str | None
    status: str
    reason: str
    details: Mapping[str, str]
    seconds: float | None
    tests_run: int
    diagnosis: str

    def record(self) -> SampleRecord:
        """Raises ValueError: there is no such status."""
        verdict = None
        if self.status != NOT_EXECUTED:
            status = msgspec.convert(self.status, Status)
            verdict = Verdict(status, self.reason, dict(self.details), self.seconds or 0.0, self.tests_run)
        return SampleRecord(self.solution, self.raw_solution, verdict, self.diagnosis)


class RecordText(str):
    """A sample's record as the text that the harness logs: every logger of the harness takes text.

    Attributes:
        record: the record; it is pickled with the text, between the ranks of a run.
    """

    record: SampleRecord

    @classmethod
    def of(cls, record: SampleRecord) -> RecordText:
        text = cls(record.to_json())
        text.record = record
        return text


@dataclass(frozen=True)
class ResponseStats:
    """Statistics of a run's responses, before any verdict; of this rank if there are several.

    Attributes:
        samples: number of responses.
        reasoning: how many of them held reasoning, which was removed.
        diagnoses: how many of them have which diagnosis, the most frequent first.
        limit: token limit of a response; None if unknown.
    """

    samples: int
    reasoning: int = 0
    diagnoses: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None

    @classmethod
    def of(
        cls, records: Sequence[Sequence[SampleRecord]], reasoning: int = 0, limit: int | None = None
    ) -> ResponseStats:
        """Count them."""
        diagnoses = [sample.diagnosis for samples in records for sample in samples]
        counts = Counter(diagnosis for diagnosis in diagnoses if diagnosis)
        return cls(len(diagnoses), reasoning, dict(counts.most_common()), limit)


@dataclass(frozen=True)
class GroundTruthRate:
    """How many canonical solutions pass.

    Attributes:
        pass_rate: share of the tasks, 0 to 1.
        failed: task_ids of those that fail.
    """

    pass_rate: float
    failed: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunRecord:
    """What the scores of a run depend on. As JSON without the fields that are None.

    Attributes:
        split, subset: "complete" or "instruct"; "full", "hard", "mini" or "custom".
        mode: how the model was asked (`prompts.Mode`); None if the samples were made elsewhere.
        options: of the task, or the arguments of ``evaluate``.
        dataset_sha256: of the tasks, hex.
        conditions: of the execution; None if nothing was executed.
        ground_truth: of these tasks under these conditions; None if it was not checked.
        seeds: by name: "fewshot", of the harness's examples; "generation", of the requests; "programs", of the samples.
            None if no seed was set. The harness's own ``config`` holds what ``--seed`` set.
        task_ids: those of a custom subset.
        generation: the harness's ``generation_kwargs``, without stop strings; None if unknown.
        prompting: "leaderboard", "reasoning" (as there, but for what a model that reasons needs) or "custom"; None if
            unknown.
        differs: the settings of the prompt and of generation that differ from the leaderboard's.
        responses: statistics; None before generation.
        nodes: of the cluster that executed the programs, with the number of programs of all tasks so far.
        plugin: version of this package.
    """

    split: str
    subset: str
    mode: str | None
    options: Options
    dataset_sha256: str
    conditions: Conditions | None = None
    ground_truth: GroundTruthRate | None = None
    seeds: Mapping[str, Any] = field(default_factory=dict)
    task_ids: Sequence[str] | None = None
    generation: Mapping[str, Any] | None = None
    prompting: str | None = None
    differs: Sequence[str] = field(default_factory=list)
    responses: ResponseStats | None = None
    nodes: Sequence[NodeUse] | None = None
    plugin: str = __version__

    def scored(self, truth: GroundTruth | None, nodes: Sequence[NodeUse] | None) -> RunRecord:
        """The same run after its execution."""
        rate = None if truth is None else GroundTruthRate(truth.pass_rate, truth.failed)
        return replace(self, ground_truth=rate, nodes=nodes)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RunRecord:
        """The run that `to_dict` wrote. Raises KeyError, ValueError."""
        options = Options.from_dict(msgspec.convert(content["options"], dict[str, Any]))
        return replace(msgspec.convert({"mode": None, **content}, cls), options=options)

    def to_dict(self) -> dict[str, Any]:
        """The run as plain JSON types."""
        content: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        if self.conditions is not None:
            content["conditions"] = self.conditions.to_dict()
        return {name: value for name, value in content.items() if value is not None}
