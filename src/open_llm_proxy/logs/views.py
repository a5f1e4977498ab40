"""The four views: ``records``, ``turns``, ``sessions``, ``system_prompts``, over files of every tier and age.

A day that one Parquet file tells all of is read from it, and nothing else is: that is what makes a month of large days
quick. A *mixed* day (raw files, one that is in two places, one with a tier missing) is put together from its records,
each once. What was left unanswered before midnight is looked for in the raw records of the day after.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import duckdb

from open_llm_proxy.logs.coverage import Coverage, Tier, cover
from open_llm_proxy.logs.select import ONE_DAY
from open_llm_proxy.logs.statements import no_rows, quote_all, statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.tier_rows import Cut, in_days, is_whole, midnight, tier_rows, within
from open_llm_proxy.logs.window import Window, days
from open_llm_proxy.store.layout import Table
from open_llm_proxy.store.schema import CONSOLIDATED, ROLLUP, SESSIONS, Column

VIEWS: Final = ("records", "turns", "sessions", "system_prompts")
PROMPTS: Final = (
    Column("system_sha256", "VARCHAR"),
    Column("content", "VARCHAR"),
    Column("origin", "VARCHAR"),
    Column("first_seen", "TIMESTAMPTZ"),
    Column("last_seen", "TIMESTAMPTZ"),
)

_TABLES: Final[dict[str, tuple[Table, ...]]] = {
    "records": ("consolidated",),
    "turns": ("sessions", "consolidated"),
    "sessions": ("session-rollup", "sessions", "consolidated"),
    "system_prompts": ("consolidated",),
}


def create_views(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    window: Window,
    views: Iterable[str] = VIEWS,
    *,
    known: Coverage | None = None,
) -> Coverage:
    """Create views over what ``sources`` hold in ``window``, or replace those of another window.

    ``records`` and ``turns`` have the rows whose time is in it, ``sessions`` those that it touches, whole as far as the
    days go that it touches; ``system_prompts`` has all of these days. Of the files names and footers are read here; the
    rest when a view is queried.

    Args:
        connection: One of ``engine.connect`` with these sources.
        sources: Where the files are.
        window: The time that is asked for.
        views: Which of the views are wanted.
        known: What this gave before: while the files are the same, nothing is made anew.

    Returns:
        Which files the views are over.
    """
    wanted = [name for name in VIEWS if name in views]
    tables: dict[Table, None] = dict.fromkeys(table for name in wanted for table in _TABLES[name])
    coverage = cover(sources, window, tables)
    if known is not None and known.files == coverage.files:
        return known
    maker = _Maker(connection, coverage)
    for name in wanted:
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS {maker.make(name)}")
    return coverage


_PLACE: Final = "CAST(file_index AS BIGINT) << 36 | file_row_number AS place"
"""A row's own number, whatever files are read together."""
_PART: Final = (*ROLLUP, Column("place", "BIGINT"), Column("whole", "BOOLEAN"))
_COLUMNS: Final[dict[Table, tuple[Column, ...]]] = {
    "consolidated": CONSOLIDATED,
    "sessions": SESSIONS,
    "session-rollup": ROLLUP,
}


