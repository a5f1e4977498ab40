"""What may go from a mirror: what both sides have condensed. Nothing that the first side lacks in its tiers."""

import tempfile
from pathlib import Path

from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.holdings import TABLES, Holdings, month_of, place_of
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source, Stored
from open_llm_proxy.store.layout import monthly_key


def find_prunable(source: Source, target: Source) -> list[str]:
    """Keys of ``target``: raw chunk files and daily tables.

    Raw chunk files go where ``source`` has taken them away, both sides hold their day in a table, and that of
    ``target`` holds each of their records. Daily tables go where ``source`` has taken them away, both sides hold the
    monthly one, and that of ``target`` holds each of their records.

    Raises:
        CondenseError: A file of the target cannot be read.
        UserError: A side cannot be reached.
    """
    mine, theirs = Holdings(source.list()), Holdings(target.list())
    kept = {file.key for file in mine}
    with tempfile.TemporaryDirectory(prefix="open-llm-proxy-prune-") as folder, Press(target, Path(folder)) as press:
        found = [
            file.key
            for day, files in theirs.raw.items()
            for file in _raw_that_may_go(press, mine, theirs, day, [one for one in files if one.key not in kept])
        ]
        for month in theirs.periods("consolidated", "monthly"):
            dailies = [file for file in theirs.dailies(month) if file.key not in kept]
            if _are_closed(mine, theirs, month) and _are_in_month(press, month, dailies):
                found += [file.key for file in dailies]
    return sorted(found)


def _raw_that_may_go(press: Press, mine: Holdings, theirs: Holdings, day: str, files: list[Stored]) -> list[Stored]:
    held = (theirs.tier("consolidated", "daily", day), theirs.tier("consolidated", "monthly", month_of(day)))
    tables = [table.key for table in held if table is not None]
    if not files or not tables or mine.holds(day) is None:
        return []
    raw = press.raw_records([file.key for file in files])
    return files if _is_within(press, f"({raw})", tables) else []


def _are_closed(mine: Holdings, theirs: Holdings, month: str) -> bool:
    """Whether both sides have all of a month's tables."""
    return all(side.tier(table, "monthly", month) is not None for side in (mine, theirs) for table in TABLES)


def _are_in_month(press: Press, month: str, dailies: list[Stored]) -> bool:
    keys = [file.key for file in dailies if (place := place_of(file.key)) and place.table == "consolidated"]
    return not keys or _is_within(press, f"({press.stored_records(keys)})", [monthly_key("consolidated", month)])


def _is_within(press: Press, records: str, tables: list[str]) -> bool:
    """Whether tables hold each of the records."""
    held = statement("condense/keys", records=f"({press.stored_records(tables)})", more="")
    wanted = statement("condense/keys", records=records, more="")
    return press.run(statement("condense/lacking", wanted=wanted, held=held)) == [(0,)]
