"""Records of days that are condensed, hour by hour backwards: where the last calls are when the raw files are gone."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from open_llm_proxy.answers.answer import Object
from open_llm_proxy.logs.chunk_feed import present
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.feed import Batch, read_lines
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import create_views
from open_llm_proxy.logs.window import Window
from open_llm_proxy.store.layout import daily_key, monthly_key

HOUR = timedelta(hours=1)


class TierFeed:
    """A ``Feed`` without news: what is condensed was there before.

    Args:
        source: Where the Parquet files are.
        oldest: The first day, ``YYYY-MM-DD``, that ``history`` goes back to.
        now: The present.
    """

    def __init__(self, source: Source, oldest: str, now: Callable[[], datetime] = present) -> None:
        self._source = source
        self._oldest = oldest
        self._now = now
        self._keys: set[str] = set()  # of Parquet files; not empty once they are listed

    def history(self) -> Iterator[Batch]:
        """Each hour is one, from yesterday's last on: a day is condensed when it is over. Nothing is asked before."""
        begin = self._now().replace(hour=0, minute=0, second=0, microsecond=0) - HOUR
        while f"{begin:%Y-%m-%d}" >= self._oldest:
            yield Batch(f"{begin:%Y-%m-%d/%H}-59-59", lambda begin=begin: self._load(begin))
            begin -= HOUR

    def poll(self) -> Iterable[Object]:
        """Nothing."""
        return ()

    def _load(self, begin: datetime) -> list[Object]:
        if not self._holds(f"{begin:%Y-%m-%d}"):
            return []
        connection = connect([self._source])
        create_views(connection, [self._source], Window(begin, begin + HOUR), ["records"])
        rows = connection.execute(statement("tail_entries", records="records")).fetchall()
        connection.close()
        return read_lines("\n".join(row[0] for row in rows).encode("utf-8", "replace"))

    def _holds(self, day: str) -> bool:
        """Whether a day is condensed."""
        if not self._keys:
            folders = (
                daily_key("consolidated", "").rpartition("/")[0],
                monthly_key("consolidated", "").rpartition("/")[0],
            )
            self._keys = {file.key for folder in folders for file in self._source.list(f"{folder}/")} | {""}
        month = day[: len("2026-11")]
        return not self._keys.isdisjoint((daily_key("consolidated", day), monthly_key("consolidated", month)))
