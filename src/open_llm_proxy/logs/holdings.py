"""What a source holds, by day and month: raw chunk files, and the Parquet files of each tier."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, cast, get_args

from open_llm_proxy.logs.stored import Stored
from open_llm_proxy.store.layout import Table

Tier = Literal["daily", "monthly"]

TABLES: Final[tuple[Table, ...]] = get_args(Table)
_RAW: Final = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)/(?!\.)[^/]+\.jsonl")
_TIER: Final = re.compile(
    rf"(?P<table>{'|'.join(TABLES)})/(?P<tier>daily|monthly)/(?P<period>\d{{4}}-\d\d(?:-\d\d)?)\.parquet"
)
_UNREADABLE: Final = re.compile(r"unreadable/(?P<day>\d{4}-\d\d-\d\d)/[^/]+\.txt")


class Place(NamedTuple):
    """What a key names. ``table`` and ``tier`` are None of a raw chunk file; ``period`` is a day or a month."""

    period: str
    table: Table | None = None
    tier: Tier | None = None


def place_of(key: str) -> Place | None:
    """What a key names; None: it is no file of raw records or of a tier."""
    raw = _RAW.fullmatch(key)
    if raw is not None:
        return Place(raw["day"])
    match = _TIER.fullmatch(key)
    if match is None or (len(match["period"]) == len("2026-11")) != (match["tier"] == "monthly"):
        return None
    return Place(match["period"], cast("Table", match["table"]), "monthly" if match["tier"] == "monthly" else "daily")


def is_ours(key: str) -> bool:
    """Whether a key is of the layout, unreadable frames included."""
    return place_of(key) is not None or _UNREADABLE.fullmatch(key) is not None


def month_of(day: str) -> str:
    """``YYYY-MM`` of ``YYYY-MM-DD``."""
    return day[:7]


class Holdings:
    """A source's files, sorted out.

    Attributes:
        raw: A day's raw chunk files.
    """

    def __init__(self, files: Iterable[Stored]) -> None:
        self.raw: dict[str, list[Stored]] = {}
        self._tiers: dict[Place, Stored] = {}
        for file in sorted(files, key=lambda one: one.key):
            place = place_of(file.key)
            if place is None:
                continue
            if place.table is None:
                self.raw.setdefault(place.period, []).append(file)
            else:
                self._tiers[place] = file

    def tier(self, table: Table, tier: Tier, period: str) -> Stored | None:
        """A table's file of a day or month, if there is one."""
        return self._tiers.get(Place(period, table, tier))

    def periods(self, table: Table, tier: Tier) -> list[str]:
        """The days or months of which a table has a file."""
        return sorted(place.period for place in self._tiers if place.table == table and place.tier == tier)

    def dailies(self, month: str) -> list[Stored]:
        """Daily files of every table within a month."""
        return [
            file for place, file in self._tiers.items() if place.tier == "daily" and month_of(place.period) == month
        ]

    def holds(self, day: str) -> Stored | None:
        """The file in which a day's records are condensed, monthly before daily."""
        month = self.tier("consolidated", "monthly", month_of(day))
        return month or self.tier("consolidated", "daily", day)

    def __iter__(self) -> Iterator[Stored]:
        for files in self.raw.values():
            yield from files
        yield from self._tiers.values()
