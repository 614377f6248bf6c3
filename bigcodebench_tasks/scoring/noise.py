"""The chance in a score: tasks with unstable verdicts, and the spread of several runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bigcodebench_tasks.benchmark.known_tasks import FLIPPING, REMOTE_HOSTS
from bigcodebench_tasks.scoring.intervals import Estimate, estimate

_GROUPS = (FLIPPING, REMOTE_HOSTS)


@dataclass(frozen=True)
class Unstable:
    """The scored tasks whose verdicts are known to depend on more than the program.

    Attributes:
        flipping: task_ids; the same program passed in one run and failed in another.
        remote: task_ids; their programs call hosts on the internet. A task can be in both.
        solved: the sum of the solve rates of all of them.
        score: pass@1 on all tasks.
        without: pass@1 on the other tasks.
    """

    flipping: Sequence[str]
    remote: Sequence[str]
    solved: float
    score: Estimate
    without: Estimate

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys([*self.flipping, *self.remote]))

    def said(self) -> str:
        """One sentence that names the tasks, and the score with and without them."""
        groups = [("known to flip between runs", self.flipping), ("need the internet", self.remote)]
        numbers = [f"{words}: {', '.join(map(_number, task_ids))}" for words, task_ids in groups if task_ids]
        number = len(self.tasks)
        those = "the unstable task" if number == 1 else f"the {number} unstable tasks"
        without = f"without {those} {_percent(self.without.rate)}"
        numbers.append(f"it solves {self.solved:g} of {number}")
        return f"pass@1 {_percent(self.score.rate)}; {without} ({'; '.join(numbers)})"


def unstable_among(rates: Mapping[str, float]) -> Unstable | None:
    """The unstable tasks among these, and the score without them; None if there are none, or no others.

    Args:
        rates: task_id to its solve rate, 0 to 1.
    """
    flipping, remote = (sorted(group & rates.keys(), key=lambda task_id: int(_number(task_id))) for group in _GROUPS)
    both = {*flipping, *remote}
    others = [rate for task_id, rate in rates.items() if task_id not in both]
    if not both or not others:
        return None
    solved = sum(rates[task_id] for task_id in both)
    return Unstable(flipping, remote, solved, estimate(list(rates.values())), estimate(others))


@dataclass(frozen=True)
class Spread:
    """Scores of several runs on the same tasks with the same settings.

    Attributes:
        scores: pass@1 of each run, 0 to 1.
        flipped: number of tasks whose solve rate is not the same in all runs.
        tasks: number of tasks.
    """

    scores: Sequence[float]
    flipped: int
    tasks: int

    @classmethod
    def of(cls, runs: Sequence[Mapping[str, float]]) -> Spread:
        """The spread of at least two runs on the same tasks, each as task_id to solve rate."""
        flipped = sum(len({rates[task_id] for rates in runs}) > 1 for task_id in runs[0])
        return cls([statistics.fmean(rates.values()) for rates in runs], flipped, len(runs[0]))

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores)

    @property
    def deviation(self) -> float:
        """Sample standard deviation of the scores."""
        return statistics.stdev(self.scores)

    def said(self) -> str:
        """Mean and spread in words."""
        return (
            f"mean {_percent(self.mean)}, standard deviation {_percent(self.deviation)}, {_percent(min(self.scores))} "
            f"to {_percent(max(self.scores))}; {self.flipped} of {self.tasks} tasks differ"
        )


def chance(passed: Mapping[str, Sequence[bool]]) -> list[str]:
    """Sentences about the chance in a score; none if there is nothing to report.

    Args:
        passed: task_id to whether each of its samples passes; at least one each.
    """
    unstable = unstable_among({task_id: statistics.fmean(samples) for task_id, samples in passed.items()})
    lines = [unstable.said()] if unstable is not None else []
    number = min(map(len, passed.values()), default=0)
    if number > 1:
        # The first samples of all tasks count as one run, the second ones as another.
        runs = [{task_id: float(samples[place]) for task_id, samples in passed.items()} for place in range(number)]
        lines.append(f"the {number} samples of each task, as {number} runs: {Spread.of(runs).said()}")
    return lines


def _number(task_id: str) -> str:
    return task_id.rpartition("/")[2]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