class _Maker:
    """Makes the views' statements for one coverage."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, coverage: Coverage) -> None:
        self._connection = connection
        self._coverage = coverage
        self._window = coverage.window
        self._mixed_turns = coverage.mixed("sessions", "consolidated") if "sessions" in coverage.tiers else set[date]()
        covered = coverage.covered("sessions") - self._mixed_turns
        self._patched = {day for day in covered if coverage.is_wanted(day) and day + ONE_DAY in coverage.raw_days}

    def make(self, view: str) -> str:
        """A view's statement."""
        makers = {
            "records": self.records,
            "turns": self.turns,
            "sessions": self.sessions,
            "system_prompts": self.system_prompts,
        }
        return makers[view]()

    # --- records -------------------------------------------------------------------------------------------------

    def records(self) -> str:
        """Of clean days as they are, of mixed ones each once."""
        mixed = frozenset(self._coverage.mixed("consolidated"))
        rows = self._rows("consolidated", Cut("ts", self._window, without=mixed))
        doubled = [*self._rows("consolidated", Cut("ts", only=mixed)), *self._raw(self._coverage.days_to_read)]
        if doubled:
            once = statement("without_doubles", records=_relation(doubled, CONSOLIDATED))
            rows.append(f"SELECT * FROM ({once}) WHERE {within('ts', self._window)}")
        return _union(rows, CONSOLIDATED)

    def system_prompts(self) -> str:
        """Of all days that the window touches."""
        wanted = self._days_window()
        rows = [*self._rows("consolidated", Cut("ts", wanted)), *self._raw(self._coverage.raw)]
        return statement("system_prompts", records=_relation(rows, CONSOLIDATED))

    # --- turns ---------------------------------------------------------------------------------------------------

    def turns(self) -> str:
        """Numbered over all of them, where they are of more than one file."""
        files = [tier for tier in self._coverage.tiers["sessions"] if Cut("request_ts").touches(tier)]
        found = _union([*self._clean_turns(self._window), *self._made_turns(self._window)], SESSIONS)
        if len(files) < 2 and not self._mixed_turns | self._patched:
            return found
        return statement("numbered_turns", turns=f"({found})")

    def _clean_turns(self, window: Window) -> list[str]:
        """Rows of the tiers that are right as they are."""
        rows = self._rows("sessions", Cut("request_ts", window, without=frozenset(self._mixed_turns)))
        if not self._patched:
            return rows
        waiting = f"response_ts IS NULL AND {in_days('request_ts', self._patched)}"
        return [f"SELECT * FROM ({_union(rows, SESSIONS)}) WHERE NOT ({waiting})"]

    def _made_turns(self, window: Window) -> list[str]:
        """Turns of mixed days and those that an answer was still to come for, from records."""
        made = self._mixed_turns | self._patched
        if not made:
            return []
        known = self._rows("consolidated", Cut("ts", only=_and_after(self._mixed_turns)))
        waiting = _relation(self._rows("sessions", Cut("request_ts", only=frozenset(self._patched))), SESSIONS)
        asked = [statement("unanswered_requests", turns=waiting)] if self._patched else []
        once = statement("without_doubles", records=_relation([*known, *self._raw(_and_after(made)), *asked], ()))
        # Of a day in several places there may be records in one, and only what was made of them in the other.
        stored = self._rows("sessions", Cut("request_ts", only=frozenset(self._mixed_turns)))
        turns = _relation([statement("turns", records="call"), *stored], SESSIONS)
        return [
            statement(
                "made_turns",
                calls=statement("calls_once", records=f"({once})"),
                turns=f"({statement('turns_once', turns=turns)})" if stored else turns,
                mixed=in_days("request_ts", self._mixed_turns),
                patched=in_days("request_ts", self._patched),
                waiting=waiting,
                window=within("request_ts", window),
            )
        ]

    # --- sessions ------------------------------------------------------------------------------------------------

    def sessions(self) -> str:
        """Roll-ups as they are, but for sessions that something else tells of, too: these are made of their turns."""
        unfinished = {day for day in self._mixed_turns if day + ONE_DAY in self._coverage.raw_days}
        mixed = self._coverage.mixed("session-rollup", "sessions", "consolidated") | unfinished
        tiers = [tier for tier in self._coverage.tiers["session-rollup"] if not mixed >= set(tier.file.days)]
        parts = _union(self._parts(tiers), _PART)
        touched = _touched(self._window)
        doubtful = self._doubtful(mixed, several=len(tiers) > 1)
        if not doubtful:
            return f"SELECT * EXCLUDE (place, whole) FROM ({parts}) WHERE whole OR ({touched})"
        window = self._days_window()
        turns = _union(["SELECT * FROM made_turn", *self._clean_turns(window)])
        return statement(
            "sessions_of_parts",
            made=_union(self._made_turns(window), SESSIONS),
            parts=parts,
            doubtful=_union(doubtful),
            turns=turns,
            merged=statement("merged_sessions", parts="settled"),
            anew=statement("sessions", turns="turn"),
            touched=touched,
        )

    def _doubtful(self, mixed: set[date], *, several: bool) -> list[str]:
        """Where the keys of sessions come from whose roll-up cannot be taken as it is."""
        found: list[str] = []
        if mixed:
            found.append(f"SELECT session_key FROM any_turn WHERE {in_days('request_ts', mixed)}")
        if self._patched:
            answered = f"response_ts IS NOT NULL AND {in_days('request_ts', self._patched)}"
            found.append(f"SELECT session_key FROM made_turn WHERE {answered}")
        if several:
            found.append(statement("sessions_of_several_models"))
        return found

    def _parts(self, tiers: Sequence[Tier]) -> list[str]:
        whole = [tier for tier in tiers if is_whole(tier, self._window)]
        partly = [tier for tier in tiers if not is_whole(tier, self._window)]
        groups = [
            (flag, rows)
            for flag, some in (("true", whole), ("false", partly))
            for rows in tier_rows(self._connection, some, ROLLUP, Cut("started_at"), more=_PLACE)
        ]
        return [
            f"SELECT * REPLACE (place + {number << 56} AS place), {flag} AS whole FROM ({rows})"
            for number, (flag, rows) in enumerate(groups)
        ]

    # --- files ---------------------------------------------------------------------------------------------------

    def _rows(self, table: Table, cut: Cut) -> list[str]:
        return tier_rows(self._connection, self._coverage.tiers.get(table, ()), _COLUMNS[table], cut)

    def _raw(self, wanted: Iterable[date]) -> list[str]:
        paths = [path for day in sorted(wanted) for path in self._coverage.raw.get(day, ())]
        if not paths:
            return []
        lines = statement("raw_lines", files=quote_all(paths))
        return [statement("records_from_raw", lines=f"({lines})")]

    def _days_window(self) -> Window:
        """The window, widened to whole days."""
        first, last = days(self._window)
        return Window(None if first is None else midnight(first), None if last is None else midnight(last + ONE_DAY))


def _touched(window: Window) -> str:
    return f"{within('finished_at', Window(window.start, None))} AND {within('started_at', Window(None, window.end))}"


def _and_after(chosen: Iterable[date]) -> frozenset[date]:
    return frozenset(day + ONE_DAY * number for day in chosen for number in (0, 1))


def _union(statements: Sequence[str], columns: Sequence[Column] = ()) -> str:
    """All their rows; without any, none, in these columns."""
    if not statements:
        return f"SELECT * FROM {no_rows(columns)}"
    return "\nUNION ALL\n".join(f"SELECT * FROM ({one})" for one in statements)


def _relation(statements: Sequence[str], columns: Sequence[Column]) -> str:
    return f"({_union(statements, columns)})"
