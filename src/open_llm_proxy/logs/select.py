"""Which stored files a window needs."""

import re
from calendar import monthrange
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Final, NamedTuple, get_args

from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.window import Window, days
from open_llm_proxy.store.layout import Table, parse_chunk

TABLES: Final[tuple[Table, ...]] = get_args(Table)
ONE_DAY: Final = timedelta(days=1)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_PERIOD: Final = re.compile(r".+/(?:daily/(\d{4}-\d\d-\d\d)|monthly/(\d{4}-\d\d))\.parquet")


class TierFile(NamedTuple):
    """A Parquet file and the UTC days that it is of: one, or a month's."""

    key: str
    first: date
    last: date

    @property
    def days(self) -> Iterator[date]:
        """Its days."""
        return (self.first + ONE_DAY * number for number in range((self.last - self.first).days + 1))


class Selection(NamedTuple):
    """The files of one source that a window needs.

    Attributes:
        raw: Raw chunk files by the day that their folder names: the window's, and the day after it, for answers that
            came then. Older files are named by when they were written, so theirs may hold the end of the day before.
        tiers: Parquet files of each table, daily and monthly, sorted by their days; of ``consolidated`` also those of
            the day after.
    """

    raw: dict[date, tuple[str, ...]]
    tiers: dict[Table, tuple[TierFile, ...]]

    @property
    def older_days(self) -> set[date]:
        """The days of raw files whose names are older."""
        return {day for day, keys in self.raw.items() if any(_is_older(key) for key in keys)}


def select(source: Source, window: Window, tables: Collection[Table] = TABLES) -> Selection:
    """The files that the views of ``window`` may need; whole days, so that some rows lie outside.

    A monthly file and daily ones of the same month are all selected: a daily one beside it may hold what came late.

    Args:
        source: Where they are; it is listed, none is opened.
        window: The time that is asked for.
        tables: The tables whose tiers are wanted; raw files always are.
    """
    first, last = days(window)
    after = None if last is None else last + ONE_DAY
    raw = {day: _chunk_keys(source, day) for day in _raw_days(source) if _is_within(day, day, first, after)}
    tiers: dict[Table, tuple[TierFile, ...]] = {
        table: tuple(
            file
            for file in _tier_files(source, table)
            if _is_within(file.first, file.last, first, after if table == "consolidated" else last)
        )
        for table in tables
    }
    return Selection({day: keys for day, keys in raw.items() if keys}, tiers)


def tier_file(key: str) -> TierFile | None:
    """What a key's name says; None: it is no Parquet file of a tier."""
    match = _PERIOD.fullmatch(key)
    if match is None:
        return None
    with suppress(ValueError):
        if match[1] is not None:
            day = date.fromisoformat(match[1])
            return TierFile(key, day, day)
        first = date.fromisoformat(f"{match[2]}-01")
        return TierFile(key, first, first.replace(day=monthrange(first.year, first.month)[1]))
    return None


def _tier_files(source: Source, table: Table) -> list[TierFile]:
    found = (tier_file(stored.key) for stored in source.list(f"{table}/"))
    return sorted((file for file in found if file is not None), key=lambda file: (file.first, file.last, file.key))


def _raw_days(source: Source) -> Iterator[date]:
    for name in source.folders():
        if _DAY.fullmatch(name):
            with suppress(ValueError):
                yield date.fromisoformat(name)


def _chunk_keys(source: Source, day: date) -> tuple[str, ...]:
    return tuple(stored.key for stored in source.list(f"{day}/") if stored.size and stored.key.endswith(".jsonl"))


def _is_older(key: str) -> bool:
    chunk = parse_chunk(key)
    return chunk is None or chunk.directory is None


def _is_within(start: date, end: date, first: date | None, last: date | None) -> bool:
    return (first is None or end >= first) and (last is None or start <= last)
