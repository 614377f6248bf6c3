"""What a user may change: task options, and environment variables.

Task options come with ``--metadata '{"bigcodebench": {...}}'``. All of them live under one key, so that a misspelt
name is an error and not silently ignored among the model arguments, which the harness merges into the same mapping.
Environment variables stand in one list, from which the modules that read them take the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bigcodebench_tasks.errors import OptionError

KEY = "bigcodebench"

LEADERBOARD = "leaderboard"
"""The preset whose scores can stand beside published ones: every option's default, and the task's decoding."""


@dataclass(frozen=True)
class Options:
    """Options of one task, resolved: defaults, then the YAML's section, then the command line.

    Attributes:
        n_samples: samples per task (the harness calls this repeats).
        version: dataset version, a split of the dataset on the Hub; None keeps the YAML's ``test_split``.
        direct_completion: complete the raw prompt even though a chat template is applied.
        prefill: in chat, open the assistant's turn with ``response_prefix`` and a code fence (official
            ``skip_prefill`` is ``"prefill": false``).
        calibrated: put the task's ``code_prompt`` and ``pass`` before the solution (official default).
        strip_newlines: strip newlines at both ends of the prompt (official ``strip_newlines``).
        instruction_prefix: first line of the user's message.
        response_prefix: first line of the prefilled assistant's turn.
        workers: programs that may use a core at the same time; None takes ``BIGCODEBENCH_WORKERS``, or the cores
            that this process may use.
        sandbox: sandbox level; None takes ``BIGCODEBENCH_SANDBOX``, or the strongest that the machine gives.
        cluster: the Ray cluster whose machines run programs: "auto", or host and port of its head node; None takes
            ``BIGCODEBENCH_CLUSTER``, or this machine.
        network: "loopback", or "host" for the few tasks whose programs need the internet.
        speed: "official", or "fast" for the same pass@k sooner: a shorter time limit by task
            (`execution.speed`).
        ground_truth: "check" executes the canonical solutions of the run's tasks where no record of them is kept,
            and reports their pass rate; "skip" does not.
        cache: take verdicts of programs that were executed under the same conditions before from the cache
            folder; an interrupted run so continues where it stopped.
        domains: report pass@1 of each domain too, as metrics of their own.
        head_start: execute answers while the model generates; changes no verdict, only when the score is there.
        preset: name of the settings that the other options start from; there is one, `LEADERBOARD`, which is the
            defaults. Results say it by name, and how the run differs from it (`scoring.presets`).
        thinking: "on" for a model that thinks before it answers: its turn is not prefilled, the loader is given no stop
            strings, and thoughts are taken off. "auto" does so where the loader's arguments or the chat template say
            that the model thinks, and takes off thoughts wherever an answer has them. "off" does as the official code.
        think_end: text that ends thoughts, beside the markers that are known (`thoughts.MARKERS`).
        chosen: names of the options that were given, whatever their value; no option itself.
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
    preset: str = LEADERBOARD
    thinking: str = "auto"
    think_end: str | None = None
    chosen: frozenset[str] = field(default=frozenset(), compare=False)

    @classmethod
    def resolve(cls, *sections: Any) -> Options:
        """Merge option sections, the last one winning.

        Args:
            sections: mappings from option name to value; None counts as empty.

        Raises:
            OptionError: a section is no mapping, or holds an unknown name, a wrong type or a value out of range.
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
        return cls(**merged, chosen=frozenset(merged))

    def to_dict(self) -> dict[str, Any]:
        """The options as plain JSON types, for the results file."""
        return {name: getattr(self, name) for name in _TYPES}


_TYPES: dict[str, type] = {
    each.name: {"int": int, "bool": bool, "str": str}[str(each.type).removesuffix(" | None")]
    for each in fields(Options)
    if each.name != "chosen"
}

CHOICES = {
    "sandbox": ("namespaces", "landlock", "none"),
    "network": ("loopback", "host"),
    "speed": ("official", "fast"),
    "ground_truth": ("check", "skip"),
    "preset": (LEADERBOARD,),
    "thinking": ("auto", "on", "off"),
}
"""What options that are words may be; commands and the engine take theirs from here."""


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
    if name == "think_end" and not value:
        raise OptionError(f"{KEY} option 'think_end' must be the text that ends thoughts, not an empty one.")
    return value


def strays(metadata: Mapping[str, Any]) -> list[str]:
    """Names of our options that were given outside of our key, where they do nothing.

    Args:
        metadata: what the harness merged: the task's own, the model's arguments, and ``--metadata``.
    """
    dotted = [name for name in metadata if name.startswith(f"{KEY}.")]
    # "version" is the harness's name for a task's version.
    return dotted + [name for name in _TYPES if name in metadata and name != "version"]


@dataclass(frozen=True)
class Variable:
    """An environment variable that changes what this package does. An empty one counts as not set.

    Attributes:
        name: as in the environment.
        default: what holds where it is not set, in words.
        meaning: what its value is, with the unit, and what it changes.
        read_by: the module that reads it.
    """

    name: str
    default: str
    meaning: str
    read_by: str


CACHE = Variable(
    name="BIGCODEBENCH_CACHE",
    default="`bigcodebench-tasks` in the user's cache folder (`~/.cache` on most systems)",
    meaning="folder of everything that is kept between runs: execution environments and verdicts",
    read_by="bigcodebench_tasks.files",
)
OVERRIDE_PATH = Variable(
    name="BIGCODEBENCH_OVERRIDE_PATH",
    default="the dataset comes from the Hub, or its cache",
    meaning="a JSONL file (`.gz` too) of tasks in place of the download, as in the official package",
    read_by="bigcodebench_tasks.benchmark.dataset",
)
PYTHON = Variable(
    name="BIGCODEBENCH_PYTHON",
    default="an environment that we build",
    meaning="path of an interpreter that has the tasks' libraries already; it is used as it is, and the lock is called "
    "`custom`",
    read_by="bigcodebench_tasks.environment.environment",
)
LOCK = Variable(
    name="BIGCODEBENCH_LOCK",
    default="`official` before `current`",
    meaning="`official` or `current`: which environment to use where both are built, or to build",
    read_by="bigcodebench_tasks.environment.environment",
)
TIMEOUT_PER_TASK = Variable(
    name="BIGCODEBENCH_TIMEOUT_PER_TASK",
    default="240",
    meaning="seconds that each program has; it changes scores, so results name it",
    read_by="bigcodebench_tasks.execution.conditions",
)
WORKERS = Variable(
    name="BIGCODEBENCH_WORKERS",
    default="the cores that this process may use",
    meaning="programs that may use a core at the same time; the option `workers` wins",
    read_by="bigcodebench_tasks.execution.machine",
)
SANDBOX = Variable(
    name="BIGCODEBENCH_SANDBOX",
    default="the strongest that works",
    meaning="level of sandbox: `namespaces`, `landlock` or `none`; the option `sandbox` wins",
    read_by="bigcodebench_tasks.execution.choose_sandbox",
)
CLUSTER = Variable(
    name="BIGCODEBENCH_CLUSTER",
    default="programs run on this machine",
    meaning="the Ray cluster whose machines run programs: `auto`, or host and port of its head node; the option "
    "`cluster` wins",
    read_by="bigcodebench_tasks.execution.cluster.engine",
)
AUTOLOAD = Variable(
    name="BIGCODEBENCH_TASKS_AUTOLOAD",
    default="on",
    meaning="`0` turns the automatic discovery by lm-eval off",
    read_by="bigcodebench_tasks.autoload",
)

VARIABLES = (CACHE, OVERRIDE_PATH, PYTHON, LOCK, TIMEOUT_PER_TASK, WORKERS, SANDBOX, CLUSTER, AUTOLOAD)
"""Every environment variable of ours; docs/environment-variables.md shows them."""
