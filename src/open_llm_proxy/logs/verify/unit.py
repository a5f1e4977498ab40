"""The days and months that are looked at, and what a check says of one."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.holdings import TABLES, Holdings
from open_llm_proxy.logs.stored import Stored
from open_llm_proxy.store.layout import Table

Check = Literal["pairs", "doubles", "torn lines", "schema drift", "secrets", "tables"]


class Finding(NamedTuple):
    """Something wrong: ``where`` is a key, a day or a month; ``detail`` never holds a secret."""

    check: Check
    where: str
    times: int
    detail: str


class Unit(NamedTuple):
    """A day or month and its files. ``tables`` are its Parquet files by name."""

    period: str
    raw: tuple[Stored, ...]
    tables: dict[Table, Stored]

    @property
    def first(self) -> str:
        """Its first day."""
        return self.period if len(self.period) == len("2026-11-25") else f"{self.period}-01"

    def raw_keys(self) -> list[str]:
        """Keys of its raw chunk files."""
        return [file.key for file in self.raw]

    def record_statements(self, press: Press) -> list[str]:
        """Statements for the consolidated rows of each of its files, doubles included."""
        found = [press.raw_records(self.raw_keys())] if self.raw else []
        table = self.tables.get("consolidated")
        return [*found, press.stored_records([table.key])] if table else found

    def records(self, press: Press) -> str:
        """All of them as one relation."""
        return "(" + " UNION ALL ".join(f"({one})" for one in self.record_statements(press)) + ")"


def find_units(holdings: Holdings, first: str | None, last: str | None) -> Iterator[Unit]:
    """Days and months that touch the window from ``first`` to ``last``, both inclusive; None: no bound."""
    days = {*holdings.raw, *(day for table in TABLES for day in holdings.periods(table, "daily"))}
    months = {month for table in TABLES for month in holdings.periods(table, "monthly")}
    for period in sorted(days | months):
        length = len(period)
        if (first is None or period >= first[:length]) and (last is None or period <= last[:length]):
            tier = "daily" if period in days else "monthly"
            found: dict[Table, Stored | None] = {table: holdings.tier(table, tier, period) for table in TABLES}
            tables: dict[Table, Stored] = {table: file for table, file in found.items() if file is not None}
            yield Unit(period, tuple(holdings.raw.get(period, ())), tables)
