"""Which days one file tells all of, and which have to be put together from several."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from open_llm_proxy.logs.select import ONE_DAY, Selection, TierFile, select
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.window import Window, days
from open_llm_proxy.store.layout import Table


class Tier(NamedTuple):
    """A Parquet file, its source's path for DuckDB, and its days."""

    path: str
    file: TierFile


class Coverage:
    """The files of all sources that a window needs, by day.

    Attributes:
        raw: Paths of raw chunk files by their folder's day, those of the day after the window among them.
        raw_days: The days that they may hold records of.
        tiers: Parquet files by table.
    """

    def __init__(self, window: Window, sources: Sequence[Source], selections: Iterable[Selection]) -> None:
        self.window = window
        self.raw: dict[date, list[str]] = {}
        self.raw_days: set[date] = set()
        self._older: set[date] = set()
        self.tiers: dict[Table, list[Tier]] = {}
        for source, selection in zip(sources, selections, strict=True):
            for day, keys in selection.raw.items():
                self.raw.setdefault(day, []).extend(map(source.path, keys))
            self._older |= selection.older_days
            for table, files in selection.tiers.items():
                self.tiers.setdefault(table, []).extend(Tier(source.path(file.key), file) for file in files)

        self.raw_days |= set(self.raw) | {day - ONE_DAY for day in self._older}

    @property
    def files(self) -> tuple[object, ...]:
        """All of them, to be compared with those of another time."""
        return self.raw, self.tiers

    @property
    def days_to_read(self) -> set[date]:
        """The days of raw files that may hold records of the window's."""
        return {day for day in self.raw if self.is_wanted(day) or day in self._older}

    def mixed(self, *tables: Table) -> set[date]:
        """The days in the window for which the tables' tiers are not all: raw files, several files, or only some."""
        wanted, *others = (self._counts(table) for table in tables)
        present = self.raw_days.union(wanted, *others)
        return {day for day in present if self.is_wanted(day) and (day in self.raw_days or wanted[day] != 1)}

    def covered(self, table: Table) -> set[date]:
        """The days of which a table has a file."""
        return set(self._counts(table))

    def is_wanted(self, day: date) -> bool:
        """Whether the window touches a day."""
        first, last = days(self.window)
        return (first is None or day >= first) and (last is None or day <= last)

    def _counts(self, table: Table) -> Counter[date]:
        return Counter(day for tier in self.tiers.get(table, ()) for day in tier.file.days)


def cover(sources: Sequence[Source], window: Window, tables: Iterable[Table]) -> Coverage:
    """List the sources' files that the views of a window need."""
    wanted = tuple(tables)
    return Coverage(window, sources, [select(source, window, wanted) for source in sources])
