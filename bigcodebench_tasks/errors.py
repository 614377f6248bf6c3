"""The errors of this package, in one tree.

::

    BigCodeBenchError
    ├── OptionError             a task option, variable or command argument is wrong
    ├── DatasetError            the tasks cannot be loaded, or are not BigCodeBench's
    ├── OutputError             samples or results of a run cannot be read or written
    ├── PromptError             the model cannot be asked as the task needs
    ├── ExecutionEnvironmentError       the execution environment ...
    │   ├── EnvironmentMissing      does not exist
    │   ├── EnvironmentBuildFailed  could not be built
    │   └── EnvironmentMismatch     is not what its lock promises
    ├── SandboxUnavailable      the machine cannot isolate programs as asked
    ├── ClusterUnavailable      there is no Ray cluster, or no node of it can run programs
    └── ExecutionFailed         the machinery that runs programs broke

A program that fails is never an exception, but a `bigcodebench_tasks.execution.Verdict`. Messages say what to do.
"""


def printable(text: str) -> str:
    """The text with control characters and lone surrogates escaped; line ends and tabs stay.

    Everything from models, programs and foreign files that is printed or logged goes through here, because it can hold
    sequences that change a terminal's title, hide text or type commands.
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


class BigCodeBenchError(Exception):
    """Base of every error of this package. Its text is `printable`."""

    def __str__(self) -> str:
        return printable(super().__str__())


class OptionError(BigCodeBenchError, ValueError):
    """A task option, environment variable or command argument has a wrong name, type or value."""


class DatasetError(BigCodeBenchError):
    """The dataset cannot be loaded, or a row is not a BigCodeBench task."""


class OutputError(BigCodeBenchError):
    """Samples or results of a run cannot be read or written."""


class PromptError(BigCodeBenchError):
    """The model cannot be asked as the task needs (instruct without a chat template)."""


class ExecutionEnvironmentError(BigCodeBenchError):
    """The execution environment cannot be used; the subclasses say why."""


class EnvironmentMissing(ExecutionEnvironmentError):
    """There is no execution environment, and none may be built."""


class EnvironmentBuildFailed(ExecutionEnvironmentError):
    """The execution environment could not be built. Nothing half-built is left."""


class EnvironmentMismatch(ExecutionEnvironmentError):
    """A package of the execution environment is missing, or has another version than in the lock."""


class SandboxUnavailable(BigCodeBenchError):
    """The sandbox does not work on this machine, and the user did not choose a weaker one."""


class ClusterUnavailable(BigCodeBenchError):
    """There is no Ray cluster, Ray is not installed, or no node can run programs as this machine does."""


class ExecutionFailed(BigCodeBenchError):
    """The machinery that runs programs broke. It is never counted as a failed sample."""
