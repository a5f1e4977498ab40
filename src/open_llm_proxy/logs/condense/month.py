"""One month: its daily tables into the monthly ones; late raw chunk files of a closed month merged."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from pathlib import Path

from open_llm_proxy.logs.condense.day import add_late_answers, answer_day_before, put_sessions
from open_llm_proxy.logs.condense.plan import day_after
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.logs.condense.records import Merged, merge
from open_llm_proxy.logs.condense.site import Done, Site, digest, key_of, keys
from open_llm_proxy.logs.condense.turns import write_turns
from open_llm_proxy.logs.holdings import TABLES, Place, month_of, place_of
from open_llm_proxy.logs.stored import Stored
from open_llm_proxy.store.layout import Table


def condense_month(site: Site, press: Press, month: str, late_days: Sequence[str] = ()) -> Done:
    """Make a month's tables, put them in place, remove the daily ones (and late raw chunk files) last.

    Turns are numbered anew over the month, as sessions cross midnight.

    Args:
        site: Where.
        press: This job's connection.
        month: ``YYYY-MM``, all of whose days are done.
        late_days: Days with raw chunk files that came after the month was closed.

    Raises:
        CondenseError: A table does not hold what it was made from; that is still there.
        FileNotFoundError: A file has gone meanwhile: somebody else condenses, too.
        UserError: The source refuses.
    """
    raw = {day: site.raw_files(day) for day in late_days}
    dailies = {table: _dailies(site, table, month) for table in TABLES}
    merged, table = _merge(site, press, month, raw, dailies["consolidated"])
    turns = site.folder / "turns.parquet"
    write_turns(press, table, merged.figures.requests, turns)
    late = add_late_answers(site, press, turns, day_after(last_day(month)))
    site.put_rows(press, turns, key_of("sessions", month))
    answer_day_before(site, press, f"{month}-01", parquet([table]))
    put_sessions(site, press, month, parquet([turns]), _digest(site, month, late_days))
    site.source.delete(file.key for files in dailies.values() for file in files)
    if not site.keep_raw:
        site.source.delete(file.key for files in raw.values() for file in files)
    figures = merged.figures
    return Done(month, figures.records, figures.requests, figures.responses, merged.doubles, merged.torn, late)


def _merge(
    site: Site, press: Press, month: str, raw: Mapping[str, Sequence[Stored]], dailies: Sequence[Stored]
) -> tuple[Merged, str | Path]:
    """The month's records in place: what came in, and the file of them."""
    place = key_of("consolidated", month)
    late = [file.key for files in raw.values() for file in files]
    old = [place] if site.find(place) else []
    if old and not late and not dailies and press.is_current(place):
        stored = press.path(place)
        return Merged(press.figures(parquet([stored]))), stored
    table = site.folder / "consolidated.parquet"
    merged = merge(site, press, late, [*old, *keys(dailies)], table)
    site.put(press, table, place, merged.figures)
    return merged, table


def _dailies(site: Site, table: Table, month: str) -> list[Stored]:
    files = site.source.list(f"{table}/daily/")
    return [file for file in files if (place := place_of(file.key)) is not None and month_of(place.period) == month]


def _digest(site: Site, month: str, late_days: Sequence[str]) -> str | None:
    """Of the month's raw chunk files that are kept; None where some of them are not in its tables yet."""
    days = [name for name in site.source.folders() if place_of(f"{name}/x.jsonl") == Place(name)]
    raw = {day: site.raw_files(day) for day in days if month_of(day) == month}
    return digest(file for files in raw.values() for file in files) if set(late_days) in (set(), set(raw)) else None


def last_day(month: str) -> str:
    """The last day of ``YYYY-MM``."""
    year, number = map(int, month.split("-"))
    return f"{month}-{monthrange(year, number)[1]:02d}"
