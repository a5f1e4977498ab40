"""A chunk file in the making: the records of a run of segments of one directory and one UTC day."""

import contextlib
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.spool.directory import make_folder, sync_folder
from open_llm_proxy.spool.segment import SegmentHeader, SegmentName
from open_llm_proxy.store.layout import Chunk

BUFFER_BYTES: Final = 256 << 10


class Segment(NamedTuple):
    """A segment that has been read to its end; ``name`` tells when it was closed."""

    name: SegmentName
    path: Path
    header: SegmentHeader


class _Part:
    """One file: lines of segments ``first`` to ``last``, up to byte ``end`` of that (None: all of it)."""

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        self.first = self.last = first
        self.end: int | None = None
        self.size = 0
        self.oldest_ns = 0
        self.file = path.open("wb", buffering=BUFFER_BYTES)

    def seal(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class Fold:
    """Takes a directory's lines of one day; ``finish`` makes a chunk file of them, or several if they are many.

    Args:
        folder: Where parts are written.
        directory: The spool directory's name.
        day: The UTC day.
        chunk_bytes: The largest chunk file.
        keep: False where no store takes chunk files: lines are not written, segments only deleted.
    """

    def __init__(self, folder: Path, directory: str, day: str, chunk_bytes: int, *, keep: bool = True) -> None:
        self._folder = folder
        self._keep = keep
        self._directory = directory
        self.day = day
        self._chunk_bytes = chunk_bytes
        self._parts: list[_Part] = []
        self._segments: list[Segment] = []
        self.number = 0  # of the segment whose lines come now
        self._place = 0  # in it, up to which lines are in the parts
        self._begun_s = time.monotonic()
        self.busy = False  # a segment has begun and not ended

    @property
    def size(self) -> int:
        """Bytes in the parts."""
        return sum(part.size for part in self._parts)

    @property
    def oldest_ns(self) -> int:
        """The Unix time of the oldest record; 0: there is none."""
        return min((part.oldest_ns for part in self._parts if part.oldest_ns), default=0)

    @property
    def age_s(self) -> float:
        """Seconds since its first line, by this process's clock."""
        return time.monotonic() - self._begun_s

    def begin(self, number: int, place: int) -> None:
        """Lines of segment ``number`` follow; those up to byte ``place`` of it are in the outbox."""
        self.number, self._place = number, place
        self.busy = True

    def add(self, lines: list[bytes], end: int, at_ns: int) -> None:
        """The lines of one frame, which ends at byte ``end`` of the segment; they stay together.

        Raises:
            OSError: The disk is full, or worse.
        """
        if not self._keep:
            return
        size = sum(map(len, lines)) + len(lines)
        part = self._parts[-1] if self._parts else None
        if part is not None and part.size + size > self._chunk_bytes:
            part.end = self._place if part.last == self.number else None
            part.seal()
            part = None
        if part is None:
            part = self._begin_part()
        part.file.write(b"\n".join(lines) + b"\n")
        part.size += size
        part.last = self.number
        part.oldest_ns = min(part.oldest_ns or at_ns, at_ns)
        self._place = end

    def _begin_part(self) -> _Part:
        make_folder(self._folder)
        path = self._folder / f"{self._directory}.{self.day}.{len(self._parts)}.part"
        part = _Part(path, self._segments[0].name.number if self._segments and not self._parts else self.number)
        self._parts.append(part)
        return part

    def end(self, segment: Segment) -> None:
        """The segment whose lines came is read to its end."""
        self._segments.append(segment)
        self.busy = False

    def is_due(self, interval_s: float) -> bool:
        """Whether its records have waited for ``interval_s``, by this process's clock or by the segments' own."""
        if self.busy or not self._segments:
            return False
        waited_ns = time.time_ns() - self._segments[0].header.opened_ns
        return self.age_s >= interval_s or waited_ns >= interval_s * 1e9

    def finish(self, outbox: Outbox) -> None:
        """Bring the parts into the outbox, then delete the segments. No segment may be half read.

        Raises:
            OSError: Something is left to do; ``discard`` and reading again what is still there mends it.
        """
        headers = {segment.name.number: segment for segment in self._segments}
        if self._parts:
            self._parts[-1].last = self._segments[-1].name.number
            self._parts[-1].seal()
        for part in self._parts:
            first = headers[part.first]
            header, name = first.header, first.name
            chunk = Chunk(
                self.day, name.closed or "", header.host, header.pid, self._directory, part.first, part.last, part.end
            )
            outbox.add(chunk.key, part.path, part.oldest_ns)
        for segment in self._segments:
            segment.path.unlink(missing_ok=True)
        if self._segments:
            sync_folder(self._segments[0].path.parent)

    def discard(self) -> None:
        """Take the parts away; their segments are still there."""
        for part in self._parts:
            with contextlib.suppress(OSError):
                part.file.close()
            with contextlib.suppress(OSError):
                part.path.unlink(missing_ok=True)
