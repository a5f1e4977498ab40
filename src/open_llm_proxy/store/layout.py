"""The names of stored files, below the bucket and its prefix. They are contracts (LOGGING.md, "Layout").

::

    YYYY-MM-DD/HH-MM-SS-<host>-<pid>-<unique>.jsonl    raw chunk files (older: HH-MM-SS-<pid>.jsonl)
    consolidated/daily/YYYY-MM-DD.parquet              consolidated/monthly/YYYY-MM.parquet
    sessions/…  session-rollup/…                       the same two tiers
    unreadable/YYYY-MM-DD/<unique>.txt                 frames of which no record could be made
"""

import re
from typing import Final, Literal, NamedTuple

Table = Literal["consolidated", "sessions", "session-rollup"]

HOST_CHARACTERS: Final = 63
_HOST: Final = re.compile(r"[^A-Za-z0-9.-]+")
_CHUNK: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)/(?P<time>\d\d-\d\d-\d\d)-(?P<host>[A-Za-z0-9.-]+)-(?P<pid>\d+)-"
    r"(?P<directory>[0-9a-f]+)\.(?P<first>\d+)\.(?P<last>\d+)(?:\.(?P<end>\d+))?\.jsonl"
)
_OLDER_CHUNK: Final = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)/(?P<time>\d\d-\d\d-\d\d)-(?P<pid>\d+)\.jsonl")


class Chunk(NamedTuple):
    """A raw chunk file's name in parts.

    Time (``HH-MM-SS``, when it was closed) and ``pid`` are those of its first segment; ``directory`` is the spool
    directory's random name; ``first`` and ``last`` number its segments. A segment that is too large for one chunk
    file is cut: then ``end`` is the byte of segment ``last`` that this one goes up to. ``host``, ``directory``,
    ``first`` and ``last`` are None in older names.
    """

    day: str
    time: str
    host: str | None
    pid: int
    directory: str | None
    first: int | None
    last: int | None
    end: int | None = None

    @property
    def key(self) -> str:
        """The name below the bucket and its prefix."""
        if self.directory is None:
            return f"{self.day}/{self.time}-{self.pid}.jsonl"
        end = "" if self.end is None else f".{self.end}"
        unique = f"{self.directory}.{self.first}.{self.last}{end}"
        return f"{self.day}/{self.time}-{clean_host(self.host or '')}-{self.pid}-{unique}.jsonl"


def clean_host(host: str) -> str:
    """A host's name as it may stand in a file's."""
    return _HOST.sub("-", host)[:HOST_CHARACTERS].strip(".-") or "host"


def parse_chunk(key: str) -> Chunk | None:
    """The parts of a raw chunk file's name, newer or older; None: it is none."""
    match = _CHUNK.fullmatch(key)
    if match is not None:
        day, time, host, pid, directory, first, last, end = match.groups()
        return Chunk(day, time, host, int(pid), directory, int(first), int(last), None if end is None else int(end))
    match = _OLDER_CHUNK.fullmatch(key)
    if match is not None:
        return Chunk(match["day"], match["time"], None, int(match["pid"]), None, None, None)
    return None


def day_prefix(day: str) -> str:
    """Where a day's raw chunk files are."""
    return f"{day}/"


def daily_key(table: Table, day: str) -> str:
    """A table's Parquet file of one day, ``YYYY-MM-DD``."""
    return f"{table}/daily/{day}.parquet"


def monthly_key(table: Table, month: str) -> str:
    """A table's Parquet file of one month, ``YYYY-MM``."""
    return f"{table}/monthly/{month}.parquet"


def unreadable_key(day: str, directory: str, number: int, offset: int) -> str:
    """Where the frame goes that begins at byte ``offset`` of a segment, when no record can be made of it."""
    return f"unreadable/{day}/{directory}.{number}.{offset}.txt"
