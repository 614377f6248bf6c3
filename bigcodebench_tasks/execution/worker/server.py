"""The fork server: imports the common libraries once, then forks every sample from itself.

It decides nothing about programs: `scheduler` decides which one runs when, `judge` what its outcome means. The server
starts samples, polls them, kills them and reports how they ended. It never sees a program, a report or its token,
because each sample inherits the server's memory and must find nothing of other samples there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import NoReturn

from . import memory, preload, processes, protocol, runner, suite_result
from .channel import Channel, read_exactly, read_message
from .sandbox import backends, kernel
from .sandbox.backend import SETUP_FAILED, Sandbox, SandboxSetupError

# Seconds between two polls of the samples. Short, so that a memory bomb cannot get far (a core touches about 4 GB/s)
# and a sleeping program gives up its core soon. A poll costs 1 ms.
TICK_S = 0.05

# The same while all samples wait: one that wakes up is noticed a little later.
WAITING_TICK_S = 0.2

# A sample is waiting when its processes used less than this share of a core since the last poll.
BUSY_SHARE = 0.2


@dataclass
class RunningProgram:
    """A program that runs.

    Attributes:
        request: the parent's id for it.
        pid: the process to wait for.
        setup_fd: where its process writes why it could not be confined; the process closes its end when it is.
        starved_s: seconds for which it was ready to run and something else had its core. They do not count against
            `timeout_s`, up to once that limit: a verdict must not depend on what else runs on the machine.
        polled: when it was polled last; `cpu_s`, `rss_bytes` and `waiting` are of that time.
    """

    request: int
    pid: int
    setup_fd: int
    started: float
    timeout_s: float
    polled: float
    killed: str = ""
    cpu_s: float = 0.0
    rss_bytes: int = 0
    waiting: bool = False
    starved_s: float = 0.0
    tally: memory.Tally = field(default_factory=memory.Tally)


@dataclass(frozen=True)
class ForkContext:
    """What a forked process needs to become a sample; `line` and `setup` are descriptors."""

    run: protocol.StartProgram
    line: int
    setup: int
    sandbox: Sandbox
    output_bytes: int


class Server:
    """Serves one parent until it closes the channel."""

    def __init__(
        self, channel: Channel, limits: protocol.Limits, sandbox: Sandbox, machine: memory.MachineMemory
    ) -> None:
        self._channel = channel
        self._limits = limits
        self._sandbox = sandbox
        self._machine = machine
        self._samples: dict[int, RunningProgram] = {}
        self._selector = selectors.PollSelector()  # samples can use up the user's epoll watches
        self._selector.register(channel, selectors.EVENT_READ, "parent")
        self._wake_r, self._wake_w = os.pipe()
        for end in (self._wake_r, self._wake_w):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        self._selector.register(self._wake_r, selectors.EVENT_READ, "children")
        self._next_poll = 0.0

    def serve(self) -> ForkContext | None:
        """Serve until the parent is gone, then return None. In each forked process: return what that needs.

        A sample unwinds the stack first, so that its program cannot walk up to the server's frames.
        """
        try:
            while True:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._channel.unsent else 0)
                self._selector.modify(self._channel, events, "parent")
                for key, _ in self._selector.select(self._tick_s()):
                    if key.data == "children":
                        os.read(self._wake_r, 4096)
                        continue
                    self._channel.flush()
                    for message in self._channel.receive():
                        context = self._obey(message)
                        if context is not None:
                            return context
                self._reap()
                if self._samples and time.monotonic() >= self._next_poll:
                    self._poll()
                    self._next_poll = time.monotonic() + (self._tick_s() or 0)
        except (EOFError, BrokenPipeError):
            for sample in self._samples.values():
                self._sandbox.kill(sample.pid)
        return None

    def _tick_s(self) -> float | None:
        """Seconds between two polls; None without samples."""
        if not self._samples:
            return None
        return WAITING_TICK_S if all(sample.waiting for sample in self._samples.values()) else TICK_S

    def _obey(self, message: protocol.Message) -> ForkContext | None:
        """Do what the parent asks. In the forked process of a new sample: return what it needs."""
        if isinstance(message, protocol.StartProgram):
            return self._start(message, self._channel.take_descriptor())
        assert isinstance(message, protocol.Stop)
        for sample in self._samples.values():
            if sample.request == message.id:
                self._kill(sample, message.why)
        return None

    def _start(self, run: protocol.StartProgram, line: int) -> ForkContext | None:
        setup_r, setup_w = os.pipe()
        # Before the fork: on a busy machine the sample may end before this process runs again.
        now = time.monotonic()
        try:
            pid = self._sandbox.fork()
        except OSError as error:
            for fd in (line, setup_r, setup_w):
                os.close(fd)
            self._channel.send(protocol.Broken(run.id, f"cannot start a process: {error}"))
            return None
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return ForkContext(run, line, setup_w, self._sandbox, self._limits.output_bytes)
        os.close(line)
        os.close(setup_w)
        os.set_blocking(setup_r, False)
        self._samples[pid] = RunningProgram(run.id, pid, setup_r, started=now, timeout_s=run.timeout_s, polled=now)
        # Until it is polled it counts as one that needs a core, which keeps the next program from starting.
        self._next_poll = min(self._next_poll, now + TICK_S)
        return None

    def _reap(self) -> None:
        """Collect all processes that ended, also orphans that became children of this process."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | processes.THREADS_TOO)
                if not pid:
                    return
                if pid in self._samples:
                    self._finish(self._samples.pop(pid), status)

    def _finish(self, sample: RunningProgram, status: int) -> None:
        seconds = time.monotonic() - sample.started
        self._sandbox.finish(sample.pid)
        why_broken = b""
        with contextlib.suppress(BlockingIOError):  # it was killed during its setup
            why_broken = os.read(sample.setup_fd, 4096)
        os.close(sample.setup_fd)
        if why_broken and not sample.killed:
            self._channel.send(protocol.Broken(sample.request, why_broken.decode("utf-8", "replace")))
            return
        code = os.waitstatus_to_exitcode(status)
        self._channel.send(protocol.Done(sample.request, code, sample.killed, seconds, sample.starved_s))

    def _kill(self, sample: RunningProgram, why: str) -> None:
        if not sample.killed:
            sample.killed = why
            self._sandbox.kill(sample.pid)

    def _poll(self) -> None:
        """Enforce the limits, and tell the parent which samples wait."""
        now, table = time.monotonic(), processes.snapshot()
        before = [sample.waiting for sample in self._samples.values()]
        for sample in self._samples.values():
            if sample.killed:  # again: when it was killed it may have been starting processes
                self._sandbox.kill(sample.pid)
                continue
            below = processes.descendants(self._sandbox.roots(sample.pid), table)
            if sum(p.threads for p in below) > self._limits.processes:
                self._kill(sample, "processes")
            elif sample.tally.is_over(self._limits.tree_memory_bytes, below):
                self._kill(sample, "memory")
            cpu_s = sum(p.cpu_s for p in below)
            elapsed_s = max(now - sample.polled, 1e-3)
            # A child's CPU time disappears when the child ends and comes back when its parent collects it.
            used = max(0.0, cpu_s - sample.cpu_s) / elapsed_s
            runnable = any(p.state == "R" for p in below)
            if runnable:
                sample.starved_s += max(0.0, elapsed_s * (1 - used))
            if now - sample.started >= sample.timeout_s + min(sample.starved_s, sample.timeout_s):
                self._kill(sample, "timeout")
            sample.waiting = bool(below) and used < BUSY_SHARE and not runnable
            sample.cpu_s, sample.polled, sample.rss_bytes = cpu_s, now, sum(p.rss_bytes for p in below)
        running = [sample for sample in self._samples.values() if not sample.killed]
        # Otherwise the kernel ends any of them, and that would look like the program's own fault.
        if len(running) > 1 and self._machine.urgent:
            self._kill(max(running, key=lambda sample: sample.rss_bytes), protocol.CROWDED)
        if before != [sample.waiting for sample in self._samples.values()]:
            self._channel.send(protocol.Waiting([s.request for s in self._samples.values() if s.waiting]))


