"""Rows of Parquet files in today's columns, whoever wrote them. Nothing but their footers is read here."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

import duckdb

from open_llm_proxy.logs.coverage import Tier
from open_llm_proxy.logs.select import ONE_DAY
from open_llm_proxy.logs.statements import quote, quote_all, statement
from open_llm_proxy.logs.window import Window
from open_llm_proxy.store.schema import CONSOLIDATED, Column

ENTRY: Final = "entry"
_OURS: Final = frozenset(("endpoint", "key", "stream", "status", "ttft_ms", "finish_reason", "upstream_model"))
_FIRST: Final = {column.name for column in CONSOLIDATED} - _OURS


class Cut(NamedTuple):
    """Which rows of a table's files are wanted.

    Attributes:
        time: The column that says to which day a row belongs.
        window: Only rows in it.
        without: Not those of these days.
        only: Only those of these days; None: of any.
    """

    time: str
    window: Window = Window(None, None)
    without: frozenset[date] = frozenset()
    only: frozenset[date] | None = None

    def condition(self, tier: Tier) -> str:
        """What a row of the file has to fulfil; empty: nothing, the whole file is wanted."""
        parts = [] if self._allowed(tier) == _near(tier) else [_in_days(self.time, self._allowed(tier))]
        if not is_whole(tier, self.window):
            parts.append(within(self.time, self.window))
        return " AND ".join(parts)

    def touches(self, tier: Tier) -> bool:
        """Whether the file can hold a row that is wanted."""
        return bool(self._allowed(tier))

    def _allowed(self, tier: Tier) -> list[date]:
        near = _near(tier)
        return [day for day in near if day not in self.without and (self.only is None or day in self.only)]


def is_whole(tier: Tier, window: Window) -> bool:
    """Whether all of a file's days lie in the window with all their hours."""
    return (window.start is None or window.start <= midnight(tier.file.first)) and (
        window.end is None or window.end >= midnight(tier.file.last + ONE_DAY)
    )


def _near(tier: Tier) -> list[date]:
    """A file's days, and the one before: older files may hold its end."""
    return [tier.file.first - ONE_DAY, *tier.file.days]


def _in_days(column: str, days: Sequence[date]) -> str:
    """The condition that a time is of one of these days (sorted), as ranges, which Parquet's statistics can answer."""
    runs: list[list[date]] = []
    for day in days:
        if runs and runs[-1][1] == day:
            runs[-1][1] = day + ONE_DAY
        else:
            runs.append([day, day + ONE_DAY])
    ranges = (
        f"({column} >= {instant(midnight(first))} AND {column} < {instant(midnight(end))})" for first, end in runs
    )
    return f"({' OR '.join(ranges)})"


def tier_rows(
    connection: duckdb.DuckDBPyConnection, tiers: Iterable[Tier], columns: Sequence[Column], cut: Cut, *, more: str = ""
) -> list[str]:
    """Statements that together give the rows that are wanted: one for all files that are alike.

    ``more`` is another column's expression, over what DuckDB knows of a row's place in its file.
    """
    wanted = [tier for tier in tiers if cut.touches(tier)]
    names = column_names(connection, [tier.path for tier in wanted])
    alike: dict[tuple[frozenset[str], str], list[str]] = defaultdict(list)
    for tier in wanted:
        alike[names[tier.path], cut.condition(tier)].append(tier.path)
    return [_select(paths, found, columns, condition, more) for (found, condition), paths in alike.items()]


def column_names(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> dict[str, frozenset[str]]:
    """The columns that Parquet files have, from their footers."""
    if not paths:
        return {}
    rows = connection.execute(
        f"SELECT file_name, list(name) FROM parquet_schema({quote_all(paths)}) GROUP BY file_name"
    ).fetchall()
    return {path: frozenset(names) for path, names in rows}


def _select(paths: Iterable[str], found: frozenset[str], columns: Sequence[Column], condition: str, more: str) -> str:
    files = f"read_parquet({quote_all(paths)}, union_by_name = true)"
    if columns is CONSOLIDATED and ENTRY in found and not found >= _FIRST:
        rows = statement("records_from_raw", lines=f"(SELECT TRY_CAST({ENTRY} AS JSON) AS json FROM {files})")
        return f"SELECT * FROM ({rows})" + (f" WHERE {condition}" if condition else "")
    chosen = ", ".join([*(_expression(column, found) for column in columns), *([more] if more else [])])
    return f"SELECT {chosen} FROM {files}" + (f" WHERE {condition}" if condition else "")


def _expression(column: Column, found: frozenset[str]) -> str:
    if column.name in found:
        return f"TRY_CAST({column.name} AS {column.type}) AS {column.name}"
    if ENTRY in found:
        return f"TRY_CAST(json_extract_string({ENTRY}, {quote(f'$.{column.name}')}) AS {column.type}) AS {column.name}"
    return f"NULL::{column.type} AS {column.name}"


def in_days(column: str, days: Iterable[date]) -> str:
    """The condition that a time is of one of these UTC days."""
    chosen = sorted(days)
    return _in_days(column, chosen) if chosen else "false"


def within(column: str, window: Window) -> str:
    """The condition that a time lies in a window."""
    bounds = [
        *([] if window.start is None else [f"{column} >= {instant(window.start)}"]),
        *([] if window.end is None else [f"{column} < {instant(window.end)}"]),
    ]
    return " AND ".join(bounds) or "true"


def midnight(day: date) -> datetime:
    """A UTC day's beginning."""
    return datetime.combine(day, time(), UTC)


def instant(moment: datetime) -> str:
    """An instant for SQL."""
    return f"TIMESTAMPTZ '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
