"""A scatter plot of models as SVG that takes its colours from the page; each point has its name as a tooltip."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 44
TICK = 10


@dataclass(frozen=True)
class Point:
    """A model.

    Attributes:
        x, y: its scores in percent.
        own: whether it is the user's: drawn larger, with its name beside it.
    """

    name: str
    x: float
    y: float
    own: bool = False


def scatter(points: Sequence[Point], x_label: str, y_label: str) -> str:
    """The plot as an ``svg`` element, both axes from 0 to the next ten above the largest score."""
    x_end, y_end = _end([point.x for point in points]), _end([point.y for point in points])

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + x / x_end * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(HEIGHT - BOTTOM - y / y_end * (HEIGHT - TOP - BOTTOM), 1)

    label = html.escape(f"{y_label} against {x_label}")
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">']
    for tick in range(0, x_end + 1, TICK):
        x, y = place(tick, 0)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{y}" /><text x="{x}" y="{y + 16}">{tick}</text>')
    for tick in range(0, y_end + 1, TICK):
        x, y = place(0, tick)
        parts.append(f'<line x1="{x}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" />')
        parts.append(f'<text class="y" x="{x - 6}" y="{y + 4}">{tick}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{html.escape(x_label)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text transform="rotate(-90 12 {middle})" x="12" y="{middle}">{html.escape(y_label)}</text>')
    for point in sorted(points, key=lambda point: point.own):  # the user's last, so that nothing covers them
        parts += _drawn(point, *place(point.x, point.y))
    return "\n".join([*parts, "</svg>"])


def _drawn(point: Point, x: float, y: float) -> Iterator[str]:
    name = html.escape(point.name)
    kind, radius = ("own", 6) if point.own else ("model", 4)
    tooltip = f"<title>{name}: {point.x:.1f}, {point.y:.1f}</title>"
    yield f'<circle class="{kind}" cx="{x}" cy="{y}" r="{radius}">{tooltip}</circle>'
    if point.own:
        left_half = x < WIDTH / 2
        side, label_x = ("own", x + 10) if left_half else ("own y", x - 10)
        yield f'<text class="{side}" x="{label_x}" y="{y + 4}">{name}</text>'


def _end(values: Sequence[float]) -> int:
    """The end of an axis."""
    return TICK * max(1, math.ceil(max(values, default=0.0) / TICK))
