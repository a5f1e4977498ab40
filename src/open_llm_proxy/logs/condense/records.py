"""Raw chunk files and earlier Parquet files into one table of distinct records."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.logs.condense.figures import Figures
from open_llm_proxy.logs.condense.press import COLUMNS, IS_RECORD, Press, parquet
from open_llm_proxy.logs.condense.site import Site
from open_llm_proxy.logs.statements import quote_all, statement

AT_ONCE: Final = 2_000_000
"""Records whose keys are in memory while doubles are found."""
_BATCH: Final = 256


class Merged(NamedTuple):
    """What came in, and what was left out of it."""

    figures: Figures
    doubles: int = 0
    torn: int = 0


def merge(site: Site, press: Press, raw: Sequence[str], tables: Sequence[str], target: Path) -> Merged:
    """Write the distinct records of raw chunk files and of Parquet files, by their keys, to a local Parquet file.

    Torn lines are kept below ``unreadable/``.

    Raises:
        CondenseError: It does not hold what its sources do.
        FileNotFoundError: One of them has gone meanwhile.
    """
    select = " UNION ALL ".join(f"({one})" for one in _selects(press, raw, tables))
    expected, suspicious = press.raw_figures(raw) if raw else (None, False)
    if tables or expected is None:
        expected = press.figures(f"(FROM ({select}) WHERE {IS_RECORD})")
    torn = save_torn(site, press, raw) if suspicious else 0
    every = target.with_suffix(".all")
    press.copy(select, every)
    rows, records = press.count(parquet([every])), press.count(parquet([every]), IS_RECORD)
    if rows == records == expected.records:
        every.replace(target)
    else:
        drop_doubles(press, every, target)
        every.unlink()
    press.figures(parquet([target])).check(expected, target.name)
    return Merged(expected, records - expected.records, torn)


def _selects(press: Press, raw: Sequence[str], tables: Sequence[str]) -> Iterator[str]:
    if raw:
        yield press.raw_rows(raw)
    if tables:
        yield press.stored_records(tables)


def drop_doubles(press: Press, every: Path, target: Path, *, at_once: int = AT_ONCE) -> None:
    """Write the records of a local Parquet file without doubles to another."""
    rows = parquet([every], options=", file_row_number = true")
    keys = statement("condense/keys", records=f"(FROM {rows} WHERE {IS_RECORD})", more=", ts, entry, file_row_number")
    shares = 1 + press.count(rows) // at_once
    press.run("CREATE OR REPLACE TEMP TABLE kept (place BIGINT)")
    for share in range(shares):
        press.run(statement("condense/kept", keys=keys, shares=str(shares), share=str(share)))
    press.copy(statement("condense/without_doubles", columns=COLUMNS, records=rows), target)
    press.run("DROP TABLE kept")


def save_torn(site: Site, press: Press, raw: Sequence[str]) -> int:
    """Keep the lines of which no record can be made, before their files go; how many there are."""
    keys = {press.path(key): key for key in raw}
    total = 0
    for path, _ in press.run(statement("condense/torn_files", files=quote_all(keys))):
        copy = site.folder / "torn.jsonl"
        site.source.copy_out(keys[path], copy)
        lines = torn_lines(press, copy)
        copy.unlink()
        total += len(lines)
        if lines:
            day, _, name = keys[path].partition("/")
            kept = b"".join(line + b"\n" for line in lines)
            site.source.write(f"unreadable/{day}/{name.removesuffix('.jsonl')}.torn.txt", kept)
    return total


def torn_lines(press: Press, path: Path) -> list[bytes]:
    """The lines of a raw chunk file of which no record can be made."""
    torn: list[bytes] = []
    with path.open("rb") as file:
        lines = (line.rstrip(b"\r\n") for line in file if line.strip())
        while batch := list(islice(lines, _BATCH)):
            good = press.run(statement("condense/are_records"), lines=[_text(line) for line in batch])
            torn += [line for line, (fine,) in zip(batch, good, strict=True) if not fine]
    return torn


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
