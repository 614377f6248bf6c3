"""What is kept of a sample and of a run: written by the task and by ``evaluate``, read by all that looks at results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bigcodebench_tasks import __version__
from bigcodebench_tasks.execution.cluster import NodeUse
from bigcodebench_tasks.execution.verdict import Verdict
from bigcodebench_tasks.scoring.ground_truth import GroundTruth

RUN_KEY = "bigcodebench_run"
"""Where a run says what its score depends on: ``configs[task]["metadata"][RUN_KEY]`` in the harness's results file, and
beside ``eval`` in an ``_eval_results.json`` of ours."""

NOT_EXECUTED = "not executed"
"""Status of a sample when the harness was asked for predictions only (``--predict_only``)."""


@dataclass(frozen=True)
class SampleRecord:
    """One sample: its answer, the solution in it, and the verdict.

    As text it is JSON: the harness logs ``str()`` of what filters return.

    Attributes:
        solution: sanitized, and not calibrated.
        raw_solution: the answer before sanitizing, as the official tool calls it, in direct completion with its prompt;
            None where it is not known.
        status: "pass", "fail" or "timeout", as the official evaluator would say; `NOT_EXECUTED` without a verdict.
        reason, details, seconds, tests_run: those of the verdict (`execution.Verdict`); official files know no reason
            (the status stands there again) and no seconds (None).
        diagnosis: what keeps the answer from scoring, by its text alone (`diagnoses.DIAGNOSES`); "" for nothing that
            can be told.
    """

    solution: str
    raw_solution: str | None = None
    status: str = NOT_EXECUTED
    reason: str = NOT_EXECUTED
    details: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    tests_run: int = 0
    diagnosis: str = ""

    @classmethod
    def of(cls, solution: str, raw_solution: str | None, verdict: Verdict) -> SampleRecord:
        """The record of an executed sample."""
        return cls(
            solution,
            raw_solution,
            verdict.status,
            verdict.reason,
            verdict.details,
            verdict.seconds,
            verdict.tests_run,
        )

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SampleRecord:
        """What `to_dict` made, by this version or an earlier one, which kept no answer.

        Raises:
            KeyError, TypeError: it is something else.
        """
        known = {name: content[name] for name in cls.__dataclass_fields__ if name in content}
        if not isinstance(content["solution"], str) or not isinstance(content["status"], str):
            raise TypeError("solution and status must be text")
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return asdict(self)

    @property
    def passed(self) -> bool:
        return self.status == "pass"

    @property
    def executed(self) -> bool:
        return self.status != NOT_EXECUTED

    def __str__(self) -> str:
        # Tracebacks can hold lone surrogates, which no file takes; escaped as JSON does it they are read back.
        return json.dumps(self.to_dict(), ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class ResponseStats:
    """What a run's answers are like, before any verdict; of one rank where there are several.

    Attributes:
        samples: how many there are.
        reasoning: how many of them had reasoning, which was removed.
        diagnoses: how many fall short, by what they fall short of (`diagnoses.DIAGNOSES`), the commonest first.
        limit: on the tokens of an answer; None where it is not known.
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

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ResponseStats:
        """What `dataclasses.asdict` made of it; raises KeyError or TypeError where it is something else."""
        return cls(content["samples"], content["reasoning"], dict(content["diagnoses"]), content["limit"])


