"""Tables and colours in the terminal, with rich."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from bigcodebench_tasks.errors import printable
from bigcodebench_tasks.progress import is_terminal
from bigcodebench_tasks.results.tables import Table


def console() -> Console:
    """In a file or a pipe lines are never wrapped, so that programs stay unchanged."""
    piped = not is_terminal(sys.stdout)
    return Console(highlight=False, width=200 if piped else None, soft_wrap=piped)


def markup(text: str) -> str:
    """A text from results, for rich: it has no meaning as markup, and no control characters."""
    return escape(printable(text))


def print_tables(tables: Sequence[Table]) -> None:
    """Print each table with its notes; of a long one only the notes."""
    output = console()
    for table in tables:
        grid = Grid(title=markup(table.title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        for number, column in enumerate(table.columns):
            grid.add_column(markup(column), justify="right" if number else "left", no_wrap=True)
        for row in table.rows:
            grid.add_row(*map(markup, row))
        output.print(f"[bold]{markup(table.title)}[/]" if table.long else grid)
        for note in table.notes:
            output.print(printable(note), markup=False)
        output.print()
