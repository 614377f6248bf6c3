"""Tables of results, and their form as JSON, CSV and HTML page."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2

from bigcodebench_tasks.errors import printable
from bigcodebench_tasks.scoring.intervals import Estimate

NONE = "-"
"""A cell without a value."""


@dataclass(frozen=True)
class Table:
    """A table with a title.

    Attributes:
        columns: headings; the first column is text, the others are numbers.
        rows: cells as text.
        notes: lines below it.
        long: too long for the terminal, which shows only the notes.
        own: first cells of the rows with the user's own models; the page marks them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    long: bool = False
    own: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """A picture of the page: its title, and an ``svg`` element that takes its colours from the page."""

    title: str
    svg: str


@dataclass(frozen=True)
class Sheet:
    """The tables of a command.

    Attributes:
        heading: of the page.
        tables: rounded figures.
        everything: the content of the JSON: every figure, not rounded.
        notes: what was left out, for standard error.
        pictures: for the page only.
    """

    heading: str
    tables: Sequence[Table]
    everything: Mapping[str, Any]
    notes: Sequence[str] = ()
    pictures: Sequence[Picture] = ()

    def json(self) -> str:
        return json.dumps(self.everything, indent=2) + "\n"

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for table in self.tables:
            for row in (["table", *table.columns], *([table.title, *row] for row in table.rows)):
                writer.writerow(map(printable, row))
        return text.getvalue()

    def html(self) -> str:
        """The page; its policy allows its own script alone, by hash, and no connections."""
        folder = resources.files("bigcodebench_tasks.results")
        template, script = ((folder / name).read_text(encoding="utf-8") for name in ("tables.html.j2", "tables.js"))
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        return environment.from_string(template).render(sheet=self, script=script, script_hash=f"sha256-{digest}")


def percent(share: float) -> str:
    """A share of 0 to 1 as a cell."""
    return f"{100 * share:.1f}"


def score_cells(score: Estimate | None) -> list[str]:
    """A score and its 95% interval, in percent, as two cells."""
    if score is None:
        return [NONE, NONE]
    return [percent(score.rate), f"{percent(score.low)} to {percent(score.high)}"]
