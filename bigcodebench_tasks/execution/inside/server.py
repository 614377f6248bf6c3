"""The fork server: imports the common libraries once, then forks every sample from itself.

It is the mechanism only. Which program runs when is the parent's decision (`pool`), what an outcome means
too (`judge`): the server starts, watches, kills and reports.
"""

from __future__ import annotations

import hashlib
import os
import random
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field

from . import preload, protocol, runner, tree
from .isolation import kernel, levels
from .isolation.level import SETUP_FAILED, Isolation, Unavailable

# How often the server looks at what its samples use. Short enough that a memory bomb cannot get far
# (a core touches about 4 GB/s) and that a sleeping program gives up its core soon; a look costs 1 ms.
TICK_S = 0.05

# The same while all samples wait: one that wakes up is found a little later.
WAITING_TICK_S = 0.2

# A sample counts as waiting when its processes used less than this share of a core since the last look.
BUSY_SHARE = 0.2


@dataclass
class RunningProgram:
    """A program that runs.

    `starved_s` is how long it wanted a core that something else on the machine had. That time does not
    count against its time limit, up to once the limit: a verdict shall not depend on the neighbours.
    """

    request: int
    token: bytes
    pid: int
    report_fd: int
    started: float
    deadline: float
    raw: bytearray = field(default_factory=bytearray)
    killed: str = ""
    cpu_s: float = 0.0
    looked: float = 0.0
    waiting: bool = False
    starved_s: float = 0.0
    reported: float = 0.0


class Server:
    """Serves one parent until it closes the channel."""

    def __init__(self, channel: protocol.Channel, settings: protocol.Settings, box: Isolation) -> None:
        self._channel = channel
        self._limits = settings.limits
        self._box = box
        self._samples: dict[int, RunningProgram] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ, "parent")
        self._wake_r, self._wake_w = os.pipe()
        for end in (self._wake_r, self._wake_w):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        self._selector.register(self._wake_r, selectors.EVENT_READ, "children")
        self._next_look = 0.0
        self._modules = _our_modules()

    def serve(self) -> None:
        """Run requests until the parent is gone."""
        try:
            while True:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._channel.unsent else 0)
                self._selector.modify(self._channel, events, "parent")
                for key, _ in self._selector.select(self._tick_s()):
                    if key.data == "parent":
                        self._channel.flush()
                        for message in self._channel.receive():
                            assert isinstance(message, protocol.Run)
                            self._start(message)
                    elif key.data == "children":
                        os.read(self._wake_r, 4096)
                    else:
                        self._read(key.data)
                self._reap()
                if self._samples and time.monotonic() >= self._next_look:
                    self._look()
                    self._next_look = time.monotonic() + (self._tick_s() or 0)
        except (EOFError, BrokenPipeError):
            pass
        finally:
            for sample in list(self._samples.values()):
                self._box.kill(sample.pid)

    def _tick_s(self) -> float | None:
        """Seconds until the next look; None if there is nothing to look at."""
        if not self._samples:
            return None
        return WAITING_TICK_S if all(sample.waiting for sample in self._samples.values()) else TICK_S

    def _start(self, run: protocol.Run) -> None:
        token = os.urandom(protocol.TOKEN_BYTES)
        read_end, write_end = os.pipe()
        # Before the fork: on a busy machine the sample may be done before this process runs again.
        now = time.monotonic()
        try:
            pid = self._box.fork()
        except OSError as error:
            os.close(read_end)
            os.close(write_end)
            self._channel.send(protocol.Broken(run.id, f"cannot start a process: {error}"))
            return
        if not pid:
            self._become_sample(run, token, write_end)
        os.close(write_end)
        os.set_blocking(read_end, False)
        sample = RunningProgram(run.id, token, pid, read_end, now, now + self._limits.timeout_s, looked=now)
        self._samples[pid] = sample
        self._selector.register(read_end, selectors.EVENT_READ, sample)

    def _become_sample(self, run: protocol.Run, token: bytes, report_fd: int) -> None:
        """In the forked process: drop what is the server's, restrict, run. Never returns."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if run.background:
                _yield_to_others()
            if run.one_core:
                _take_turns_on_one_core(run.id)
            self._box.restrict(run.solution + run.test)
            report_fd = _keep_only(report_fd)
            preload.reset(_seed(run.task_id))
            _forget(self._modules)
        except BaseException as error:
            os.write(report_fd, b"!" + str(error).encode("utf-8", "replace")[:4096])
            os._exit(SETUP_FAILED)
        runner.run(run.solution, run.test, token=token, report_fd=report_fd, output_bytes=self._limits.output_bytes)

    def _read(self, sample: RunningProgram) -> None:
        """Take what the report's pipe holds; more than a report can be ends the sample."""
        limit = protocol.TOKEN_BYTES + protocol.HEADER.size + 8 * self._limits.output_bytes + (1 << 20)
        try:
            data = os.read(sample.report_fd, 1 << 20)
        except BlockingIOError:
            return
        if data:
            sample.raw += data
            sample.reported = sample.reported or time.monotonic()
            if len(sample.raw) > limit:
                self._kill(sample, "output limit")
        if not data or sample.killed == "output limit":
            self._selector.unregister(sample.report_fd)
            os.close(sample.report_fd)
            sample.report_fd = -1

    def _reap(self) -> None:
        for pid, sample in list(self._samples.items()):
            try:
                done, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done, status = pid, 0
            if done:
                self._finish(sample, status)

    def _finish(self, sample: RunningProgram, status: int) -> None:
        ended = sample.reported or time.monotonic()
        self._box.finish(sample.pid)
        while sample.report_fd >= 0:
            before = len(sample.raw)
            self._read(sample)
            if len(sample.raw) == before:
                break
        if sample.report_fd >= 0:
            self._selector.unregister(sample.report_fd)
            os.close(sample.report_fd)
        del self._samples[sample.pid]
        code = os.waitstatus_to_exitcode(status)
        if code == SETUP_FAILED and sample.raw[:1] == b"!":
            why = sample.raw[1:].decode("utf-8", "replace")
            self._channel.send(protocol.Broken(sample.request, why))
            return
        body, problem = protocol.unseal(sample.token, bytes(sample.raw))
        self._channel.send(
            protocol.Done(
                id=sample.request,
                exit=code,
                killed=sample.killed,
                report=body,
                problem=problem,
                seconds=ended - sample.started,
                starved_s=sample.starved_s,
            )
        )

    def _kill(self, sample: RunningProgram, why: str) -> None:
        if not sample.killed:
            sample.killed = why
            self._box.kill(sample.pid)

    def _look(self) -> None:
        """Enforce time and memory, and tell the parent which samples wait."""
        now = time.monotonic()
        table = tree.processes()
        changed = False
        for sample in self._samples.values():
            if sample.killed:  # it may have been just starting when it was killed
                self._box.kill(sample.pid)
                continue
            below = tree.descendants(self._box.roots(sample.pid), table)
            if sum(p.threads for p in below) > self._limits.processes:
                self._kill(sample, "processes")
            elif tree.use_more_memory_than(self._limits.tree_memory_bytes, below):
                self._kill(sample, "memory")
            cpu_s = sum(p.cpu_s for p in below)
            elapsed = max(now - sample.looked, 1e-3)
            used = max(0.0, cpu_s - sample.cpu_s) / elapsed  # what a child used is gone until it is reaped
            runnable = any(p.state == "R" for p in below)
            if runnable:
                sample.starved_s += max(0.0, elapsed * (1 - used))
            if now >= sample.deadline + min(sample.starved_s, self._limits.timeout_s):
                self._kill(sample, "timeout")
            waiting = bool(below) and used < BUSY_SHARE and not runnable
            sample.cpu_s, sample.looked = cpu_s, now
            changed |= waiting != sample.waiting
            sample.waiting = waiting
        if changed:
            self._channel.send(protocol.Waiting([s.request for s in self._samples.values() if s.waiting]))


