"""Sessions as a table for people, or as rows for programs."""

import io
import sys
from typing import Any, Final

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.cli.logs.answer_view import show_answer
from open_llm_proxy.cli.logs.conversation_file import write_file
from open_llm_proxy.cli.output import warn
from open_llm_proxy.logs.conversation import Usage
from open_llm_proxy.logs.export.wording import clean, say_cost, say_time, say_tokens
from open_llm_proxy.logs.session_list import Row, rows_of

KEY_CHARACTERS: Final = 13
"""Of a session's key: enough of a UUID, or of `anon:` and a hash, for `logs show`."""

PLAIN_WIDTH: Final = 160
_COLOURS: Final = {"ok": "green", "incomplete": "yellow"}


def show_sessions(rows: duckdb.DuckDBPyRelation, form: str, output: str | None, *, limit: int, place: str) -> None:
    """Print them, or write them to a file.

    Args:
        rows: Those of ``select_sessions``.
        form: One of ``export.rows.FORMS``; the table has the columns that people look at, the other forms all.
        output: The file.
        limit: How many there may be: as many are said to be the newest only.
        place: Where they are from, for the message that there is none.

    Raises:
        UserError: The file cannot be written.
    """
    found = rows_of(rows) if form == "table" else None
    if found is None:
        show_answer(rows, form, output)
    elif output is not None:
        write_file(output, _text(found))
    elif found:
        console = Console(highlight=False, emoji=False, markup=False)
        console.print(_table(found)) if console.is_terminal else sys.stdout.write(_text(found))
    count = len(found) if found is not None else len(rows)
    if not count:
        warn(f"no such session in {place}; a wider window: --since 30d")
    elif count == limit:
        warn(f"the newest {limit}; --limit says otherwise")


def _text(rows: list[Row]) -> str:
    buffer = io.StringIO()
    Console(file=buffer, width=PLAIN_WIDTH, highlight=False, emoji=False, markup=False).print(_table(rows))
    return buffer.getvalue()


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("started (UTC)", no_wrap=True, style="dim")
    table.add_column("session", no_wrap=True)
    table.add_column("question", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("app", no_wrap=True, style="cyan", max_width=16)
    table.add_column("model", no_wrap=True, max_width=24)
    table.add_column("turns", justify="right")
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("cost", justify="right")
    table.add_column("status", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> list[Text]:
    usage = Usage(prompt=row["prompt_tokens"], completion=row["completion_tokens"])
    others = f" +{row['models_used'] - 1}" if row["models_used"] > 1 else ""
    failed = f" ({row['error_turns']} failed)" if row["error_turns"] and row["status"] == "ok" else ""
    return [
        Text(say_time(row["started_at"])),
        Text(clean(row["session_key"])[:KEY_CHARACTERS]),
        Text(_flat(row["question"])),
        Text(_flat(row["app"] or row["client"])),
        Text(_flat(row["model"]) + others),
        Text(str(row["turns"])),
        Text(say_tokens(usage) if usage.prompt or usage.completion else "-"),
        Text(say_cost(row["cost_usd"])),
        Text(f"{row['status']}{failed}", style=_COLOURS.get(row["status"], "red") if not failed else "yellow"),
    ]


def _flat(text: Any) -> str:
    return " ".join(clean(text).split()) if isinstance(text, str) and text else "-"
