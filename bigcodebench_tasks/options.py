"""What a user may change: task options and environment variables, and the one place where both become values.

Task options come with ``--metadata '{"bigcodebench": {...}}'``. They share one key, so that a misspelt name is an
error: the harness merges ``--metadata`` with the model's arguments, and ignores names that it does not know.

An option wins over its environment variable, which wins over the default. The rest of the package gets values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bigcodebench_tasks.errors import OptionError

KEY = "bigcodebench"


@dataclass(frozen=True)
class Options:
    """Options of one task.

    Attributes:
        n_samples: samples per task (the harness calls them repeats).
        version: dataset version, a split of the dataset on the Hub; None keeps the YAML's ``test_split``.
        direct_completion: complete the raw prompt even if a chat template is applied.
        prefill: in chat, open the assistant's turn with ``response_prefix`` and a code fence (official
            ``skip_prefill`` is ``"prefill": false``).
        calibrated: put the task's ``code_prompt`` and ``pass`` before the solution (official default).
        strip_newlines: strip newlines at both ends of the prompt (official ``strip_newlines``).
        instruction_prefix: first line of the user's message.
        response_prefix: first line of the prefilled assistant's turn.
        workers: programs that may use a core at the same time; None: all cores that this process may use.
        sandbox: "namespaces", "landlock" or "none"; None: the strongest that works.
        cluster: Ray cluster whose nodes run programs: "auto", or host and port of its head node; None: this machine.
        network: "loopback", or "host" for the few tasks whose programs need the internet.
        speed: "official", or "fast" for shorter time limits (`execution.speed`).
        ground_truth: "check" executes the canonical solutions that are not known to pass, and reports their pass
            rate; "skip" does not.
        cache: use cached verdicts of programs that ran under the same conditions; an interrupted run so continues
            where it stopped.
        domains: report pass@1 of each domain too, as metrics of their own.
        head_start: execute responses while the model generates; changes no verdict, and needs `cache`.
        reasoning: "on" for a model that reasons before it answers: its turn is not prefilled, the loader gets no stop
            strings, and the reasoning is removed. "auto" does so if the loader's arguments or the chat template show
            that the model reasons, and removes reasoning wherever a response has it. "off" does as the official code.
        reasoning_end: additional end-of-reasoning marker, beside `reasoning.MARKERS`.
    """

    n_samples: int = 1
    version: str | None = None
    direct_completion: bool = False
    prefill: bool = True
    calibrated: bool = True
    strip_newlines: bool = False
    instruction_prefix: str = (
        "Please provide a self-contained Python script that solves the following problem in a markdown code block:"
    )
    response_prefix: str = (
        "Below is a Python script with a self-contained function that solves the problem and passes "
        "corresponding tests:"
    )
    workers: int | None = None
    sandbox: str | None = None
    cluster: str | None = None
    network: str = "loopback"
    speed: str = "official"
    ground_truth: str = "check"
    cache: bool = True
    domains: bool = False
    head_start: bool = True
    reasoning: str = "auto"
    reasoning_end: str | None = None

    @classmethod
    def resolve(cls, *sections: Any, variables: Mapping[str, str] | None = None) -> Options:
        """Options, then environment variables, then defaults.

        Args:
            sections: mappings from option name to value, the last one winning; None counts as empty.
            variables: the environment; ``os.environ`` by default.

        Raises:
            OptionError: a section is no mapping, or holds an unknown name, a wrong type or a value out of range; or a
                variable has a wrong value.
        """
        merged: dict[str, Any] = {}
        for section in sections:
            if section is None:
                continue
            if not isinstance(section, Mapping):
                raise OptionError(
                    f"option {KEY!r} must be a mapping of option names to values, not {section!r}. "
                    f'Pass it as --metadata \'{{"{KEY}": {{"n_samples": 10}}}}\'. {_allowed()}'
                )
            for name, value in section.items():
                merged[name] = _checked(name, value)
        from_environment = {name: read(variables) for name, read in _FROM_ENVIRONMENT.items() if name not in merged}
        return cls(**from_environment, **merged)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Options:
        """The options of a results file, as `to_dict` wrote them. Raises OptionError."""
        return cls(**{name: _checked(name, value) for name, value in content.items() if value is not None})

    def to_dict(self) -> dict[str, Any]:
        """The options as plain JSON types, for the results file."""
        return asdict(self)


_TYPES: dict[str, type] = {
    each.name: {"int": int, "bool": bool, "str": str}[str(each.type).removesuffix(" | None")]
    for each in fields(Options)
}

CHOICES = {
    "sandbox": ("namespaces", "landlock", "none"),
    "network": ("loopback", "host"),
    "speed": ("official", "fast"),
    "ground_truth": ("check", "skip"),
    "reasoning": ("auto", "on", "off"),
}
"""The values of options that are words; commands and the engine use the same."""


def _allowed() -> str:
    return "Allowed options: " + ", ".join(f"{name} ({kind.__name__})" for name, kind in _TYPES.items()) + "."


def _checked(name: str, value: Any) -> Any:
    if name not in _TYPES:
        raise OptionError(f"unknown {KEY} option {name!r}. {_allowed()}")
    kind = _TYPES[name]
    # bool is a subclass of int, but true for n_samples is a mistake, not the number 1.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise OptionError(f"{KEY} option {name!r} must be of type {kind.__name__}, not {value!r}. {_allowed()}")
    if name in CHOICES and value not in CHOICES[name]:
        raise OptionError(f"{KEY} option {name!r} must be one of {', '.join(CHOICES[name])}, not {value!r}.")
    if name in ("n_samples", "workers") and isinstance(value, int) and value < 1:
        raise OptionError(f"{KEY} option {name!r} must be at least 1, not {value}.")
    if name == "reasoning_end" and not value:
        raise OptionError(f"{KEY} option 'reasoning_end' must be the text that ends reasoning, not an empty one.")
    return value


def misplaced(metadata: Mapping[str, Any]) -> list[str]:
    """Names of options that were given outside of `KEY`, where they do nothing.

    Args:
        metadata: what the harness merged: the task's own, the model's arguments, and ``--metadata``.
    """
    dotted = [name for name in metadata if name.startswith(f"{KEY}.")]
    # "version" is the harness's name for a task's version.
    return dotted + [name for name in _TYPES if name in metadata and name != "version"]


@dataclass(frozen=True)
class Variable:
    """An environment variable. An empty one counts as not set.

    Attributes:
        name: as in the environment.
        default: what applies if it is not set, for the docs.
        meaning: its value, with the unit, and what it changes, for the docs.
        read_by: the module that reads it.
    """

    name: str
    default: str
    meaning: str
    read_by: str

    def value(self, variables: Mapping[str, str] | None = None) -> str | None:
        """Its value; None if it is not set or empty.

        Args:
            variables: the environment; ``os.environ`` by default.
        """
        return (os.environ if variables is None else variables).get(self.name) or None


CACHE = Variable(
    name="BIGCODEBENCH_CACHE",
    default="`bigcodebench-tasks` in the user's cache folder (`~/.cache` on most systems)",
    meaning="folder of what is kept between runs: execution environments, verdicts and responses",
    read_by="bigcodebench_tasks.files",
)
OVERRIDE_PATH = Variable(
    name="BIGCODEBENCH_OVERRIDE_PATH",
    default="the dataset comes from the Hub or its cache",
    meaning="JSONL file (`.gz` too) of tasks that replaces the download, as in the official package",
    read_by="bigcodebench_tasks.benchmark.dataset",
)
PYTHON = Variable(
    name="BIGCODEBENCH_PYTHON",
    default="an execution environment that this package builds",
    meaning="interpreter that has the tasks' libraries; it is used unchanged, and results call its lock `custom`",
    read_by="bigcodebench_tasks.environment.environment",
)
LOCK = Variable(
    name="BIGCODEBENCH_LOCK",
    default="`official` before `current`",
    meaning="`official` or `current`: which execution environment to use or to build",
    read_by="bigcodebench_tasks.environment.environment",
)
TIMEOUT_PER_TASK = Variable(
    name="BIGCODEBENCH_TIMEOUT_PER_TASK",
    default="240",
    meaning="seconds that each program may take; changes scores, so results show it",
    read_by="bigcodebench_tasks.options",
)
WORKERS = Variable(
    name="BIGCODEBENCH_WORKERS",
    default="the cores that this process may use",
    meaning="programs that may use a core at the same time; the option `workers` wins",
    read_by="bigcodebench_tasks.options",
)
SANDBOX = Variable(
    name="BIGCODEBENCH_SANDBOX",
    default="the strongest that works",
    meaning="sandbox: `namespaces`, `landlock` or `none`; the option `sandbox` wins",
    read_by="bigcodebench_tasks.options",
)
CLUSTER = Variable(
    name="BIGCODEBENCH_CLUSTER",
    default="programs run on this machine",
    meaning="the Ray cluster whose nodes run programs: `auto`, or host and port of its head node; the option "
    "`cluster` wins",
    read_by="bigcodebench_tasks.options",
)
AUTOLOAD = Variable(
    name="BIGCODEBENCH_TASKS_AUTOLOAD",
    default="on",
    meaning="`0` turns the automatic discovery by lm-eval off",
    read_by="bigcodebench_tasks.autoload",
)

VARIABLES = (CACHE, OVERRIDE_PATH, PYTHON, LOCK, TIMEOUT_PER_TASK, WORKERS, SANDBOX, CLUSTER, AUTOLOAD)
"""Every environment variable of this package; docs/reference/variables.md shows them."""


def workers_from_environment(variables: Mapping[str, str] | None = None) -> int | None:
    """`WORKERS`; None if it is not set. Raises OptionError."""
    text = WORKERS.value(variables)
    if text is not None and (not text.isdecimal() or int(text) < 1):
        raise OptionError(f"{WORKERS.name}={text!r}: expected a positive number of workers, such as 4")
    return None if text is None else int(text)


def sandbox_from_environment(variables: Mapping[str, str] | None = None) -> str | None:
    """`SANDBOX`; None if it is not set. Raises OptionError."""
    text = SANDBOX.value(variables)
    if text not in (None, *CHOICES["sandbox"]):
        raise OptionError(f"{SANDBOX.name}={text!r}: expected one of {', '.join(CHOICES['sandbox'])}")
    return text


def cluster_from_environment(variables: Mapping[str, str] | None = None) -> str | None:
    """`CLUSTER`; None if it is not set."""
    return CLUSTER.value(variables)


def timeout_from_environment(variables: Mapping[str, str] | None = None) -> float | None:
    """`TIMEOUT_PER_TASK` in seconds; None if it is not set. Raises OptionError."""
    text = TIMEOUT_PER_TASK.value(variables)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise OptionError(f"{TIMEOUT_PER_TASK.name}={text!r}: expected a positive number of seconds, such as 240")
    return seconds


_FROM_ENVIRONMENT: Mapping[str, Callable[[Mapping[str, str] | None], Any]] = {
    "workers": workers_from_environment,
    "sandbox": sandbox_from_environment,
    "cluster": cluster_from_environment,
}
"""Option to the function that reads its environment variable."""
