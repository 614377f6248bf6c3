"""Tables of results: in the terminal, as JSON or CSV, and as a page."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from bigcodebench_tasks.errors import OptionError, printable
from bigcodebench_tasks.files import refuse_existing, write_text
from bigcodebench_tasks.progress import is_terminal
from bigcodebench_tasks.results.printing import warn
from bigcodebench_tasks.scoring.intervals import Estimate

STANDARD_OUTPUT = Path("-")

NONE = "-"
"""In a cell: there is no such figure."""


@dataclass(frozen=True)
class Table:
    """A table with a title.

    Attributes:
        columns: headings; the first column is text, the others are numbers.
        rows: cells as people read them.
        notes: lines below it.
        long: too long for the terminal, which shows the notes alone.
        own: first cells of the rows that are one's own among others; the page marks them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    long: bool = False
    own: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """A picture on the page: its title, and an ``svg`` element that takes its colours from there."""

    title: str
    svg: str


@dataclass(frozen=True)
class Sheet:
    """Tables that belong together, as a command shows them.

    Attributes:
        heading: of the page.
        tables: for people.
        everything: what JSON holds: every figure, not rounded.
        notes: what was left out of all this, for standard error.
        pictures: of the page alone.
    """

    heading: str
    tables: Sequence[Table]
    everything: Mapping[str, Any]
    notes: Sequence[str] = ()
    pictures: Sequence[Picture] = ()


def percent(share: float) -> str:
    """A share of 0 to 1 as a cell."""
    return f"{100 * share:.1f}"


def score_cells(score: Estimate | None) -> list[str]:
    """A score and its 95% interval, in percent, as two cells."""
    if score is None:
        return [NONE, NONE]
    return [percent(score.rate), f"{percent(score.low)} to {percent(score.high)}"]


def write(
    sheet: Sheet,
    *,
    json_file: Path | None = None,
    csv_file: Path | None = None,
    html_file: Path | None = None,
    force: bool = False,
) -> None:
    """Write a sheet to each of these files, and show it in the terminal unless one of them is standard output ("-").

    Args:
        force: overwrite files that exist.

    Raises:
        OptionError: two of them would go to standard output.
        OutputError: a file exists, or cannot be written.
    """
    warn(*sheet.notes)
    makers: list[tuple[Path | None, Callable[[], str]]] = [
        (json_file, lambda: json.dumps(sheet.everything, indent=2) + "\n"),
        (csv_file, lambda: _csv(sheet.tables)),
        (html_file, lambda: _page(sheet)),
    ]
    wanted = [(path, make) for path, make in makers if path is not None]
    files = [path for path, _ in wanted if path != STANDARD_OUTPUT]
    if len(wanted) - len(files) > 1:
        raise OptionError("only one of --json, --csv and --html can go to standard output (-)")
    refuse_existing(files, force)
    if len(files) == len(wanted):
        _print(sheet.tables)
    for path, make in wanted:
        if path == STANDARD_OUTPUT:
            sys.stdout.write(make())
        else:
            write_text(path, make())
            warn(path)


def markup(text: str) -> str:
    """A text that comes from results, as a part of what rich prints: it means nothing to rich, nor to the terminal."""
    return escape(printable(text))


def terminal() -> Console:
    """Where commands print. Into a file or a pipe lines are long and never wrapped: a program must stay what it was."""
    piped = not is_terminal(sys.stdout)
    return Console(highlight=False, width=200 if piped else None, soft_wrap=piped)


def _print(tables: Sequence[Table]) -> None:
    console = terminal()
    for table in tables:
        grid = Grid(title=markup(table.title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        for number, column in enumerate(table.columns):
            grid.add_column(markup(column), justify="right" if number else "left", no_wrap=True)
        for row in table.rows:
            grid.add_row(*map(markup, row))
        console.print(f"[bold]{markup(table.title)}[/]" if table.long else grid)
        for note in table.notes:
            console.print(printable(note), markup=False)
        console.print()


def _csv(tables: Sequence[Table]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for table in tables:
        for row in (["table", *table.columns], *([table.title, *row] for row in table.rows)):
            writer.writerow(map(printable, row))
    return text.getvalue()


def _page(sheet: Sheet) -> str:
    """The page; its policy allows its own script alone, by hash, and no connection to anywhere."""
    folder = resources.files("bigcodebench_tasks.results")
    template, script = ((folder / name).read_text(encoding="utf-8") for name in ("tables.html.j2", "tables.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        tables=sheet.tables,
        heading=sheet.heading,
        pictures=sheet.pictures,
        script=script,
        script_hash=f"sha256-{digest}",
    )
