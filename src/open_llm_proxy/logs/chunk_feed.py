"""Records of raw chunk files, as they come into a folder or a bucket: an outbox is a folder of them, too."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from open_llm_proxy.answers.answer import Object
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.feed import Batch, read_lines, silent
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.store.layout import day_prefix

LATE: Final = timedelta(hours=2)
"""So long after midnight yesterday's folder is looked at, too: a chunk file of a day comes when that is over."""

WHOLE_S: Final = 60.0
OVERLAP: Final = timedelta(minutes=20)
"""Between two whole listings, which come every ``WHOLE_S``, only names from so long before the newest are asked for."""

_TIME: Final = len("2026-11-24/00-00-00")
_DAY: Final = len("2026-11-24")


def present() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class ChunkFeed:
    """A ``Feed``.

    Args:
        source: Where the files are.
        oldest: The first day, ``YYYY-MM-DD``, that ``history`` goes back to.
        every_day: ``poll`` looks at all days: for an outbox, where few files are.
        interval_s: ``poll`` looks no more often than this.
        say: Told when ``poll`` cannot look, and when it can again.
        now: The present.
    """

    def __init__(
        self,
        source: Source,
        *,
        oldest: str = "",
        every_day: bool = False,
        interval_s: float = 0.0,
        say: Callable[[str], None] = silent,
        now: Callable[[], datetime] = present,
    ) -> None:
        self._source = source
        self._oldest = oldest
        self._every_day = every_day
        self._interval_s = interval_s
        self._say = say
        self._now = now
        self._seen: set[str] = set()
        self._listed_s = self._polled_s = float("-inf")
        self._failing = False

    def history(self) -> Iterator[Batch]:
        """Each file is one; older days are listed when they are reached."""
        recent = self._list_new(whole=True)
        self._seen.update(recent)
        yield from self._batches(recent)
        listed = {key[:_DAY] for key in self._seen} | set(self._days())
        for day in sorted(self._source.folders(), reverse=True):
            if _is_day(day) and day not in listed and day >= self._oldest:
                yield from self._batches(self._keys(day_prefix(day)))

    def poll(self) -> Iterable[Object]:
        """Records of files that were not there the last time; none while the place cannot be reached."""
        if time.monotonic() - self._polled_s < self._interval_s:
            return
        self._polled_s = time.monotonic()
        try:
            whole = self._polled_s - self._listed_s >= WHOLE_S
            for key in self._list_new(whole=whole):
                records = self._load(key)
                self._seen.add(key)
                yield from records
        except UserError as error:
            if not self._failing:
                self._say(str(error))
            self._failing = True
        else:
            if self._failing:
                self._say(f"{self._source.url} can be read again")
            self._failing = False

    # --- files ---------------------------------------------------------------------------------------------------

    def _list_new(self, *, whole: bool) -> list[str]:
        if whole:
            self._listed_s = time.monotonic()
        keys = self._keys("") if self._every_day else [key for day in self._days() for key in self._day(day, whole)]
        if whole:
            self._seen.intersection_update(keys)
        return [key for key in keys if key not in self._seen]

    def _day(self, day: str, whole: bool) -> list[str]:
        prefix = day_prefix(day)
        newest = max((key[:_TIME] for key in self._seen if key.startswith(prefix)), default="")
        return self._keys(prefix, after="" if whole or not newest else _before(newest))

    def _days(self) -> list[str]:
        now = self._now()
        return sorted({f"{now - LATE:%Y-%m-%d}", f"{now:%Y-%m-%d}"})

    def _keys(self, prefix: str, after: str = "") -> list[str]:
        files = self._source.list(prefix, after=after)
        return [file.key for file in files if file.key.endswith(".jsonl") and _is_day(file.key[:_DAY])]

    def _batches(self, keys: list[str]) -> Iterator[Batch]:
        for key in sorted(keys, reverse=True):
            yield Batch(key[:_TIME], lambda key=key: self._load(key))

    def _load(self, key: str) -> list[Object]:
        try:
            return read_lines(self._source.read(key))
        except FileNotFoundError:
            return []  # shipped or condensed since it was listed: it is found there


def _before(key_time: str) -> str:
    """The name that a chunk file of ``OVERLAP`` earlier would begin with, within the same day."""
    try:
        found = datetime.strptime(key_time, "%Y-%m-%d/%H-%M-%S").replace(tzinfo=UTC) - OVERLAP
    except ValueError:  # a file with another name among them
        return ""
    return f"{found:%Y-%m-%d/%H-%M-%S}" if f"{found:%Y-%m-%d}" == key_time[:_DAY] else ""


def _is_day(text: str) -> bool:
    return len(text) == _DAY and text[4] == text[7] == "-" and text.replace("-", "").isdigit()
