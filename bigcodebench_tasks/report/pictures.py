"""The report's pictures, as SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bigcodebench_tasks.evaluations import Evaluation

# Drawn in these colours, which mean nothing but the page's own; so the picture is right in light and in dark.
_TEXT, _PASS, _FAIL, _LINE = "#010101", "#020202", "#030303", "#040404"
_OF_THE_PAGE = {_TEXT: "currentColor", _PASS: "var(--pass)", _FAIL: "var(--fail)", _LINE: "var(--line)"}

# matplotlib types the keys one by one; these are a few of them.
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "legend.frameon": False,
}


def pictures(one: Evaluation, curve: Sequence[tuple[int, float]]) -> list[tuple[str, str]]:
    """(title, SVG) of each picture of an evaluation."""
    samples = [sample for several in one.samples.values() for sample in several]
    found = []
    timed = [(sample.seconds, sample.passed) for sample in samples if sample.seconds]
    if timed:
        found.append(("Seconds of execution", _by_outcome(timed, "seconds")))
    lengths = [(float(len(sample.program)), sample.passed) for sample in samples]
    found.append(("Length of the executed program", _by_outcome(lengths, "characters")))
    if curve:
        found.append(("pass@k", _of_k(curve)))
    return found


def _by_outcome(values: Sequence[tuple[float, bool]], unit: str) -> str:
    """How many samples of each size pass and fail, on a logarithmic scale."""
    sizes = np.array([max(value, 1e-3) for value, _ in values])
    passed = np.array([outcome for _, outcome in values])
    low, high = np.log10(sizes.min()), np.log10(sizes.max())
    bins = np.logspace(low, max(high, low + 0.1), 25)

    def draw(axes: Axes) -> None:
        axes.hist(
            [sizes[passed], sizes[~passed]], list(bins), stacked=True, color=[_PASS, _FAIL], label=["pass", "not pass"]
        )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(unit)
        axes.set_ylabel("samples")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)

    return _svg(draw, unit)


def _of_k(curve: Sequence[tuple[int, float]]) -> str:
    def draw(axes: Axes) -> None:
        axes.plot([k for k, _ in curve], [100 * score for _, score in curve], color=_PASS, marker="o", markersize=4)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("k")
        axes.set_ylabel("pass@k, %")
        axes.grid(axis="y", color=_LINE)

    return _svg(draw, "k")


def _svg(draw: Callable[[Axes], None], salt: str) -> str:
    # The salt makes ids inside the picture the same in every run.
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, of_the_page in _OF_THE_PAGE.items():
        svg = svg.replace(colour, of_the_page)
    # Without a size of its own it takes its box's.
    return re.sub(r' (width|height)="[^"]*pt"', "", svg, count=2)
