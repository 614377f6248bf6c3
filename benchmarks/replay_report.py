"""Tables of a replay: agreement with the official evaluator by status, by task, by cause; runs compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replay_causes import CAUSES
from replay_programs import Replayed, Results

_SHOW = "all as there, once plt.show() closes figures"


def table(title: str, counts: Counter[Any], words: Callable[[Any], str] = str) -> None:
    print(f"\n| {title} | programs |\n| --- | ---: |")
    for key, number in counts.most_common():
        print(f"| {words(key)} | {number} |")


def cause(each: Replayed, ours: str, by_itself: str | None, here: str | None) -> str:
    """What a difference comes from, as far as executing the program again tells."""
    if len(set(each.official)) > 1:
        return "differs between runs of the official evaluator there"
    if by_itself in each.official:
        return "differs between our runs"
    if here == ours:
        return "the official evaluator here says what ours says"
    if here in each.official:
        return "the official evaluator says the same here and there"
    return "not asked" if here is None else "the official evaluator here says something else again"


@dataclass(frozen=True)
class Replay:
    """What is known of a replay.

    Attributes:
        results: verdicts of ours.
        alone: those of programs that differ, executed again with nothing beside them.
        closing: those of programs that differ and show figures, executed with a `plt.show()` that closes them.
        here: what the official evaluator says here of programs that differ.
    """

    results: Results
    alone: Results
    closing: Results
    here: Results

    def status(self, each: Replayed) -> str:
        return str(self.results.known[each.key]["ours"]["status"])

    def failing(self, each: Replayed) -> frozenset[str]:
        return frozenset(self.results.known[each.key]["ours"]["details"])

    def differs(self, each: Replayed) -> bool:
        """Whether the status is another one, or the tests that fail are."""
        return self.status(each) != each.official[0] or self.other_tests(each)

    def other_tests(self, each: Replayed) -> bool:
        """Whether it fails in both, in other tests."""
        both = set(each.official) == {"fail"} == {self.status(each)}
        return both and bool(each.failed_tests) and self.failing(each) != each.failed_tests

    def as_there_if_closed(self, each: Replayed) -> bool:
        """Whether all is as there once `plt.show()` closes figures, as it does in a notebook."""
        verdict = self.closing.known.get(each.key, {}).get("ours")
        if verdict is None:
            return False
        return verdict["status"] == each.official[0] and frozenset(verdict["details"]) == each.failed_tests


def report(chosen: Sequence[Replayed], replay: Replay) -> list[Replayed]:
    """Print the tables; returns the programs with another status."""
    results, lone, here = replay.results, replay.alone, replay.here
    judged = [each for each in chosen if each.key in results.known]
    status = {each.key: str(results.known[each.key]["ours"]["status"]) for each in judged}
    pairs = Counter((each.official[0], status[each.key]) for each in judged)
    same = sum(number for (theirs, ours), number in pairs.items() if theirs == ours)
    print(f"\n{same} of {len(judged)} programs ({same / max(1, len(judged)):.2%}) have the official status")
    table("official, ours", pairs, " → ".join)
    differing = [each for each in judged if status[each.key] != each.official[0]]
    table(
        "task", Counter(each.number for each in differing), lambda task: f"{task}: {CAUSES.get(task, 'not explained')}"
    )
    causes: Counter[str] = Counter()
    print("\n| program | task | model | official | ours | alone | official, here | headline |\n|" + " --- |" * 8)
    for each in sorted(differing, key=lambda each: each.number):
        ours = results.known[each.key]["ours"]
        itself = lone.known.get(each.key, {}).get("ours", {}).get("status")
        there = here.known.get(each.key, {}).get("status")
        closed = replay.as_there_if_closed(each)
        causes[_SHOW if closed else cause(each, ours["status"], itself, there)] += 1
        text = " ".join(next(iter(ours["details"].values()), "").strip().split("\n")[-1].split())[:90]
        words = [each.key, each.number, each.model, "/".join(each.official), f"{ours['status']}, {ours['reason']}"]
        print("| " + " | ".join(str(word).replace("|", "/") for word in [*words, itself, there, text]) + " |")
    table("cause, as far as running again tells", causes)
    report_failing_tests(judged, replay)
    return differing


def report_failing_tests(judged: Sequence[Replayed], replay: Replay) -> None:
    """Of programs that fail in both: have the same test methods failed?"""
    fail = [each for each in judged if set(each.official) == {"fail"} == {replay.status(each)} and each.failed_tests]
    other = [each for each in fail if replay.other_tests(each)]
    print(f"\n{len(fail)} fail in both; {len(fail) - len(other)} of them with the same failing tests")
    for each in sorted(other, key=lambda each: each.number):
        ours = replay.failing(each)
        closed = f"; {_SHOW}" if replay.as_there_if_closed(each) else ""
        more, less = ", ".join(sorted(ours - each.failed_tests)), ", ".join(sorted(each.failed_tests - ours))
        print(f"{each.key} {each.number}: only here: {more or '-'}; only there: {less or '-'}{closed}")


def compare(chosen: Sequence[Replayed], results: Results, others: Results, file: Path) -> None:
    """Print the programs whose status is another one in another run of ours."""
    both = [each for each in chosen if each.key in results.known and each.key in others.known]
    flips = 0
    for each in both:
        here, there = results.known[each.key]["ours"], others.known[each.key]["ours"]
        if here["status"] != there["status"]:
            flips += 1
            words = f"{here['status']}, {here['reason']} here; {there['status']}, {there['reason']} in {file.name}"
            print(f"{each.key} {each.number}: {words}")
    print(f"{len(both)} programs are in {file}, too: {flips} have another status there")