def _keep_only(fd: int) -> int:
    """Close every descriptor but the standard three and `fd`, which moves to a number that is hard to guess."""
    # Beyond what loops over small numbers reach, below the limit on open files.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    first, beyond = (300, 900) if limit >= 900 else (limit // 2, limit)
    moved = first + int.from_bytes(os.urandom(8), "big") % (beyond - first)
    os.dup2(fd, moved, inheritable=False)
    os.dup2(1, 2)  # standard error is the server's log
    kernel.close_from(3, besides=moved)
    return moved


def _yield_to_others() -> None:
    """Give way to everything else on the machine, with all children to come. Raises OSError."""
    # Beside a process that computes it gets a seventieth of the core. Not SCHED_IDLE, which gets nothing while others
    # keep all cores busy. SCHED_BATCH never preempts a running thread.
    os.nice(19)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _take_turns_on_one_core(number: int) -> None:
    """Let this process's threads share the `number`th core (modulo), each until it waits or its time slice ends.

    Raises OSError.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})
    # A thread of this policy does not preempt the running one when it wakes: sched(7), SCHED_BATCH.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _seed(task_id: str) -> int:
    return int.from_bytes(hashlib.sha256(task_id.encode("utf-8", "replace")).digest()[:4], "big")


def _hide_worker() -> None:
    """Take this package out of the reach of import statements."""
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.argv[:] = [""]


def _serve(fd: int) -> list[ForkContext]:
    """Serve the parent on the socket `fd`: nothing, or one `ForkContext`; see `Server.serve`.

    Everything else that the server holds is gone after the return.
    """
    settings = read_message(fd)
    if not isinstance(settings, protocol.ServerSettings):
        raise protocol.ProtocolError(f"{type(settings).__name__} in place of ServerSettings")
    channel = Channel(socket.socket(fileno=fd))
    machine = memory.MachineMemory()  # before `enter`, which may hide what it reads
    try:
        sandbox = backends.create(settings)
        sandbox.enter()
    except SandboxSetupError as error:
        channel.send(protocol.SetupFailed(str(error)))
        return []
    begun = time.monotonic()
    preload.load(settings.preload)
    suite_result.remember()
    channel.send(protocol.Ready(time.monotonic() - begun, sandbox.degraded))
    context = Server(channel, settings.limits, sandbox, machine).serve()
    channel.close()
    return [] if context is None else [context]


def _setup_sample(context: ForkContext) -> tuple[protocol.Program, bytes, int, int]:
    """In a forked process: receive the program, confine this process for good, drop what belongs to the server.

    Returns the arguments of `runner.run`.
    """
    try:
        run = context.run
        token = bytes(read_exactly(context.line, protocol.TOKEN_BYTES))
        program = read_message(context.line)
        if not isinstance(program, protocol.Program):
            raise protocol.ProtocolError(f"{type(program).__name__} in place of a program")
        raised = _raise_oom_score()
        if run.background:
            _yield_to_others()
        if run.one_core:
            _take_turns_on_one_core(run.id)
        context.sandbox.restrict(program.solution + program.test)
        if not raised:  # the server's /proc may not allow it, the sandbox's own does
            _raise_oom_score()
        preload.reset(_seed(program.task_id))
        _hide_worker()
        # Last, because it closes `setup` too, through which a failure is reported.
        return program, token, _keep_only(context.line), context.output_bytes
    except BaseException as error:
        _fail_setup(context.setup, error)


def _fail_setup(setup: int, error: BaseException) -> NoReturn:
    """Report the error and leave, whatever happens: the server's own code would run next."""
    try:
        os.write(setup, str(error).encode("utf-8", "replace")[:4096] or b"?")
    finally:
        os._exit(SETUP_FAILED)


def _raise_oom_score() -> bool:
    """Let the kernel end this process first if the machine's memory runs out. Whether that is set."""
    try:
        kernel.write_file("/proc/self/oom_score_adj", "1000")
    except OSError:
        return False
    return True


def main(fd: int) -> None:
    """Serve the parent on the socket `fd`; in the forked processes, run a program."""
    context = _serve(fd)
    if context:
        # Popped: no frame below the program's holds what came from the server.
        runner.run(*_setup_sample(context.pop()))
