"""What the jobs of a run share: the source, where they work, and how a file gets its place and is checked there."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from open_llm_proxy.logs.condense.figures import CondenseError, Figures
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.logs.holdings import Place, place_of
from open_llm_proxy.logs.stored import Source, Stored
from open_llm_proxy.store.layout import Table, daily_key, day_prefix, monthly_key


class Done(NamedTuple):
    """What became of a day or month. ``doubles`` and ``torn`` lines were left out, the latter kept as unreadable."""

    period: str
    records: int
    requests: int
    responses: int
    doubles: int = 0
    torn: int = 0
    late_answers: int = 0


class Site(NamedTuple):
    """``folder`` is this run's own, on this machine."""

    source: Source
    folder: Path
    keep_raw: bool = False
    press: Callable[[Source, Path], Press] = Press

    def raw_files(self, day: str) -> list[Stored]:
        """A day's raw chunk files, as they are now."""
        return [file for file in self.source.list(day_prefix(day)) if place_of(file.key) == Place(day)]

    def find(self, key: str) -> Stored | None:
        """A stored file, if it is there."""
        return next((file for file in self.source.list(key.rpartition("/")[0] + "/") if file.key == key), None)

    def put(self, press: Press, path: Path, key: str, figures: Figures) -> None:
        """Put a table of records in place, and read it there.

        Raises:
            CondenseError: It holds something else than it should; what it was made from stays.
        """
        self.source.write(key, path)
        press.figures(press.stored(key)).check(figures, key)

    def put_rows(self, press: Press, path: Path, key: str) -> None:
        """Put another table in place, and count its rows there."""
        self.source.write(key, path)
        if press.count(press.stored(key)) != press.count(parquet([path])):
            raise CondenseError(f"{key} has other rows in its place than it was made with")


def key_of(table: Table, period: str) -> str:
    """A table's file of a day or month."""
    return daily_key(table, period) if len(period) == len("2026-11-25") else monthly_key(table, period)


def digest(files: Iterable[Stored]) -> str:
    """What tells one state of kept raw chunk files from another: their names and sizes."""
    listed = "\n".join(f"{file.key} {file.size}" for file in sorted(files))
    return hashlib.sha256(listed.encode()).hexdigest()


def keys(files: Sequence[Stored]) -> list[str]:
    """Their keys."""
    return [file.key for file in files]