def _keep_only(fd: int) -> int:
    """Close every descriptor but the standard three and `fd`, which moves to an unlikely number."""
    # Beyond what loops over small numbers reach, below the limit on open files.
    moved = 300 + random.SystemRandom().randrange(600)
    os.dup2(fd, moved, inheritable=False)
    os.dup2(1, 2)  # the server's own errors go to its log
    kernel.close_from(3, moved - 1)
    kernel.close_from(moved + 1)
    return moved


def _yield_to_others() -> None:
    """Run from now on, with all children to come, only while no other process wants the core. Raises OSError."""
    # Both, because in a control group of its own the policy counts among the group's processes alone.
    os.nice(19)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _take_turns_on_one_core(number: int) -> None:
    """Let this process's threads run on the `number`th core (modulo), each until it waits or its time slice ends.

    Raises OSError.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})
    # A thread of this policy does not preempt the running one when it wakes: sched(7), SCHED_BATCH.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _seed(task_id: str) -> int:
    return int.from_bytes(hashlib.sha256(task_id.encode("utf-8", "replace")).digest()[:4], "big")


def _our_modules() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "_bigcodebench_inside"]


def _forget(modules: list[str]) -> None:
    """Take our modules out of the reach of import statements.

    Their names are looked up before the fork: a walk over all imported modules copies a page for nearly each.
    """
    for name in modules:
        del sys.modules[name]
    sys.argv[:] = [""]


def main(fd: int) -> None:
    """Serve the parent on the socket `fd`."""
    sock = socket.socket(fileno=fd)
    settings = protocol.read_settings(sock)
    channel = protocol.Channel(sock)
    try:
        box = levels.create(settings)
        box.enter()
    except Unavailable as error:
        channel.send(protocol.Unavailable(str(error)))
        return
    begun = time.monotonic()
    preload.load(settings.preload)
    channel.send(protocol.Ready(time.monotonic() - begun, box.lacking))
    Server(channel, settings, box).serve()
