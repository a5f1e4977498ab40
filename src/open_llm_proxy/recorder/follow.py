"""One writer's directory, read as it grows; and, once the writer is gone, to its end.

Whether the writer lives is asked before its files are listed: what it wrote before it died is then seen for certain.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from open_llm_proxy.spool.directory import DeadDirectory, remove_if_read
from open_llm_proxy.spool.frame import Frame, RequestHeader
from open_llm_proxy.spool.reader import Item, SegmentReader
from open_llm_proxy.spool.segment import SegmentHeader, SegmentName, UnknownFormatError, closing_time, within_day

Covered = Callable[[str, SegmentName], int | None]


class Reading:
    """A segment that is being read. ``place``: records of frames before this byte are in the outbox already."""

    def __init__(self, name: SegmentName, path: Path, place: int) -> None:
        self.name = name
        self.path = path
        self.place = place
        self.reader = SegmentReader(path)
        self.ended = False
        self.bereaved = False  # the last segment of a writer that is gone
        self._open_calls: dict[str, RequestHeader] | None = None

    @property
    def header(self) -> SegmentHeader:
        """The segment's header; there once anything of it was read."""
        header = self.reader.header
        assert header is not None
        return header

    @property
    def open_calls(self) -> dict[str, RequestHeader]:
        """The calls that were open at the frame tracked last, by id."""
        if self._open_calls is None:
            self._open_calls = {call.request_id: call for call in self.header.open_calls}
        return self._open_calls

    def track(self, frame: Frame) -> None:
        """Note which calls are open after ``frame``."""
        header = frame.header
        if isinstance(header, RequestHeader):
            self.open_calls[header.request_id] = header
        else:
            self.open_calls.pop(header.request_id, None)

    @property
    def died_ns(self) -> int:
        """When its writer was last seen alive, within the segment's day: Unix time in nanoseconds."""
        return within_day(self.name.day, self.reader.modified_ns())

    @property
    def waiting_bytes(self) -> int:
        """Bytes not yet read."""
        try:
            return max(0, self.path.stat().st_size - self.reader.offset)
        except OSError:
            return 0


class Follower:
    """``poll`` gives what is new. ``gone``: the directory is removed, there will be nothing more.

    Args:
        path: The writer's directory.
        covered: Asked once for each segment: up to which byte its records are in the outbox (None: all).
        say: Told of what cannot be read.
    """

    def __init__(self, path: Path, covered: Covered, say: Callable[[str], None]) -> None:
        self.path = path
        self.name = path.name
        self.gone = False
        self._covered = covered
        self._say = say
        self._dead: DeadDirectory | None = None
        self._readings: dict[int, Reading] = {}
        self._done: set[int] = set()

    @property
    def dead(self) -> bool:
        """Whether the writer is gone; the directory is then ours alone."""
        if self._dead is None:
            with contextlib.suppress(OSError):  # a read-only mount: nothing can be done here anyhow
                self._dead = DeadDirectory.take(self.path)
        return self._dead is not None

    def poll(self) -> Iterator[tuple[Reading, list[Item]]]:
        """Segments with what has become whole in them, in order; a segment's last time says ``ended``.

        No segment is begun before the one ahead of it has ended.

        Raises:
            OSError: A file cannot be read.
        """
        dead = self.dead
        entries = self._list(close_all=dead)
        for name, path in entries:
            if name.number in self._done:
                continue
            try:
                yield from self._read(name, path, dead=dead, last=name == entries[-1][0])
            except UnknownFormatError as error:
                self._readings.pop(name.number).reader.close()
                self._done.add(name.number)
                self._say(f"{path} is left as it is: {error}")
            except FileNotFoundError:
                return  # it was renamed since it was listed: the next poll finds it
            if name.number in self._readings:
                return
        if dead and not entries:
            self._remove()

    def _read(self, name: SegmentName, path: Path, *, dead: bool, last: bool) -> Iterator[tuple[Reading, list[Item]]]:
        reading = self._readings.get(name.number)
        if reading is None:
            place = self._covered(self.name, name)
            if place is None:
                path.unlink(missing_ok=True)
                return
            reading = self._readings[name.number] = Reading(name, path, place)
        reading.name, reading.path = name, path
        final = dead or name.closed is not None
        while not reading.ended:
            items = reading.reader.read(final=final)
            if reading.reader.ended:
                reading.ended, reading.bereaved = True, dead and last
                del self._readings[name.number]
                self._done.add(name.number)
            elif not items:
                return
            try:
                yield reading, items
            finally:
                if reading.ended:
                    reading.reader.close()

    def _list(self, *, close_all: bool) -> list[tuple[SegmentName, Path]]:
        try:
            texts = os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except FileNotFoundError:
            self.gone = True
            return []
        found = sorted((name, self.path / text) for text in texts if (name := SegmentName.parse(text)) is not None)
        return [self._close(*entry) for entry in found] if close_all else found

    def _close(self, name: SegmentName, path: Path) -> tuple[SegmentName, Path]:
        """Close a segment for its writer that is gone, at the time when it was last written."""
        if name.closed is not None:
            return name, path
        closed = name._replace(closed=closing_time(name.day, path.stat().st_mtime_ns))
        target = path.with_name(str(closed))
        with contextlib.suppress(OSError):
            path.rename(target)
            return closed, target
        return closed, path

    def _remove(self) -> None:
        """The directory has been read to its end, and every segment of it is deleted."""
        for unfinished in self.path.glob("*.new"):
            unfinished.unlink(missing_ok=True)
        if remove_if_read(self.path):
            self.release()
            self.gone = True

    def waiting_bytes(self) -> int:
        """Bytes of segments that are not yet read."""
        waiting = 0
        for name, path in self._list(close_all=False):
            if name.number in self._readings:
                waiting += self._readings[name.number].waiting_bytes
            elif name.number not in self._done:
                with contextlib.suppress(OSError):
                    waiting += path.stat().st_size
        return waiting

    def restart(self) -> None:
        """Read again everything that is still there."""
        for reading in self._readings.values():
            reading.reader.close()
        self._readings.clear()
        self._done.clear()

    def release(self) -> None:
        """Close what is open; the directory is left as it is."""
        self.restart()
        if self._dead is not None:
            self._dead.release()
            self._dead = None
