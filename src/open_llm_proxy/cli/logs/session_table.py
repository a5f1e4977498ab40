"""Sessions as a table for people, or as rows for programs."""

import csv
import json
import sys
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.conversation import Usage
from open_llm_proxy.logs.export.wording import clean, say_cost, say_time, say_tokens
from open_llm_proxy.logs.session_list import Row

FORMS: Final = ("table", "json", "jsonl", "csv")
KEY_CHARACTERS: Final = 13
"""Of a session's key: enough of a UUID, or of `anon:` and a hash, for `logs show`."""

PLAIN_WIDTH: Final = 160
_COLOURS: Final = {"ok": "green", "incomplete": "yellow"}


def show_sessions(rows: list[Row], form: str) -> None:
    """Print them.

    Raises:
        UserError: It is no form.
    """
    if form not in FORMS:
        raise UserError(f"--format takes {', '.join(FORMS)}, not {form!r}")
    if form == "table":
        if rows:
            console = Console(highlight=False, emoji=False, markup=False)
            console = console if console.is_terminal else Console(width=PLAIN_WIDTH, highlight=False)
            console.print(_table(rows))
    elif form == "json":
        sys.stdout.write(f"{json.dumps(rows, indent=2)}\n")
    elif form == "jsonl":
        sys.stdout.writelines(f"{json.dumps(row)}\n" for row in rows)
    elif rows:
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


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
