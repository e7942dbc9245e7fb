"""Tables on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table

WIDE = 250
"""Columns of a table that no terminal shows."""


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()
) -> None:
    """A plain table; the columns called `numbers` are set flush right.

    Where stdout is no terminal the table is as wide as it needs to be.
    """
    console = Console()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading in numbers else "left"
        table.add_column(heading, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(table)
