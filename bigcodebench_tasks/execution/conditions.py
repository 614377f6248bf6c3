"""Everything that a verdict depends on besides the program, as one frozen value."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bigcodebench_tasks.environment import nltk_data
from bigcodebench_tasks.environment.environment import Environment
from bigcodebench_tasks.environment.verify import missing_programs
from bigcodebench_tasks.execution.worker.protocol import Limits

__all__ = ["OFFICIAL_LIMITS", "Conditions", "Limits", "Sandbox"]

OFFICIAL_LIMITS = Limits()


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


def _sha256_of_code(execution: Path) -> str:
    files = [*sorted((execution / "worker").rglob("*.py")), execution / "judge.py"]
    contents = [(file.relative_to(execution).as_posix(), file.read_text(encoding="utf-8")) for file in files]
    return hashlib.sha256(json.dumps(contents).encode("ascii")).hexdigest()


@functools.cache
def code_sha256() -> str:
    """SHA-256, hex, of the code that runs and judges programs: ``execution/worker/`` and ``judge.py``."""
    return _sha256_of_code(Path(__file__).parent)


MAY_DIFFER = ("missing",)
"""Fields of `Conditions` that may differ between machines that score one evaluation together."""


@dataclass(frozen=True)
class Conditions:
    """The conditions under which programs are executed: verdicts under equal conditions can be compared.

    The verdict cache, the results and a cluster use this and nothing else, so a new thing that can change a verdict
    becomes a field here.

    Attributes:
        lock, lock_sha256: see `Environment`; they name the versions of all libraries.
        limits: of each program. `Limits.tree_memory_mib` is None unless the user chose it: a program that exceeds the
            machine's share is a timeout, which is never cached.
        sandbox: what confines each sample.
        speed: "official" or "fast"; see `execution.speed`.
        missing: the programs and NLTK data sets that tasks use and that this machine does not have. Installing one of
            them may turn a failure into a pass.
        code: see `code_sha256`.
    """

    lock: str
    lock_sha256: str
    limits: Limits
    sandbox: Sandbox
    speed: str = "official"
    missing: tuple[str, ...] = ()
    code: str = field(default_factory=code_sha256)

    @classmethod
    def of(
        cls, environment: Environment, sandbox: Sandbox, limits: Limits = OFFICIAL_LIMITS, speed: str = "official"
    ) -> Conditions:
        """The conditions in an environment and a sandbox on this machine."""
        return cls(
            lock=environment.lock,
            lock_sha256=environment.lock_sha256,
            limits=limits,
            sandbox=sandbox,
            speed=speed,
            missing=missing_on_machine(environment),
        )

    def to_dict(self) -> dict[str, Any]:
        """The conditions as plain JSON types."""
        return {**asdict(self), "missing": list(self.missing)}

    def key(self) -> str:
        """SHA-256, hex: equal for equal conditions only, in every process and on every machine."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode("ascii")).hexdigest()


def missing_on_machine(environment: Environment) -> tuple[str, ...]:
    """Names of the system programs and NLTK data sets that tasks use and that samples do not find here."""
    programs = [program.name for program in missing_programs(environment)]
    data = [f"NLTK data {data.name}" for data in nltk_data.missing(environment.folder, *nltk_data.SYSTEM_FOLDERS)]
    return (*programs, *data)
