"""What the BigCodeBench tasks of one run of the harness share: engines, and a head start.

::

    lm_eval    build_all_requests    the model generates          apply_filters, task by task
                      │                      │                                │
    run             join           responses are executed      score: the first call saves and submits
               ground truth        in the background           the responses to all tasks, on all cores
                                             ▲
    loader                        CacheHook.add_partial

A run belongs to the thread that evaluates: `simple_evaluate` builds the requests of all tasks, generates, and scores
task by task in one thread. It lives as long as its tasks. If the loader raises or the user interrupts, its engines and
its hook end with them.

The head start changes no result: `score` submits every program again. The engine decides which verdicts it then takes
from the cache.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lm_eval.api.instance import Instance

from bigcodebench_tasks.execution import Engine
from bigcodebench_tasks.harness.head_start import HeadStart, Submit
from bigcodebench_tasks.harness.responses import Responses
from bigcodebench_tasks.scoring.evaluate import Evaluated, Evaluator, PendingSample, Sample
from bigcodebench_tasks.scoring.ground_truth import PendingGroundTruth, submit_ground_truth
from bigcodebench_tasks.scoring.records import SampleRecord
from bigcodebench_tasks.scoring.saved_responses import SavedResponses, report_failure

_current = threading.local()  # .run: a weak reference to the thread's latest run


@dataclass(eq=False)
class TaskInRun:
    """What a run knows of a task. It does not hold the task, so that run and tasks can become garbage.

    Attributes:
        name: of the task.
        evaluator: how responses are scored; None for ``--predict_only``.
        responses: parses them.
        requests: of the task, on this rank.
        evaluate: options of ``bigcodebench-tasks evaluate`` that score the responses in the same way.
        head_start: execute responses while the model generates.
        truth, pending: what was submitted.
        samples: of each row.
    """

    name: str
    evaluator: Evaluator | None
    responses: Responses
    requests: Sequence[Instance]
    evaluate: Sequence[str]
    head_start: bool = False
    truth: PendingGroundTruth | None = None
    pending: list[list[PendingSample]] = field(default_factory=list)
    samples: list[list[Sample]] = field(default_factory=list)

    @property
    def rows(self) -> list[Mapping[str, str]]:
        """The rows of the dataset that were asked."""
        return [requests[0].doc for requests in by_row(self.requests)]


class HarnessRun:
    """The tasks that the harness asks one model together, on this rank."""

    def __init__(self) -> None:
        self._tasks: list[TaskInRun] = []
        self._engines: dict[Evaluator, Engine] = {}
        self._head_start = HeadStart()
        self._saved: list[SavedResponses] = []
        self._model_done: float | None = None
        self.close = weakref.finalize(self, _close, self._head_start, self._engines)

    @classmethod
    def current(cls) -> HarnessRun | None:
        """The run of this thread that is not closed."""
        run: HarnessRun | None = getattr(_current, "run", lambda: None)()
        return run if run is not None and run.close.alive else None

    @classmethod
    def join(cls, task: TaskInRun) -> HarnessRun:
        """Add a task to the run that this thread prepares, or start one.

        A run that is being scored, or that has a task of this name, is an earlier one. It is closed.
        """
        run = cls.current()
        if run is None or run._model_done is not None or task.name in (other.name for other in run._tasks):
            if run is not None:
                run.close()
            run = cls()
            _current.run = weakref.ref(run)
        run._tasks.append(task)
        if task.head_start:
            engine = run._engine(task)
            engine.set_background(True)
            run._submit_ground_truth(task)
            run._head_start.add(task.requests, run._sampler(task, engine))
        return run

    def score(self, task: TaskInRun) -> Evaluated:
        """The records of a task's samples. If that fails, the log says where the responses are."""
        try:
            if self._model_done is None:
                self._model_done = time.monotonic()
                self._take_over()
            if task.evaluator is None:
                records = [[SampleRecord(each.solution(), each.response) for each in row] for row in task.samples]
                evaluated = Evaluated(records, None, 0.0)
            else:
                evaluated = task.evaluator.collect(self._engine(task), task.truth, task.pending, self._model_done)
        except BaseException as error:
            report_failure(error, self._saved)
            raise
        self._tasks.remove(task)
        if not self._tasks:
            self.close()
        return evaluated

    def _take_over(self) -> None:
        """The model is done: save and submit the responses to all tasks."""
        self._head_start.stop()
        for engine in self._engines.values():
            engine.set_background(False)
        # A task without responses belongs to a run whose loader raised.
        self._tasks = [task for task in self._tasks if all(request.resps for request in task.requests)]
        for task in self._tasks:
            responses = [[each for request in row for each in responses_of(request)] for row in by_row(task.requests)]
            task.samples = task.responses.parse(task.rows, responses)
            self._saved.append(SavedResponses(task.name, _texts(task), task.evaluate))
        for task, saved in zip(self._tasks, self._saved, strict=True):
            if task.evaluator is not None:
                self._submit_ground_truth(task)
                task.pending = task.evaluator.submit(self._engine(task), task.rows, task.samples)
            saved.add_solutions([sample.solution() for samples in task.samples for sample in samples])

    def _submit_ground_truth(self, task: TaskInRun) -> None:
        if task.truth is None and task.evaluator is not None and task.evaluator.checks_ground_truth:
            task.truth = submit_ground_truth(task.rows, self._engine(task))

    def _sampler(self, task: TaskInRun, engine: Engine) -> Submit:
        evaluator, responses = task.evaluator, task.responses
        assert evaluator is not None
        return lambda row, response: evaluator.submit_sample(engine, row, responses.sample(row, response)).verdict

    def _engine(self, task: TaskInRun) -> Engine:
        """The engine of all tasks that are scored in the same way."""
        evaluator = task.evaluator
        assert evaluator is not None
        if evaluator not in self._engines:
            rows = (request.doc for request in task.requests for _ in range(request.repeats or 1))
            self._engines[evaluator] = evaluator.engine(rows)
        return self._engines[evaluator]


def by_row(requests: Iterable[Instance]) -> list[list[Instance]]:
    """The requests of each row of the dataset."""
    rows: dict[int | None, list[Instance]] = {}
    for request in requests:
        rows.setdefault(request.doc_id, []).append(request)
    return list(rows.values())


def responses_of(request: Instance) -> list[Any]:
    """The responses to a request. Further ones are repeats of a rank's last request, with which the harness pads it."""
    return list(request.resps[: request.repeats or 1])


def _texts(task: TaskInRun) -> list[tuple[str, str]]:
    pairs = zip(task.rows, task.samples, strict=True)
    return [(row["task_id"], sample.response or "") for row, samples in pairs for sample in samples]


def _close(head_start: HeadStart, engines: Mapping[Evaluator, Engine]) -> None:
    """End what still runs; no process is left."""
    head_start.stop()
    for engine in engines.values():
        engine.shutdown(wait=False)
