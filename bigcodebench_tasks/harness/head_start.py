"""Executes responses while the model generates, as the loader reports them."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import CacheHook

from bigcodebench_tasks.execution import Verdict
from bigcodebench_tasks.progress import progress

log = logging.getLogger("bigcodebench_tasks")

Submit = Callable[[Mapping[str, str], Any], "Future[Verdict]"]
"""Sanitizes and submits a response to a row of the dataset."""


class HeadStart:
    """Executes responses as the loader reports them. A thread sanitizes and submits them."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, list[tuple[Submit, Mapping[str, str]]]] = {}
        self._total = 0
        self._reported: queue.SimpleQueue[tuple[Any, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._bar: Any = None
        self._passed = 0
        self._counting = threading.Lock()  # verdicts come from the threads of several engines

    def add(self, requests: Iterable[Instance], submit: Submit) -> None:
        """Execute the responses to these requests, too."""
        for request in requests:
            self._total += request.repeats or 1
            if request.idx == 0:  # the other requests of a row differ in their seed only
                self._asked.setdefault(_key(request.args[0]), []).append((submit, request.doc))
        if self._thread is None:
            _listen(self._reported)
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Execute no more; responses that were reported and not submitted are left to scoring."""
        self._stopped = True
        _unlisten(self._reported)
        self._reported.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with self._counting:
            if self._bar is not None:
                self._bar.close()
                self._bar = None

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the loader may need the core
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        while (reported := self._reported.get()) is not None and not self._stopped:
            prompt, response = reported
            try:
                for submit, row in self._asked.get(_key(prompt), ()):
                    self._count(submit(row, response))
            except Exception as error:
                log.debug("a response could not be executed ahead: %r", error)  # scoring meets the error again

    def _count(self, verdict: Future[Verdict]) -> None:
        if self._bar is None:
            self._bar = progress(self._total, "Executed so far", "response", leave=False)
        verdict.add_done_callback(self._show)

    def _show(self, verdict: Future[Verdict]) -> None:
        if verdict.cancelled() or verdict.exception() is not None:
            return
        with self._counting:
            self._passed += verdict.result().passed
            if self._bar is not None:
                self._bar.set_postfix_str(f"{self._passed} pass", refresh=False)
                self._bar.update()


# -- what loaders report ---------------------------------------------------------------------------------
# The harness has no public hook for finished responses but `CacheHook.add_partial`, which every loader calls. It is
# replaced while a head start listens.

_listening: list[queue.SimpleQueue[tuple[Any, Any] | None]] = []
_listening_lock = threading.Lock()
_original = CacheHook.add_partial


def _add_partial(hook: CacheHook, attr: str, req: Any, res: Any) -> None:
    _original(hook, attr, req, res)
    if attr == "generate_until":
        with contextlib.suppress(Exception):  # in the loader's thread nothing may fail or take time
            for reported in tuple(_listening):
                reported.put((req[0], res))


def _listen(reported: queue.SimpleQueue[tuple[Any, Any] | None]) -> None:
    global _original
    with _listening_lock:
        if not _listening and CacheHook.add_partial is not _add_partial:
            _original = CacheHook.add_partial
            CacheHook.add_partial = _add_partial
        _listening.append(reported)


def _unlisten(reported: queue.SimpleQueue[tuple[Any, Any] | None]) -> None:
    with _listening_lock:
        if reported in _listening:
            _listening.remove(reported)
        if not _listening and CacheHook.add_partial is _add_partial:
            CacheHook.add_partial = _original


def _key(prompt: Any) -> Hashable:
    """A prompt as loaders report it: text, or the conversation in a tuple."""
    return prompt if isinstance(prompt, Hashable) else str(prompt)
