"""One day: its raw chunk files into the daily tables; late ones merged; its answers to the day before looked after."""

from collections.abc import Iterator
from pathlib import Path

from open_llm_proxy.logs.condense.answers import add_answers
from open_llm_proxy.logs.condense.plan import day_after, day_before
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.logs.condense.records import merge
from open_llm_proxy.logs.condense.sessions import are_of, write_sessions
from open_llm_proxy.logs.condense.site import Done, Site, digest, key_of, keys
from open_llm_proxy.logs.condense.turns import write_turns
from open_llm_proxy.logs.holdings import month_of


def condense_day(site: Site, press: Press, day: str, *, ahead: bool = True) -> Done:
    """Make a day's tables, put them in place, remove the raw chunk files last.

    Args:
        site: Where.
        press: This job's connection.
        day: ``YYYY-MM-DD``, of a month that is not closed.
        ahead: Look into the following day for late answers; False: that day is a later job of this run, which will.

    Raises:
        CondenseError: A table does not hold what it was made from; the raw chunk files are still there.
        FileNotFoundError: A file has gone meanwhile: somebody else condenses, too.
        UserError: The source refuses.
    """
    raw = site.raw_files(day)
    place = key_of("consolidated", day)
    table = site.folder / "consolidated.parquet"
    old = [place] if site.find(place) else []
    merged = merge(site, press, keys(raw), old, table)
    site.put(press, table, place, merged.figures)
    turns = site.folder / "turns.parquet"
    write_turns(press, table, merged.figures.requests, turns)
    late = 0
    if ahead:
        late = add_answers(
            press, parquet([turns]), list(records_of(site, press, day_after(day))), turns.with_suffix(".late")
        )
        if late:
            turns.with_suffix(".late").replace(turns)
    site.put_rows(press, turns, key_of("sessions", day))
    answer_day_before(site, press, day, parquet([table]))
    put_sessions(site, press, day, parquet([turns]), digest(raw))
    if not site.keep_raw:
        site.source.delete(keys(raw))
    figures = merged.figures
    return Done(day, figures.records, figures.requests, figures.responses, merged.doubles, merged.torn, late)


def add_late_answers(site: Site, press: Press, turns: Path, following: str) -> int:
    """Put the answers of the following day into a local file of turns; how many there are."""
    answered = turns.with_suffix(".late")
    late = add_answers(press, parquet([turns]), list(records_of(site, press, following)), answered)
    if late:
        answered.replace(turns)
    return late


def records_of(site: Site, press: Press, day: str) -> Iterator[str]:
    """Statements for all the records of a day, wherever they are. Raw first: they go when the others are there."""
    raw = site.raw_files(day)
    if raw:
        yield press.raw_records(keys(raw))
    tables = [key for period in (day, month_of(day)) if site.find(key := key_of("consolidated", period))]
    if tables:
        yield press.stored_records(tables)


def answer_day_before(site: Site, press: Press, day: str, records: str) -> int:
    """Merge a day's answers to requests of the day before into that one's tables; how many are new."""
    before = day_before(day)
    for period in (before, month_of(before)):
        place = key_of("sessions", period)
        if not site.find(place):
            continue
        turns, sessions = press.stored(place), key_of("session-rollup", period)
        path = site.folder / "before.parquet"
        late = add_answers(press, turns, [f"FROM {records}"], path, day=before)
        if late:
            site.put_rows(press, path, place)
        elif not site.find(sessions) or are_of(press, press.stored(sessions), turns):
            continue
        note = press.note_of(sessions) if site.find(sessions) else None
        put_sessions(site, press, period, press.stored(place), note)
        return late
    return 0


def put_sessions(site: Site, press: Press, period: str, turns: str, note: str | None) -> None:
    """Make a day's or month's sessions of its turns, and put them in place."""
    path = site.folder / "rollup.parquet"
    write_sessions(press, turns, path, note=note)
    site.put_rows(press, path, key_of("session-rollup", period))
