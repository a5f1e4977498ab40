"""A query's answer on the terminal or in a file."""

import io
import sys
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.export.rows import copy_to_file, copy_to_stream, read_texts, write_markdown

_PLAN = ("explain_key", "explain_value")
_WIDE = 1 << 20
_CELL_CHARACTERS = 2000
_BREAKS = str.maketrans({"\n": "↵", "\r": "", "\t": " "})


def show_answer(rows: duckdb.DuckDBPyRelation, form: str, output: str | None) -> None:
    """Print the rows, or write them to a file.

    Raises:
        UserError: The file cannot be written.
    """
    if form not in {"table", "markdown"}:
        if output is not None:
            copy_to_file(rows, form, Path(output))
        else:
            copy_to_stream(rows, form, sys.stdout.buffer)
        return
    text = sys.stdout if output is None else io.StringIO()
    if form == "markdown":
        write_markdown(rows, text)
    else:
        print_table(rows, Console(file=text, highlight=False, emoji=False, markup=False))
    if output is not None and isinstance(text, io.StringIO):
        try:
            Path(output).write_text(text.getvalue(), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{output} cannot be written: {error.strerror}", "Give -o another file") from error


def print_table(rows: duckdb.DuckDBPyRelation, console: Console) -> None:
    """Print a table, on a terminal no wider than it is."""
    shown = as_table(rows)
    if isinstance(shown, Text):
        console.print(shown, soft_wrap=True)
    else:
        if not console.is_terminal:
            console = Console(file=console.file, width=_WIDE, highlight=False, emoji=False, markup=False)
        console.print(shown)


def as_table(rows: duckdb.DuckDBPyRelation) -> Table | Text:
    """All rows as a table; of DuckDB's plans as they are drawn."""
    if tuple(rows.columns) == _PLAN:
        return Text("\n".join(plan or "" for _, plan in read_texts(rows)))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, kind in zip(rows.columns, rows.types, strict=True):
        right = any(word in str(kind) for word in ("INT", "DOUBLE", "FLOAT", "DECIMAL"))
        table.add_column(Text(name), justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    for row in read_texts(rows):
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: str | None) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    shown = "".join(one if one.isprintable() else "\ufffd" for one in value[:_CELL_CHARACTERS].translate(_BREAKS))
    return Text(shown)
