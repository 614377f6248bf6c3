"""What the BigCodeBench tasks of one lm_eval run share: a session, and a head start.

::

    lm_eval             build_all_requests     the model generates              apply_filters, task by task
    tasks               join ─────────────┐                                ┌──▶ score: ask the session for each program
                                          ▼                                │
    run                 canonical solutions are      answers are sanitized │    take_over: all answers of all tasks
                        submitted                    and submitted         │    are submitted, at full speed
                                                          ▲                │
    loader                              CacheHook.add_partial              │
                                                                           │
    session             ─── in the background ────────────────────────────▶│ with the whole machine

Every loader of the harness tells its cache hook of each answer that is finished. While a run is on we listen there, so
answers are executed while the model generates. That is a head start and nothing else: `score` asks the session for
every program that it needs, and gets what is done or under way. Whatever the loader reported, or did not, or reported
otherwise than it returned in the end, the result is the same, only later.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar, Protocol

from lm_eval.api.instance import Instance
from lm_eval.api.model import CacheHook

from bigcodebench_tasks.execution import Verdict
from bigcodebench_tasks.progress import progress
from bigcodebench_tasks.scoring.evaluate import Evaluator
from bigcodebench_tasks.scoring.session import Sample, Session

log = logging.getLogger("lm_eval.bigcodebench")


class Member(Protocol):
    """What a run wants of a task."""

    @property
    def task_name(self) -> str | None: ...

    @property
    def evaluator(self) -> Evaluator: ...

    @property
    def instances(self) -> list[Instance]: ...

    def sample_of(self, row: Mapping[str, Any], answer: Any) -> Sample: ...

    def answers_of(self, request: Instance) -> Sequence[Any]: ...


class HarnessRun:
    """The tasks that the harness asks one model together, in one process (on one rank).

    A task joins when its requests are built, and leaves when it is scored. A run whose tasks are gone (the loader
    raised, the user interrupted) is closed with them.
    """

    # Weak: its tasks hold a run, so one that nobody will score goes with them.
    _current: ClassVar[weakref.ref[HarnessRun] | None] = None

    def __init__(self) -> None:
        self._members: list[weakref.ref[Any]] = []
        self._sessions: dict[Hashable, Session] = {}
        self._asked: dict[Hashable, list[tuple[weakref.ref[Any], Mapping[str, Any]]]] = {}
        self._answers: queue.SimpleQueue[tuple[Hashable, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._restore: Callable[[], None] | None = None
        self._bar: Any = None
        self._passed = 0
        self._counting = threading.Lock()  # verdicts come from the threads of several engines
        self._began: float | None = None

    @classmethod
    def current(cls) -> HarnessRun | None:
        """The run that is on, if there is one."""
        return None if cls._current is None else cls._current()

    @classmethod
    def join(cls, member: Member) -> HarnessRun:
        """Add a task to the run that is being prepared, or begin one."""
        run = cls.current()
        # A task of the same name: an earlier run died before it was scored, and something still holds its tasks.
        if run is None or run.taken_over or any(other.task_name == member.task_name for other in run._alive()):
            if run is not None:
                run.close()
            run = cls()
            cls._current = weakref.ref(run)
        run._add(member)
        return run

    @property
    def taken_over(self) -> bool:
        """Whether the model is done."""
        return self._began is not None

    @property
    def began(self) -> float | None:
        """When the last answer was there, as `time.monotonic`; None before."""
        return self._began

    def session_of(self, member: Member) -> Session:
        """The session of the tasks that are executed as this one is; mostly all."""
        evaluator = member.evaluator
        key = evaluator.prepared.conditions, evaluator.workers, evaluator.cache, evaluator.cluster
        if key not in self._sessions:
            rows = (request.doc for request in member.instances for _ in range(_times(request)))
            session = self._sessions[key] = evaluator.session(rows)
            session.set_background(not self.taken_over)
            # Should nobody close the run: its sessions go when it does, and what they run goes with them.
            weakref.finalize(self, session.close, wait=False)
        return self._sessions[key]

    def take_over(self) -> None:
        """The model is done: what it answered to any task of the run is submitted, and has the whole machine.

        Does nothing the second time.
        """
        if self.taken_over:
            return
        self._began = time.monotonic()
        self._stop_listening()
        for session in self._sessions.values():
            session.set_background(False)
        members, self._members = self._alive(), []
        for member in members:
            # A task without answers belongs to a run that died before it was scored, so it is no member any more.
            answered = [(request.doc, member.answers_of(request)) for request in member.instances]
            if all(answers for _, answers in answered):
                self._members.append(weakref.ref(member))
                self.session_of(member).submit_samples(
                    [row for row, _ in answered],
                    [[member.sample_of(row, answer) for answer in answers] for row, answers in answered],
                    calibrated=member.evaluator.calibrated,
                )

    def leave(self, member: Member) -> None:
        """The task is scored. The last one closes the run."""
        self._members = [ref for ref in self._members if ref() not in (None, member)]
        if not self._members:
            self.close()

    def close(self) -> None:
        """End what still runs; no process is left."""
        self._stop_listening()
        for session in self._sessions.values():
            session.close(wait=False)
        self._sessions.clear()
        if HarnessRun.current() is self:
            HarnessRun._current = None

    def _alive(self) -> list[Member]:
        return [member for ref in self._members if (member := ref()) is not None]

    def _add(self, member: Member) -> None:
        ref = weakref.ref(member)
        self._members.append(ref)
        session = self.session_of(member)
        if member.evaluator.checks_ground_truth:
            rows = {request.doc["task_id"]: request.doc for request in member.instances}
            session.submit_ground_truth(list(rows.values()))
        # The same question with another seed belongs to the same row.
        for request in (each for each in member.instances if each.idx == 0):
            self._asked.setdefault(_key(request.args[0]), []).append((ref, request.doc))
        self._listen()

    # -- answers as they arrive ----------------------------------------------------------------------

    def _listen(self) -> None:
        """Hear of every answer from now on. The harness has no public place for this but the hook's method."""
        if self._restore is not None:
            return
        original = CacheHook.add_partial
        answers = self._answers

        def add_partial(hook: CacheHook, attr: str, req: Any, res: Any) -> None:
            original(hook, attr, req, res)
            if attr == "generate_until":
                # In the loader's thread, so nothing is done here that takes time or can fail.
                with contextlib.suppress(Exception):
                    answers.put((_key(req[0]), res))

        CacheHook.add_partial = add_partial

        def restore() -> None:
            if CacheHook.add_partial is add_partial:
                CacheHook.add_partial = original

        self._restore = restore
        # Should nobody close the run, neither the hook nor the thread outlives it.
        weakref.finalize(self, restore)
        weakref.finalize(self, answers.put, None)
        self._thread = threading.Thread(target=_execute_answers, args=(weakref.ref(self), answers), daemon=True)
        self._thread.start()

    def _stop_listening(self) -> None:
        if self._restore is not None:
            self._restore()
            self._restore = None
        if self._thread is not None:
            self._answers.put(None)
            self._thread.join()
            self._thread = None
        with self._counting:
            if self._bar is not None:
                self._bar.close()
                self._bar = None

    def _submit(self, asked: Hashable, answer: Any) -> None:
        """In the run's thread: execute an answer for each task and row that asks this."""
        for ref, row in self._asked.get(asked, ()):
            member = ref()
            if member is None:
                continue
            submitted = self.session_of(member).submit_sample(
                row, member.sample_of(row, answer), calibrated=member.evaluator.calibrated
            )
            self._count(submitted.verdict)

    def _count(self, future: Future[Verdict]) -> None:
        if self._bar is None:
            total = sum(_times(request) for member in self._alive() for request in member.instances)
            self._bar = progress(total, "Executed so far", "answer", leave=False)
        future.add_done_callback(self._show)

    def _show(self, done: Future[Verdict]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        with self._counting:
            self._passed += done.result().passed
            if self._bar is not None:
                self._bar.set_postfix_str(f"{self._passed} pass", refresh=False)
                self._bar.update()


def _execute_answers(run: weakref.ref[HarnessRun], answers: queue.SimpleQueue[tuple[Hashable, Any] | None]) -> None:
    """The thread of a run. It holds no run while it waits, so that one that nobody holds can go."""
    with contextlib.suppress(OSError):  # sanitizing takes its share of a core that the loader may want
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    while (answered := answers.get()) is not None:
        alive = run()
        if alive is None:
            return
        try:
            alive._submit(*answered)
        except Exception as error:
            # A head start is nothing that a run may fail for: whatever this is, scoring meets it again, and says it.
            log.debug("an answer could not be executed ahead: %r", error)
        del alive


def _times(request: Instance) -> int:
    """How often a request is asked."""
    return request.repeats or 1


def _key(context: Any) -> Hashable:
    """What a model was asked, as loaders report it: text, or the conversation in a tuple."""
    return context if isinstance(context, Hashable) else str(context)
