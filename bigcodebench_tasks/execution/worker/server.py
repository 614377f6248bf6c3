"""The fork server: imports the common libraries once, then forks every sample from itself.

It is the mechanism only. Which program runs when is the parent's decision (`scheduler`), what an outcome means
too (`judge`): the server starts, watches, kills and says how a process ended. It never sees a program, a report or
the secret of one: each sample inherits the server's memory, and nothing of others shall be found there.
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

    `setup_fd` is where its process says why it could not be confined; it has that descriptor only until then.
    `starved_s` is how long it wanted a core that something else on the machine had. That time does not
    count against `timeout_s`, up to once that limit: a verdict shall not depend on the neighbours.
    """

    request: int
    pid: int
    setup_fd: int
    started: float
    timeout_s: float
    killed: str = ""
    cpu_s: float = 0.0
    looked: float = 0.0
    waiting: bool = False
    starved_s: float = 0.0
    rss_bytes: int = 0
    tally: memory.Tally = field(default_factory=memory.Tally)


@dataclass(frozen=True)
class ForkContext:
    """What a forked process takes along of the server, until it is a sample: `line` and `setup` are descriptors."""

    run: protocol.StartProgram
    line: int
    setup: int
    box: Sandbox
    output_bytes: int
    modules: list[str]


class Server:
    """Serves one parent until it closes the channel."""

    def __init__(
        self,
        channel: Channel,
        limits: protocol.Limits,
        box: Sandbox,
        machine: memory.MachineMemory,
    ) -> None:
        self._channel = channel
        self._machine = machine
        self._limits = limits
        self._box = box
        self._samples: dict[int, RunningProgram] = {}
        self._selector = selectors.PollSelector()  # samples can use up the user's epoll watches
        self._selector.register(channel, selectors.EVENT_READ, "parent")
        self._wake_r, self._wake_w = os.pipe()
        for end in (self._wake_r, self._wake_w):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        self._selector.register(self._wake_r, selectors.EVENT_READ, "children")
        self._next_look = 0.0
        self._modules = _our_modules()

    def serve(self) -> ForkContext | None:
        """Run requests until the parent is gone: None. In each forked process it returns as well: what that needs.

        A sample does not go on from inside here, because its program could walk up the stack to the server's state.
        """
        try:
            while True:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._channel.unsent else 0)
                self._selector.modify(self._channel, events, "parent")
                for key, _ in self._selector.select(self._tick_s()):
                    if key.data == "parent":
                        self._channel.flush()
                        for message in self._channel.receive():
                            context = self._obey(message)
                            if context is not None:
                                return context
                    else:
                        os.read(self._wake_r, 4096)
                self._reap()
                if self._samples and time.monotonic() >= self._next_look:
                    self._look()
                    self._next_look = time.monotonic() + (self._tick_s() or 0)
        except (EOFError, BrokenPipeError):
            for sample in self._samples.values():
                self._box.kill(sample.pid)
        return None

    def _tick_s(self) -> float | None:
        """Seconds until the next look; None if there is nothing to look at."""
        if not self._samples:
            return None
        return WAITING_TICK_S if all(sample.waiting for sample in self._samples.values()) else TICK_S

    def _obey(self, message: protocol.Message) -> ForkContext | None:
        """Do what the parent says. In the forked process of a new sample: what it needs."""
        if isinstance(message, protocol.Stop):
            for sample in self._samples.values():
                if sample.request == message.id:
                    self._kill(sample, message.why)
            return None
        assert isinstance(message, protocol.StartProgram)
        return self._start(message, self._channel.take_descriptor())

    def _start(self, run: protocol.StartProgram, line: int) -> ForkContext | None:
        setup_r, setup_w = os.pipe()
        # Before the fork: on a busy machine the sample may be done before this process runs again.
        now = time.monotonic()
        try:
            pid = self._box.fork()
        except OSError as error:
            for fd in (line, setup_r, setup_w):
                os.close(fd)
            self._channel.send(protocol.Broken(run.id, f"cannot start a process: {error}"))
            return None
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return ForkContext(run, line, setup_w, self._box, self._limits.output_bytes, self._modules)
        os.close(line)
        os.close(setup_w)
        os.set_blocking(setup_r, False)
        self._samples[pid] = RunningProgram(run.id, pid, setup_r, now, run.timeout_s, looked=now)
        # It counts as one that wants a core until somebody has looked, and keeps the next one from starting so long.
        self._next_look = min(self._next_look, now + TICK_S)
        return None

    def _reap(self) -> None:
        """Collect whoever has ended, also what became a child of this process without being a sample."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | processes.THREADS_TOO)
            except ChildProcessError:
                return
            if not pid:
                return
            sample = self._samples.get(pid)
            if sample is not None:
                self._finish(sample, status)

    def _finish(self, sample: RunningProgram, status: int) -> None:
        ended = time.monotonic()
        self._box.finish(sample.pid)
        del self._samples[sample.pid]
        code = os.waitstatus_to_exitcode(status)
        why_broken = b""
        with contextlib.suppress(BlockingIOError):  # a process that was killed before it could say anything
            why_broken = os.read(sample.setup_fd, 4096)
        os.close(sample.setup_fd)
        if why_broken and not sample.killed:
            self._channel.send(protocol.Broken(sample.request, why_broken.decode("utf-8", "replace")))
            return
        self._channel.send(
            protocol.Done(
                id=sample.request,
                exit=code,
                killed=sample.killed,
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
        table = processes.snapshot()
        changed = False
        for sample in self._samples.values():
            if sample.killed:  # it may have been just starting when it was killed
                self._box.kill(sample.pid)
                continue
            below = processes.descendants(self._box.roots(sample.pid), table)
            if sum(p.threads for p in below) > self._limits.processes:
                self._kill(sample, "processes")
            elif sample.tally.is_over(self._limits.tree_memory_bytes, below):
                self._kill(sample, "memory")
            sample.rss_bytes = sum(p.rss_bytes for p in below)
            cpu_s = sum(p.cpu_s for p in below)
            elapsed = max(now - sample.looked, 1e-3)
            used = max(0.0, cpu_s - sample.cpu_s) / elapsed  # what a child used is gone until it is reaped
            runnable = any(p.state == "R" for p in below)
            if runnable:
                sample.starved_s += max(0.0, elapsed * (1 - used))
            if now - sample.started >= sample.timeout_s + min(sample.starved_s, sample.timeout_s):
                self._kill(sample, "timeout")
            waiting = bool(below) and used < BUSY_SHARE and not runnable
            sample.cpu_s, sample.looked = cpu_s, now
            changed |= waiting != sample.waiting
            sample.waiting = waiting
        running = [sample for sample in self._samples.values() if not sample.killed]
        # The kernel would take any of them, and that would look like its own fault.
        if len(running) > 1 and self._machine.urgent:
            self._kill(max(running, key=lambda sample: sample.rss_bytes), protocol.CROWDED)
        if changed:
            self._channel.send(protocol.Waiting([s.request for s in self._samples.values() if s.waiting]))


def _keep_only(fd: int) -> int:
    """Close every descriptor but the standard three and `fd`, which moves to an unlikely number."""
    # Beyond what loops over small numbers reach, below the limit on open files.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    first, beyond = (300, 900) if limit >= 900 else (limit // 2, limit)
    moved = first + int.from_bytes(os.urandom(8), "big") % (beyond - first)
    os.dup2(fd, moved, inheritable=False)
    os.dup2(1, 2)  # the server's own errors go to its log
    kernel.close_from(3, moved - 1)
    kernel.close_from(moved + 1)
    return moved


def _yield_to_others() -> None:
    """Run from now on, with all children to come, with what others leave of the cores. Raises OSError."""
    # Beside a process that computes it gets a seventieth of the core. Not SCHED_IDLE, which would get nothing for as
    # long as a loader keeps all cores busy. SCHED_BATCH never preempts a loader's thread that was there first.
    os.nice(19)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


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


def _serve(fd: int) -> list[ForkContext]:
    """Serve the parent on the socket `fd`: nothing, or one `ForkContext`; see `Server.serve`.

    Whatever else the server holds is gone after the return.
    """
    settings = read_message(fd)
    if not isinstance(settings, protocol.ServerSettings):
        raise protocol.ProtocolError(f"{type(settings).__name__} in place of ServerSettings")
    channel = Channel(socket.socket(fileno=fd))
    machine = memory.MachineMemory()  # before `enter`, which may hide what it reads
    try:
        box = backends.create(settings)
        box.enter()
    except SandboxSetupError as error:
        channel.send(protocol.SetupFailed(str(error)))
        return []
    begun = time.monotonic()
    preload.load(settings.preload)
    suite_result.remember()
    channel.send(protocol.Ready(time.monotonic() - begun, box.degraded))
    context = Server(channel, settings.limits, box, machine).serve()
    channel.close()
    return [] if context is None else [context]


def _setup_sample(context: ForkContext) -> tuple[protocol.Program, bytes, int, int, bool]:
    """In a forked process: take the program, restrict this process for good, drop what is the server's.

    Returns the arguments of `runner.run`.
    """
    try:
        run = context.run
        token = bytes(read_exactly(context.line, protocol.TOKEN_BYTES))
        program = read_message(context.line)
        if not isinstance(program, protocol.Program):
            raise protocol.ProtocolError(f"{type(program).__name__} in place of a program")
        goes_first = _raise_oom_score()
        if run.background:
            _yield_to_others()
        if run.one_core:
            _take_turns_on_one_core(run.id)
        context.box.restrict(program.solution + program.test)
        if not goes_first:  # where the server's /proc does not let this process, the sandbox's own does
            _raise_oom_score()
        preload.reset(_seed(program.task_id))
        _forget(context.modules)
        # Last, because it closes `setup` too: from here on nobody can say that this process could not be confined.
        return program, token, _keep_only(context.line), context.output_bytes, run.stop_at_failure
    except BaseException as error:
        _could_not_be_confined(context.setup, error)


def _could_not_be_confined(setup: int, error: BaseException) -> NoReturn:
    """Say so and leave, whatever happens: behind this stand the server's own frames."""
    try:
        os.write(setup, str(error).encode("utf-8", "replace")[:4096] or b"?")
    finally:
        os._exit(SETUP_FAILED)


def _raise_oom_score() -> bool:
    """Should the machine's memory run out, the kernel takes samples before anything else. Whether it has been told."""
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
