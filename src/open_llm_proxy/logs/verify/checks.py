"""Checks by keys: pairs, doubles, torn lines, and tables against their sources."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from open_llm_proxy.logs.condense.day import records_of
from open_llm_proxy.logs.condense.month import last_day
from open_llm_proxy.logs.condense.plan import day_after, day_before
from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.condense.sessions import are_of
from open_llm_proxy.logs.condense.site import Site
from open_llm_proxy.logs.holdings import TABLES
from open_llm_proxy.logs.statements import quote_all, statement
from open_llm_proxy.logs.verify.unit import Finding, Unit
from open_llm_proxy.store.schema import CONSOLIDATED, ROLLUP, SESSIONS, Column

_COLUMNS: Final = {"consolidated": CONSOLIDATED, "sessions": SESSIONS, "session-rollup": ROLLUP}
_LONG_TYPES: Final = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
_OLDER_TYPES: Final = {"JSON": "VARCHAR"}
"""Tables that other writers made may have a text where ours know that it is JSON."""

_CALLS: Final = "coalesce(type NOT IN ('system_prompt', 'tools'), true)"


def check_pairs(site: Site, press: Press, unit: Unit, settled: datetime) -> Iterator[Finding]:
    """Requests without a response and the reverse; those asked after ``settled`` may still be answered."""
    last = unit.first if len(unit.period) == len(unit.first) else last_day(unit.period)
    beside = [one for day in (day_before(unit.first), day_after(last)) for one in records_of(site, press, day)]
    near = (
        "(" + " UNION ALL ".join(f"({one})" for one in beside) + ")"
        if beside
        else f"(FROM {unit.records(press)} LIMIT 0)"
    )
    press.run(statement("verify/keys_of_calls", table="here", records=unit.records(press)))
    press.run(statement("verify/keys_of_calls", table="near", records=near))
    told = {"request": "requests without a response", "response": "responses without a request"}
    when = f"make_timestamptz({int(settled.timestamp() * 1e6)})"
    for kind, count, example in press.run(statement("verify/unpaired", settled=when)):
        yield Finding("pairs", unit.period, count, f"{told[kind]}, such as {example}")


def check_doubles(press: Press, unit: Unit) -> Iterator[Finding]:
    """Records that are more than once in the raw chunk files of a day, or in a table.

    Prompts and lists of tools are so in raw files by right: each recorder writes them once a day.
    """
    for records in unit.record_statements(press):
        raw = "read_ndjson" in records
        where = f"{unit.period}/" if raw else unit.tables["consolidated"].key
        keys = statement("condense/keys", records=f"({records})", more="")
        [(count, example)] = press.run(statement("verify/doubles", keys=keys, counted=_CALLS if raw else "true"))
        if count:
            yield Finding("doubles", where, count, f"records that are there already, such as {example}")


def check_torn_lines(press: Press, unit: Unit) -> Iterator[Finding]:
    """Lines of raw chunk files of which no record can be made."""
    if not unit.raw:
        return
    keys = {press.path(key): key for key in unit.raw_keys()}
    for path, count in sorted(press.run(statement("condense/torn_files", files=quote_all(keys)))):
        yield Finding("torn lines", keys[path], count, "lines of which no record can be made")


def check_columns(press: Press, unit: Unit) -> Iterator[Finding]:
    """Columns of Parquet files that the contract does not know, or knows with another type."""
    for table, file in unit.tables.items():
        known = {column.name: column for column in _COLUMNS[table]}
        found = [Column(name, kind) for name, kind, *_ in press.run(f"DESCRIBE FROM {press.stored(file.key)}")]
        unknown = [column.name for column in found if column.name not in known]
        if unknown:
            yield Finding("schema drift", file.key, len(unknown), f"unknown columns: {', '.join(unknown)}")
        other = [column for column in found if column.name in known and not _is_type(column, known[column.name])]
        if other:
            told = ", ".join(f"{column.name} {column.type}, not {known[column.name].type}" for column in other)
            yield Finding("schema drift", file.key, len(other), f"columns of another type: {told}")


def _is_type(found: Column, known: Column) -> bool:
    kind = _LONG_TYPES.get(found.type, found.type)
    return kind == known.type or kind == _OLDER_TYPES.get(known.type)


def check_tables(press: Press, unit: Unit) -> Iterator[Finding]:
    """Tables that lack what their sources have: raw chunk files, records, turns."""
    table, turns, sessions = (unit.tables.get(name) for name in TABLES)
    if table is None:
        return
    records = press.stored_records([table.key])
    if unit.raw:
        held = statement("condense/keys", records=f"({records})", more="")
        wanted = statement("condense/keys", records=f"({press.raw_records(unit.raw_keys())})", more="")
        [(lacking,)] = press.run(statement("condense/lacking", wanted=wanted, held=held))
        if lacking:
            yield Finding(
                "tables", table.key, lacking, "raw records that it lacks: they came late, condense merges them"
            )
    requests = press.count(f"({records})", "type = 'request'")
    if turns is not None and (count := press.count(press.stored(turns.key))) != requests:
        yield Finding("tables", turns.key, abs(requests - count), f"turns too many or too few: {count} of {requests}")
    if (
        turns is not None
        and sessions is not None
        and not are_of(press, press.stored(sessions.key), press.stored(turns.key))
    ):
        yield Finding("tables", sessions.key, 1, "its turns do not add up to those of sessions")
    missing = [name for name in TABLES if name not in unit.tables]
    if missing:
        yield Finding("tables", unit.period, len(missing), f"tables that are not there: {', '.join(missing)}")
