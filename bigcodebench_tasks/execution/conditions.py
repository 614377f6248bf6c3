"""All that a verdict depends on besides the program itself, as one frozen value; and what limits a program has."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bigcodebench_tasks import __version__, options
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.execution.worker import RUNNER_VERSION
from bigcodebench_tasks.execution.worker.protocol import Limits

__all__ = ["TIMEOUT_VARIABLE", "Conditions", "Limits", "Sandbox", "resolve_limits"]

TIMEOUT_VARIABLE = options.TIMEOUT_PER_TASK.name


def resolve_limits(variables: Mapping[str, str] | None = None) -> Limits:
    """The default limits, changed by environment variables.

    Args:
        variables: where to look variables up; ``os.environ`` by default.

    Raises:
        OptionError: ``BIGCODEBENCH_TIMEOUT_PER_TASK`` is not a positive number of seconds.
    """
    text = (os.environ if variables is None else variables).get(TIMEOUT_VARIABLE)
    if not text:
        return Limits()
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise OptionError(f"{TIMEOUT_VARIABLE}={text!r}: expected a positive number of seconds, such as 240")
    return Limits(timeout_s=seconds)


MAY_DIFFER = ("folder",)
"""What machines that score one evaluation together may differ in: a path says nothing, and what lies there is in the
rest."""


_FILES_AND_PROCESSES = {
    "namespaces": "own user, pid, mount, ipc and uts namespaces; read-only system, private scratch folder",
    "landlock": "Landlock for files and signals, seccomp for the rest; processes and devices are shared",
    "none": "limits on time, memory and files only: programs can read and change what this user can",
}
_NETWORK = {
    "namespaces": {"loopback": "network namespace (loopback only)", "host": "the host's network"},
    "landlock": {"loopback": "no TCP connections to other hosts", "host": "the host's network"},
}


@dataclass(frozen=True)
class Sandbox:
    """What confines each sample.

    Attributes:
        kind: "namespaces", "landlock" or "none".
        network: "loopback" or "host".
        degraded: the features of this kind that are missing on this machine; None where there are none.
    """

    kind: str
    network: str = "loopback"
    degraded: str | None = None

    @property
    def description(self) -> str:
        """The sandbox in one line."""
        parts = [_FILES_AND_PROCESSES.get(self.kind), _NETWORK.get(self.kind, {}).get(self.network), self.degraded]
        return f"{self.kind}: {'; '.join(filter(None, parts))}"


@dataclass(frozen=True)
class Conditions:
    """Under which conditions programs are executed: two verdicts under equal ones can be compared.

    The verdict cache, ground truths on record among it, and what a run says of itself use this and nothing else. So a
    new thing that can change a verdict is a field here, and is in all three at once. What can only cure a failure, such
    as a program of the system that is installed later, is in `host_fingerprint`, under which failures are kept besides.

    Attributes:
        lock, lock_sha256: of the environment (see `Environment`): which versions of which libraries.
        folder: the environment's. Two builds of one lock may differ in their NLTK data.
        limits: of each program, as they were chosen. Where `Limits.tree_memory_mib` was left to the machine it is
            None: a program that is killed for it is a timeout, and those are never taken from the cache.
        sandbox: what confines each sample.
        speed: "official", or "fast": a shorter time limit by task (`speed.time_limit_s`).
        runner: `worker.RUNNER_VERSION`, the code around the program.
        package: version of this package, whose judgement a verdict is.
    """

    lock: str
    lock_sha256: str
    folder: str
    limits: Limits
    sandbox: Sandbox
    speed: str = "official"
    runner: int = RUNNER_VERSION
    package: str = __version__

    @classmethod
    def of(
        cls, environment: Environment, sandbox: Sandbox, limits: Limits | None = None, speed: str = "official"
    ) -> Conditions:
        """The conditions in an environment, under the sandbox that was tried there.

        Raises:
            OptionError: `limits` is None and the variable that changes them is not as `resolve_limits` wants it.
        """
        return cls(
            lock=environment.lock,
            lock_sha256=environment.lock_sha256,
            folder=str(environment.folder),
            limits=limits or resolve_limits(),
            sandbox=sandbox,
            speed=speed,
        )

    def to_dict(self) -> dict[str, Any]:
        """The conditions as plain JSON types."""
        return asdict(self)

    def key(self) -> str:
        """SHA-256, hex: the same for equal conditions only, in every process and on every machine."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode("ascii")).hexdigest()
