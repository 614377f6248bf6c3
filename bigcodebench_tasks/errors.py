"""Everything this package raises on purpose, in one tree.

::

    BigCodeBenchError
    ├── OptionError             a task option, variable or command argument is wrong
    ├── DatasetError            the tasks cannot be loaded, or are not BigCodeBench's
    ├── OutputError             samples or results of a run cannot be read or written
    ├── PromptError             the model cannot be asked in the way the task needs
    ├── ExecutionEnvironmentError       the execution environment ...
    │   ├── EnvironmentMissing      is not there
    │   ├── EnvironmentBuildFailed  could not be built
    │   └── EnvironmentMismatch     is there, but lacks or changes something its lock promises
    ├── SandboxUnavailable      the machine cannot isolate programs as asked
    ├── ClusterUnavailable      there is no Ray cluster, or no node of it can run programs
    └── ExecutionFailed         our own machinery broke while running programs

A program that fails is never an exception: it is a `bigcodebench_tasks.execution.Verdict`.
Every message says what to do next.
"""


def printable(text: str) -> str:
    """A text as a terminal may show it: control characters, and what no terminal takes, stand there escaped.

    What models wrote, and what programs and files of others say, can hold sequences that change a terminal's title,
    hide text or type commands. Whatever of it is printed or logged goes through here; line ends and tabs stay.
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


class BigCodeBenchError(Exception):
    """Base of every error that this package raises on purpose. Its text can be printed as it is (`printable`)."""

    def __str__(self) -> str:
        return printable(super().__str__())


class OptionError(BigCodeBenchError, ValueError):
    """A task option, environment variable or command argument has a wrong name, type or value."""


class DatasetError(BigCodeBenchError):
    """The dataset cannot be loaded or a row of it is not a BigCodeBench task."""


class OutputError(BigCodeBenchError):
    """Samples or results of a run cannot be read, are not what they should be, or cannot be written."""


class PromptError(BigCodeBenchError):
    """The model cannot be prompted in the way that the task needs (instruct without a chat template)."""


class ExecutionEnvironmentError(BigCodeBenchError):
    """Something is wrong with the execution environment; the subclasses say what."""


class EnvironmentMissing(ExecutionEnvironmentError):
    """No execution environment was found and none may be built."""


class EnvironmentBuildFailed(ExecutionEnvironmentError):
    """The execution environment could not be built; nothing half-built was left behind."""


class EnvironmentMismatch(ExecutionEnvironmentError):
    """The execution environment lacks, or has another version of, something its lock promises."""


class SandboxUnavailable(BigCodeBenchError):
    """This machine cannot give the sandbox that was asked for, and the user did not choose less."""


class ClusterUnavailable(BigCodeBenchError):
    """There is no Ray cluster where one was asked for, Ray is not installed, or no node can run programs as we do."""


class ExecutionFailed(BigCodeBenchError):
    """The machinery that runs programs broke. Never a model's fault, never counted as a failed sample."""
