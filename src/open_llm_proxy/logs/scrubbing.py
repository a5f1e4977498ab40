"""The recorder's scrubbing for files that are stored already: those of older versions, of before a key was known.

A file is replaced whole, and only where something in it was redacted; what is no stored file is not looked at.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.redaction import Redaction
from open_llm_proxy.logs.scrubbed_parquet import scrub_parquet
from open_llm_proxy.logs.source import open_source
from open_llm_proxy.logs.stored import Source, Stored
from open_llm_proxy.records.scrub import Scrubber

Rewrite = Callable[[Path, Path, Redaction], int]

_PARQUET: Final = ".parquet"
_UNREADABLE: Final = "unreadable"
_SUFFIXES: Final = (_PARQUET, ".jsonl", ".ndjson", ".txt")
_PLACES_SHOWN: Final = 12


class ScrubbedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in one file: how many of its ``records`` (or rows) held something, how often it stood where.

    ``problem``: why the file is as it was (None: it was replaced, or would have been).
    """

    key: str
    records: int = 0
    places: Counter[str] = msgspec.field(default_factory=Counter[str])
    problem: str | None = None

    def __str__(self) -> str:
        told = [f"{place} {count}" for place, count in self.places.most_common(_PLACES_SHOWN)]
        more = len(self.places) - len(told)
        if more:
            told.append(f"{more} more places")
        return f"{self.key}: {_counted(self.records, 'record')}: {', '.join(told)}"


def summarise(files: Sequence[ScrubbedFile], *, dry_run: bool) -> str:
    """What was done, or would be, in one line."""
    found = [file for file in files if file.records]
    looked_at = _counted(len(files), "file")
    if not found:
        return f"nothing to redact in {looked_at}"
    done = "would be redacted" if dry_run else "redacted"
    places, records = sum(file.places.total() for file in found), sum(file.records for file in found)
    return f"{_counted(places, 'text')} {done} in {_counted(records, 'record')} of {len(found)} of {looked_at}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class Scrubbing:
    """The files at a place: of a folder or below a prefix, or one alone.

    Args:
        place: A path or a store's URL.
        environ: The variables with the credentials.
        scrubber: Knows the keys.

    Raises:
        UserError: Nothing is there, or the store refuses.
    """

    def __init__(self, place: str, environ: Mapping[str, str], scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        folder, _, name = place.rstrip("/").rpartition("/")
        self._only = name if Path(place).is_file() or ("://" in place and Path(name).suffix in _SUFFIXES) else None
        self._source = open_source(
            (folder or ("/" if place.startswith("/") else ".")) if self._only else place, environ
        )
        self._files = [one for one in self._source.list() if self._only in (None, one.key)]
        if not self._files and (self._only or "://" not in place):
            raise UserError(f"There is nothing at {place}", "Name a chunk file, a Parquet file or a folder of them")

    def run(self, *, dry_run: bool = False) -> Iterator[ScrubbedFile]:
        """Scrub file after file; gives each that was looked at.

        Raises:
            UserError: The place refuses to be read or written.
        """
        for stored in self._files:
            rewrite = _rewrite_of(stored.key, named=self._only is not None)
            if rewrite is not None:
                with tempfile.TemporaryDirectory(prefix="open-llm-proxy-scrub-") as work:
                    yield self._scrub(stored, rewrite, Path(work), dry_run=dry_run)

    def _scrub(self, stored: Stored, rewrite: Rewrite, work: Path, *, dry_run: bool) -> ScrubbedFile:
        redaction = Redaction(self._scrubber)
        fetched, scrubbed = work / "fetched", work / "scrubbed"
        try:
            self._source.copy_out(stored.key, fetched)
            records = rewrite(fetched, scrubbed, redaction)
        except FileNotFoundError:
            return ScrubbedFile(key=stored.key)  # condensed since it was listed
        except duckdb.Error as error:
            return ScrubbedFile(key=stored.key, problem=" ".join(str(error).split()))
        if records and not dry_run:
            # Not by a conditional put: several servers ignore its condition in silence.
            if not _is_unchanged(self._source, stored):
                return ScrubbedFile(key=stored.key, problem="it has changed meanwhile; scrub it again")
            self._source.write(stored.key, scrubbed)
        return ScrubbedFile(key=stored.key, records=records, places=redaction.places)


def _is_unchanged(source: Source, stored: Stored) -> bool:
    folder, slash, _ = stored.key.rpartition("/")
    return stored in source.list(folder + slash)


def _rewrite_of(key: str, *, named: bool) -> Rewrite | None:
    """How a file is scrubbed; None: it is none of a store. One that was named itself is always looked at."""
    path = Path(key)
    if path.suffix == _PARQUET:
        return scrub_parquet
    if path.suffix == ".txt" and (named or _UNREADABLE in path.parts):
        return _scrub_text
    return _scrub_lines if named or path.suffix == ".jsonl" else None


def _scrub_lines(source: Path, target: Path, redaction: Redaction) -> int:
    changed = 0
    with source.open("rb") as lines, target.open("wb") as file:
        for line in lines:
            record = line.rstrip(b"\r\n")
            text = record.decode("utf-8", "surrogateescape")
            scrubbed = redaction.record(text)
            if scrubbed is not text:
                changed += 1
                line = scrubbed.encode("utf-8", "surrogateescape") + line[len(record) :]  # noqa: PLW2901 - ends as it did
            file.write(line)
    return changed


def _scrub_text(source: Path, target: Path, redaction: Redaction) -> int:
    text = source.read_bytes().decode("utf-8", "surrogateescape")
    target.write_bytes(redaction.text(text).encode("utf-8", "surrogateescape"))
    return int(redaction.count > 0)
