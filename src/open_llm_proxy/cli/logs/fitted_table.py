"""A table that fits the terminal: one column takes what the others leave, and what is dispensable goes first."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

GAP: Final = 2
SHORTEST: Final = 24


def fit_table(
    cells: dict[str, list[Text]], width: int, *, flexible: str, dispensable: Sequence[str], numbers: Sequence[str]
) -> Table:
    """The table.

    Args:
        cells: Columns by their heads, each with a cell a row.
        width: Of the terminal.
        flexible: The column that is cut to what is left, never under ``SHORTEST`` unless it is shorter itself.
        dispensable: Columns that are left out where there is no room, first to last.
        numbers: Columns that stand to the right.
    """
    widths = {name: max(len(name), *(cell.cell_len for cell in column)) + GAP for name, column in cells.items()}
    least = min(SHORTEST, widths.pop(flexible) - GAP)
    dropped = iter(dispensable)
    while width - sum(widths.values()) < least and (name := next(dropped, None)):
        widths.pop(name, None)
    room = max(least, width - sum(widths.values()))
    for cell in cells[flexible]:
        cell.truncate(room, overflow="ellipsis")
    shown = [name for name in cells if name in widths or name == flexible]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(name, no_wrap=True, justify="right" if name in numbers else "left")
    for row in zip(*(cells[name] for name in shown), strict=True):
        table.add_row(*row)
    return table
