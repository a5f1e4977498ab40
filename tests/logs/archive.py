"""Stored files made by hand: which records lie where, in which tier and form, is the test's to say."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.select import TABLES
from open_llm_proxy.logs.statements import no_rows, quote, quote_all, statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.store.layout import daily_key, monthly_key
from open_llm_proxy.store.schema import CONSOLIDATED

Record = dict[str, Any]
FIVE = "ts, type, request_id, origin, entry"


def day_of(record: Record) -> str:
    return record["timestamp"][:10]


def next_day(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


class Archive:
    """Writes records into a source, with the package's own statements."""

    def __init__(self, source: Source, folder) -> None:
        self.source = source
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = connect(())
        self._chunks = 0

    def raw(self, records: Iterable[Record], *, older: bool = False, day: str | None = None) -> None:
        """A chunk file a day; ``older``: named as once, in the folder ``day`` where that is not the records' own."""
        by_day: dict[str, list[str]] = {}
        for record in records:
            by_day.setdefault(day or day_of(record), []).append(json.dumps(record) + "\n")
        for name, lines in by_day.items():
            self._chunks += 1
            clock = f"00-{self._chunks // 60:02}-{self._chunks % 60:02}"
            unique = "7" if older else f"host-7-00ff.{self._chunks}.{self._chunks}"
            self.source.write(f"{name}/{clock}-{unique}.jsonl", "".join(lines).encode())

    def daily(self, records: Sequence[Record], day: str, *, tables: Iterable[str] = TABLES, columns: str = "*") -> None:
        """The tiers of a day, of those of ``records`` that belong there (the answers of the day after, too)."""
        self._tables(
            [one for one in records if day_of(one) in {day, next_day(day)}], f"strftime({{}}, '%Y-%m-%d') = '{day}'"
        )
        for table in tables:
            self._copy(table, daily_key(table, day), columns)

    def monthly(self, records: Sequence[Record], month: str, *, tables: Iterable[str] = TABLES) -> None:
        """The tiers of a month."""
        self._tables(records, f"strftime({{}}, '%Y-%m') = '{month}'")
        for table in tables:
            self._copy(table, monthly_key(table, month), "*")

    def _tables(self, records: Sequence[Record], chosen: str) -> None:
        make_tables(self._connection, records, self._folder)
        for table, column in (("consolidated", "ts"), ("sessions", "request_ts")):
            rows = f"SELECT * FROM {table} WHERE {chosen.format(column)}"
            if table == "sessions":
                rows = statement("numbered_turns", turns=f"({rows})")
            self._connection.execute(f"CREATE OR REPLACE TABLE {table} AS {rows}")
        self._connection.execute(
            f'CREATE OR REPLACE TABLE "session-rollup" AS {statement("sessions", turns="sessions")}'
        )

    def _copy(self, table: str, key: str, columns: str) -> None:
        local = self._folder / "out.parquet"
        chosen = columns if table == "consolidated" else "*"
        self._connection.execute(f'COPY (SELECT {chosen} FROM "{table}") TO {quote(str(local))} (FORMAT parquet)')
        self.source.write(key, local)


def make_tables(connection, records: Sequence[Record], folder) -> None:
    """``consolidated``, ``sessions`` and ``session-rollup`` of records that stand nowhere else."""
    file = folder / "lines.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    lines = statement("raw_lines", files=quote_all([str(file)]))
    rows = statement("records_from_raw", lines=f"({lines})") if records else f"SELECT * FROM {no_rows(CONSOLIDATED)}"
    connection.execute(f"CREATE OR REPLACE TABLE consolidated AS {rows}")
    connection.execute(f"CREATE OR REPLACE TABLE sessions AS {statement('turns', records='consolidated')}")
    connection.execute(f'CREATE OR REPLACE TABLE "session-rollup" AS {statement("sessions", turns="sessions")}')


def rows_of(connection, relation: str) -> list[tuple[Any, ...]]:
    """All rows, sorted; times and JSON as text, so that they can be compared."""
    return sorted(
        connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {relation}").fetchall(),
        key=lambda row: [(value is None, value or "") for value in row],
    )


def stamp(day: str, second: float) -> str:
    moment = datetime.fromisoformat(day) + timedelta(seconds=second)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
