"""The report's plots, as SVG that takes its colours from the page."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from bigcodebench_tasks.leaderboard.difficulty import Decile, deciles
from bigcodebench_tasks.results.evaluation import Evaluation

# Placeholders, replaced by the page's colours for light and dark mode.
_TEXT, _PASS, _FAIL, _LINE = "#010101", "#020202", "#030303", "#040404"
_OF_THE_PAGE = {_TEXT: "currentColor", _PASS: "var(--pass)", _FAIL: "var(--fail)", _LINE: "var(--line)"}

# Any: matplotlib types each key.
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "legend.frameon": False,
    "legend.handlelength": 1.0,
    "legend.borderaxespad": 0.3,
}


def pictures(evaluation: Evaluation, curve: Sequence[tuple[int, float]], number: int) -> list[tuple[str, str]]:
    """(title, SVG) of each picture of an evaluation.

    Args:
        evaluation: the evaluation, with its tasks.
        curve: (k, pass@k), empty for none.
        number: of the evaluation on the page, so that element ids differ between evaluations.
    """
    judged = [(sample, task_id) for task_id, samples in evaluation.samples.items() for sample in samples]
    drawings: list[tuple[str, Callable[[Axes], None]]] = []
    timed = [(sample.seconds, sample.passed) for sample, _ in judged if sample.seconds is not None]
    if timed:
        drawings.append(("Duration, by outcome", _by_outcome(timed, "seconds", 0.001)))
    lengths = [
        (float(len(evaluation.program(task_id, sample)) - evaluation.solution_start(task_id, sample)), sample.passed)
        for sample, task_id in judged
    ]
    drawings.append(("Length of the solution, by outcome", _by_outcome(lengths, "characters", 1.0)))
    if tenths := deciles(evaluation):
        drawings.append(("Expected and observed, by difficulty", _by_difficulty(tenths)))
    if curve:
        drawings.append(("pass@k", _of_k(curve)))
    return [(title, _svg(draw, title, f"{number} {title}")) for title, draw in drawings]


def _by_outcome(values: Sequence[tuple[float, bool]], unit: str, smallest: float) -> Callable[[Axes], None]:
    """How many samples of each size pass and fail, on a logarithmic scale from `smallest`."""
    sizes = np.array([max(value, smallest) for value, _ in values])
    passed = np.array([outcome for _, outcome in values])
    bins = bins_of(sizes)

    def draw(axes: Axes) -> None:
        axes.hist(
            [sizes[passed], sizes[~passed]],
            list(bins),
            stacked=True,
            rwidth=0.9,
            color=[_PASS, _FAIL],
            label=["pass", "not pass"],
        )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if bins[-1] < 100 * bins[0] else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(which="minor", length=0)
        axes.set_xlabel(unit)
        axes.set_ylabel("samples")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.grid(axis="y", color=_LINE)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    return draw


def bins_of(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders of 24 bins of equal width on a logarithmic scale that hold all of these sizes (> 0)."""
    # Rounded logarithms would leave out the smallest and the largest.
    return np.geomspace(sizes.min(), max(sizes.max(), 1.25 * sizes.min()), 25)


def _of_k(curve: Sequence[tuple[int, float]]) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        axes.plot([k for k, _ in curve], [100 * score for _, score in curve], color=_PASS, marker="o", markersize=4)
        for (k, score), place, side in ((curve[0], (5, -11), "left"), (curve[-1], (0, 8), "center")):
            axes.annotate(f"{100 * score:.1f}", (k, 100 * score), place, textcoords="offset points", ha=side)
        axes.set_ylim(0, 112 * max(max(score for _, score in curve), 0.01))
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.set_xlabel("k")
        axes.set_ylabel("pass@k, %")
        axes.grid(axis="y", color=_LINE)

    return draw


def _by_difficulty(tenths: Sequence[Decile]) -> Callable[[Axes], None]:
    """pass@1 of each tenth of the tasks, the hardest first, and the average of the published models."""
    places = np.arange(1, len(tenths) + 1)
    observed = np.array([100 * each.observed.rate for each in tenths])
    low, high = (np.array([100 * getattr(each.observed, side) for each in tenths]) for side in ("low", "high"))
    expected = [100 * each.expected for each in tenths]

    def draw(axes: Axes) -> None:
        axes.bar(places, observed, width=0.75, color=_PASS, label="this model")
        axes.errorbar(places, observed, (observed - low, high - observed), fmt="none", ecolor=_TEXT, elinewidth=1)
        axes.plot(places, expected, color=_FAIL, marker="D", markersize=4, linewidth=1, label="published models, mean")
        axes.set_ylim(0, 100)
        axes.set_xticks(places)
        axes.set_xlabel("tenth of the tasks, from hard to easy")
        axes.set_ylabel("pass@1, %")
        axes.grid(axis="y", color=_LINE)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    return draw


def _svg(draw: Callable[[Axes], None], title: str, salt: str) -> str:
    # The salt makes element ids equal in every run, and different between pictures.
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(4.6, 2.9), layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, of_the_page in _OF_THE_PAGE.items():
        svg = svg.replace(colour, of_the_page)
    # Its style element would apply to the whole page (page.css has these rules), and ids of groups repeat.
    svg = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    # Without its own size it fills its box.
    svg = re.sub(r' (width|height)="[^"]*pt"', "", svg, count=2)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)