@dataclass(frozen=True)
class RunRecord:
    """What the scores of a run depend on, and what they are worth here.

    Attributes:
        split, subset: "complete" or "instruct"; "full", "hard", "mini" or "custom".
        mode: how the model was asked (`prompts.Mode`); None where the samples were made elsewhere.
        options: the task's options, or what ``evaluate`` was given of them.
        dataset_sha256: of the tasks, hex.
        conditions: `Conditions.to_dict()` of the execution; None where nothing was executed. What an earlier version
            recorded holds only some of its keys.
        ground_truth: pass rate of the canonical solutions under these conditions; None where it was not checked.
        failed: task_ids of the canonical solutions that do not pass.
        seeds: what was drawn from where, by name: of the harness's few-shot examples and of generation, null where none
            was set, and of the programs. The harness's own ``config`` beside it holds all that ``--seed`` set.
        task_ids: those of a subset of one's own; None for a whole one.
        generation: what the loader was told of decoding (the harness's ``generation_kwargs``, without stop strings);
            None where that is not known.
        prompting: how the model was asked, by name: "leaderboard", "reasoning" (as there, but for what a model
            that reasons needs) or "custom"; None where that is not known.
        differs: the settings of it that are not the leaderboard's, in words.
        responses: what they are like; None before they are there.
        nodes: of the cluster that executed the programs: what each is called ("node"), its "cores", and how many
            "programs" it executed, of all tasks of the run so far; None where this machine did.
        plugin: version of this package.
    """

    split: str
    subset: str
    mode: str | None
    options: Mapping[str, Any]
    dataset_sha256: str
    conditions: Mapping[str, Any] | None = None
    ground_truth: float | None = None
    failed: Sequence[str] = ()
    seeds: Mapping[str, Any] = field(default_factory=dict)
    task_ids: Sequence[str] | None = None
    generation: Mapping[str, Any] | None = None
    prompting: str | None = None
    differs: Sequence[str] = ()
    responses: ResponseStats | None = None
    nodes: Sequence[Mapping[str, Any]] | None = None
    plugin: str = __version__

    @property
    def calibrated(self) -> bool:
        """Whether the task's imports and signature were put before each solution."""
        return bool(self.options.get("calibrated", True))

    def with_ground_truth(self, truth: GroundTruth | None) -> RunRecord:
        """The same, with what was found of the ground truth."""
        return self if truth is None else replace(self, ground_truth=truth.pass_rate, failed=truth.failed)

    def on_nodes(self, nodes: Sequence[NodeUse] | None) -> RunRecord:
        """The same, with the nodes of the cluster that executed programs."""
        return self if nodes is None else replace(self, nodes=[asdict(node) for node in nodes])

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], subset: str = "") -> RunRecord:
        """What `to_dict` made, by this version or an earlier one.

        Args:
            content: the mapping.
            subset: for earlier versions, which did not record it.

        Raises:
            KeyError, TypeError: it is something else.
        """
        truth = content.get("ground_truth") or {}
        conditions = content.get("conditions")
        if conditions is None and "environment" in content:  # as it was recorded before there were conditions
            environment = content["environment"]
            conditions = {
                "lock": environment["lock"],
                "lock_sha256": environment["sha256"],
                "sandbox": {
                    "kind": content["sandbox"],
                    "network": content["options"].get("network", "loopback"),
                },
            }
        return cls(
            split=content["split"],
            subset=content.get("subset") or subset,
            mode=content["mode"],
            options=content["options"],
            dataset_sha256=content["dataset_sha256"],
            conditions=conditions,
            ground_truth=truth.get("pass_rate"),
            failed=truth.get("failed", ()),
            seeds=content.get("seeds") or {},
            task_ids=content.get("task_ids"),
            generation=content.get("generation"),
            prompting=content.get("prompting"),
            differs=content.get("differs") or (),
            responses=ResponseStats.from_dict(content["responses"]) if content.get("responses") else None,
            nodes=content.get("nodes"),
            plugin=content["plugin"],
        )

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; what does not apply is left out."""
        content: dict[str, Any] = {
            "plugin": self.plugin,
            "split": self.split,
            "subset": self.subset,
            "mode": self.mode,
            "options": dict(self.options),
            "dataset_sha256": self.dataset_sha256,
            "seeds": dict(self.seeds),
        }
        if self.conditions is not None:
            content["conditions"] = dict(self.conditions)
        if self.ground_truth is not None:
            content["ground_truth"] = {"pass_rate": self.ground_truth, "failed": list(self.failed)}
        if self.task_ids is not None:
            content["task_ids"] = list(self.task_ids)
        if self.generation is not None:
            content["generation"] = dict(self.generation)
        if self.prompting is not None:
            content["prompting"] = self.prompting
            content["differs"] = list(self.differs)
        if self.responses is not None:
            content["responses"] = asdict(self.responses)
        if self.nodes is not None:
            content["nodes"] = [dict(node) for node in self.nodes]
        return content
