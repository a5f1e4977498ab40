"""Records that no chunk file holds yet: made of the frames in a proxy's spool, as its recorder will make them.

Nothing is locked, renamed or removed here. Frames are not scrubbed, records are: what is in no record is not shown.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from open_llm_proxy.answers.answer import Object
from open_llm_proxy.answers.jsontext import parse
from open_llm_proxy.logs.feed import Batch, silent
from open_llm_proxy.records.build import Context, build_request, build_response, encode
from open_llm_proxy.spool.directory import list_directories
from open_llm_proxy.spool.frame import Frame, FrameError, RequestHeader
from open_llm_proxy.spool.reader import SegmentReader, Whole
from open_llm_proxy.spool.segment import SegmentName

BEING_WRITTEN: Final = "99-99-99"
"""Sorts behind every time: an open segment holds what is newest."""


class SpoolFeed:
    """A ``Feed``.

    Args:
        spool: The spool's folder; one that is not there has nothing.
        context: How records are made, and which secrets are known.
        say: Told, once, of what may not be read.
    """

    def __init__(self, spool: Path, context: Context, say: Callable[[str], None] = silent) -> None:
        self._spool = spool
        self._context = context
        self._say = say
        if spool.exists() and not os.access(spool, os.R_OK | os.X_OK):
            self._refused(PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(spool)))
        self._readers: dict[Path, SegmentReader] = {}  # by directory and number
        self._done: set[Path] = set()

    def history(self) -> Iterator[Batch]:
        """Each segment is one; those that are whole are not looked at again."""
        found: list[Batch] = []
        for name, path in self._segments():
            if name.closed is None:
                self._open(_place(name, path), path)
            else:
                self._done.add(_place(name, path))
            found.append(Batch(f"{name.day}/{name.closed or BEING_WRITTEN}", self._loader(name, path)))
        yield from sorted(found, key=lambda batch: batch.time, reverse=True)

    def poll(self) -> Iterable[Object]:
        """Records of frames that have become whole since the last time."""
        there: set[Path] = set()
        for name, path in self._segments():
            place = _place(name, path)
            there.add(place)
            if place in self._done:
                continue
            reader = self._readers.get(place) or self._open(place, path)
            if reader is not None:
                yield from self._read(reader, final=name.closed is not None)
                if reader.ended:
                    self._close(place)
        for place in set(self._readers) - there:  # made a chunk file of; the open file holds what was in it
            yield from self._read(self._readers[place], final=True)
            self._close(place)
        self._done &= there

    def close(self) -> None:
        """Close what is open."""
        for place in list(self._readers):
            self._close(place)

    # --- segments ------------------------------------------------------------------------------------------------

    def _segments(self) -> list[tuple[SegmentName, Path]]:
        found: list[tuple[SegmentName, Path]] = []
        for directory in list_directories(self._spool):
            try:
                texts = os.listdir(directory)  # noqa: PTH208 - names are all that is wanted
            except FileNotFoundError:
                continue  # its writer has ended; what was in it is in a chunk file
            except OSError as error:
                self._refused(error)
                continue
            found += [(name, directory / text) for text in texts if (name := SegmentName.parse(text)) is not None]
        return sorted(found)

    def _loader(self, name: SegmentName, path: Path) -> Callable[[], list[Object]]:
        def load() -> list[Object]:
            reader = self._readers.get(_place(name, path)) if name.closed is None else self._start(path)
            if reader is None:
                return []
            records = list(self._read(reader, final=name.closed is not None))
            if name.closed is not None:
                reader.close()
            return records

        return load

    def _open(self, place: Path, path: Path) -> SegmentReader | None:
        reader = self._start(path)
        if reader is not None:
            self._readers[place] = reader
        return reader

    def _start(self, path: Path) -> SegmentReader | None:
        try:
            return SegmentReader(path)
        except FileNotFoundError:
            return None  # closed or made a chunk file of since it was listed: found there
        except OSError as error:
            self._refused(error)
            return None

    def _refused(self, error: OSError) -> None:
        self._say(f"{error.filename} can't be read: {error.strerror}; its records show once they are in a chunk file")
        self._say = silent

    def _close(self, place: Path) -> None:
        self._readers.pop(place).close()
        self._done.add(place)

    # --- frames --------------------------------------------------------------------------------------------------

    def _read(self, reader: SegmentReader, *, final: bool) -> Iterable[Object]:
        try:
            while items := reader.read(final=final):
                for item in items:
                    if isinstance(item, Whole):
                        yield from self._build(item.frame, reader)
        except FrameError:
            return  # a later version's: its own reader shows it

    def _build(self, frame: Frame, reader: SegmentReader) -> Iterable[Object]:
        header = reader.header
        context = self._context
        if header is not None:
            context = msgspec.structs.replace(context, host=header.host, proxy_version=header.version)
        try:
            built = build_request(frame, context) if isinstance(frame.header, RequestHeader) else None
            record = build_response(frame, context) if built is None else built.record
        except Exception:  # noqa: BLE001 - whatever it is, the recorder reports it
            return
        yield parse(encode(record))


def _place(name: SegmentName, path: Path) -> Path:
    """What a segment is known by: its file is renamed when it is closed."""
    return path.parent / str(name.number)
