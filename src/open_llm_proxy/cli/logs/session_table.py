"""Sessions as a table for people, or as rows for programs."""

import io
import sys
from collections.abc import Callable
from typing import Any, Final

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.cli.logs.answer_view import show_answer
from open_llm_proxy.cli.logs.conversation_file import write_file
from open_llm_proxy.cli.logs.fitted_table import fit_table
from open_llm_proxy.cli.output import warn
from open_llm_proxy.logs.export.wording import clean, say_cost, say_short, say_time
from open_llm_proxy.logs.session_list import Row, rows_of

KEY_CHARACTERS: Final = 8
ANONYMOUS_CHARACTERS: Final = len("anon:") + KEY_CHARACTERS
"""Of a session's key: enough for `logs show`."""

YEAR: Final = len("2026-")
SECONDS: Final = len(":00")
PLAIN_WIDTH: Final = 160
_LABEL_CHARACTERS: Final = 20
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
        if console.is_terminal:
            console.print(_table(found, console.width))
        else:
            sys.stdout.write(_text(found))
    count = len(found) if found is not None else len(rows)
    if not count:
        warn(f"no such session in {place}; a wider window: --since 30d")
    elif count == limit:
        warn(f"the newest {limit}; --limit says otherwise")


def _text(rows: list[Row]) -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, width=PLAIN_WIDTH, highlight=False, emoji=False, markup=False)
    console.print(_table(rows, PLAIN_WIDTH))
    return buffer.getvalue()


def _table(rows: list[Row], width: int) -> Table:
    cells = {name: [make(row) for row in rows] for name, make in _COLUMNS.items()}
    return fit_table(cells, width, flexible="question", dispensable=_DISPENSABLE, numbers=_NUMBERS)


def _key(row: Row) -> Text:
    key = clean(row["session_key"])
    return Text(key[: ANONYMOUS_CHARACTERS if row["session_key_synthetic"] else KEY_CHARACTERS])


def _model(row: Row) -> Text:
    others = f" +{row['models_used'] - 1}" if row["models_used"] > 1 else ""
    return Text(_short(row["model"]) + others)


def _tokens(row: Row) -> Text:
    said, written = row["prompt_tokens"], row["completion_tokens"]
    return Text(f"{say_short(said)} → {say_short(written)}" if said or written else "-")


def _status(row: Row) -> Text:
    if row["error_turns"] and row["status"] == "ok":
        return Text(f"ok, {row['error_turns']} failed", style="yellow")
    return Text(row["status"], style=_COLOURS.get(row["status"], "red"))


_COLUMNS: Final[dict[str, Callable[[Row], Text]]] = {
    "began (UTC)": lambda row: Text(say_time(row["started_at"])[YEAR:-SECONDS], style="dim"),
    "session": _key,
    "question": lambda row: Text(_flat(row["question"])),
    "app": lambda row: Text(_short(row["app"] or row["client"]), style="cyan"),
    "model": _model,
    "turns": lambda row: Text(str(row["turns"])),
    "tokens": _tokens,
    "cost": lambda row: Text(say_cost(row["cost_usd"])),
    "status": _status,
}
_NUMBERS: Final = ("turns", "tokens", "cost")
_DISPENSABLE: Final = ("tokens", "app", "cost", "model", "turns")


def _flat(text: Any) -> str:
    return " ".join(clean(text).split()) if isinstance(text, str) and text else "-"


def _short(text: Any) -> str:
    flat = _flat(text)
    return flat if len(flat) <= _LABEL_CHARACTERS else f"{flat[: _LABEL_CHARACTERS - 1]}…"
