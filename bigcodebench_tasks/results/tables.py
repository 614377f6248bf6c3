"""Tables of results: in the terminal, as CSV or JSON, and as a page."""

from __future__ import annotations

import argparse
import csv
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

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.files import refuse_existing, write_text

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True)
class Table:
    """A table with a title.

    Attributes:
        columns: headings; the first column is text, the others are numbers.
        rows: cells as people read them.
        notes: lines below it.
        long: too long for the terminal, which shows the notes alone.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    long: bool = False


def write(tables: Sequence[Table], everything: Mapping[str, Any], heading: str, given: argparse.Namespace) -> None:
    """Show the tables in the ways that were asked for (``--json``, ``--csv``, ``--html``), else in the terminal.

    Args:
        everything: what JSON holds.
        heading: of the page.

    Raises:
        OptionError: two of them would go to standard output.
        OutputError: a file exists, or cannot be written.
    """
    makers: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(everything, indent=2) + "\n",
        "csv": lambda: _csv(tables),
        "html": lambda: _page(tables, heading),
    }
    wanted: dict[str, Path] = {kind: path for kind in makers if (path := getattr(given, kind)) is not None}
    if list(wanted.values()).count(STANDARD_OUTPUT) > 1:
        raise OptionError("only one of --json, --csv and --html can go to standard output (-)")
    refuse_existing([path for path in wanted.values() if path != STANDARD_OUTPUT], given.force)
    if STANDARD_OUTPUT not in wanted.values():
        _print(tables)
    for kind, path in wanted.items():
        if path == STANDARD_OUTPUT:
            sys.stdout.write(makers[kind]())
        else:
            write_text(path, makers[kind]())
            print(path, file=sys.stderr)


def terminal() -> Console:
    """Where commands print. Into a file or a pipe lines are long and never wrapped: a program must stay what it was."""
    piped = not sys.stdout.isatty()
    return Console(highlight=False, width=200 if piped else None, soft_wrap=piped)


def _print(tables: Sequence[Table]) -> None:
    console = terminal()
    for table in tables:
        grid = Grid(title=escape(table.title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        for number, column in enumerate(table.columns):
            grid.add_column(escape(column), justify="right" if number else "left", no_wrap=True)
        for row in table.rows:
            grid.add_row(*map(escape, row))
        console.print(f"[bold]{escape(table.title)}[/]" if table.long else grid)
        for note in table.notes:
            console.print(note, markup=False)
        console.print()


def _csv(tables: Sequence[Table]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for table in tables:
        writer.writerow(["table", *table.columns])
        writer.writerows([table.title, *row] for row in table.rows)
    return text.getvalue()


def _page(tables: Sequence[Table], heading: str) -> str:
    template = (resources.files("bigcodebench_tasks.results") / "tables.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(tables=tables, heading=heading)
