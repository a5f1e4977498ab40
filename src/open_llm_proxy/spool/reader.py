"""Follows one segment: whole frames out; *more to come*, *torn* and *corrupt* told apart.

A tail that does not parse is being written as long as the writer may still be at it (``final=False``): wait. Once
nothing more can come, a tail that is too short is torn and dropped: its call never got its answer's last byte (or
never went upstream). What does not check out anywhere else is corrupt: it is passed over to the next frame whose
checksum is right, and reported.
"""

import os
import struct
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from open_llm_proxy.spool.frame import (
    MAGIC,
    PREFIX,
    Frame,
    FrameError,
    UnreadableHeaderError,
    parse_header,
    parse_prefix,
)
from open_llm_proxy.spool.segment import MAGIC as SEGMENT_MAGIC
from open_llm_proxy.spool.segment import PREFIX as SEGMENT_PREFIX
from open_llm_proxy.spool.segment import (
    SegmentHeader,
    SegmentName,
    UnknownFormatError,
    parse_segment_header,
    parse_segment_prefix,
)

BLOCK_BYTES: Final = 1 << 20
SEARCH_BYTES: Final = 1 << 30
"""A body full of what looks like frames must not cost hours of checksums: the search for the next frame ends here."""


class Whole(NamedTuple):
    """A frame and where it stands."""

    frame: Frame
    offset: int
    end: int


class Damage(NamedTuple):
    """Bytes that are no frame. ``torn``: the writer was killed at them; else something has spoilt them."""

    offset: int
    end: int
    reason: str
    torn: bool


Item: TypeAlias = Whole | Damage


class SegmentReader:
    """``read`` gives what has become whole since the last time.

    ``offset`` is where the next read begins; ``ended`` says that all there will ever be has been read. ``header`` is
    there after the first read that found it whole (one that is damaged is replaced by what the names tell).

    Args:
        path: The segment's file; it may be renamed meanwhile.
        offset: Begin here (0: at the beginning).

    Raises:
        OSError: The file cannot be opened.
        FrameError: This is no segment's name.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        name = SegmentName.parse(path.name)
        if name is None:
            raise FrameError(f"no segment's name: {path.name}")
        self.name = name
        self.directory = path.parent.name
        self.header: SegmentHeader | None = None
        self.offset = offset
        self.ended = False
        self._search_bytes = SEARCH_BYTES
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def read(self, *, final: bool, block_bytes: int = BLOCK_BYTES) -> list[Item]:
        """Items from about ``block_bytes`` more of the file; empty: nothing more is there now.

        Raises:
            UnknownFormatError: A later version's segment.
            OSError: The file cannot be read.
        """
        size = os.fstat(self._fd).st_size
        items: list[Item] = []
        if self.header is None and not self._read_header(size, items, final=final):
            return items
        if self.offset < size:
            self._take(size, items, block_bytes, final=final)
        self.ended = final and self.offset >= size
        return items

    def bytes_of(self, damage: Damage, limit: int) -> bytes:
        """The first ``limit`` bytes of what is damaged."""
        return os.pread(self._fd, min(limit, damage.end - damage.offset), damage.offset)

    def modified_ns(self) -> int:
        """When the file was last written, Unix nanoseconds."""
        return os.fstat(self._fd).st_mtime_ns

    # --- the header ----------------------------------------------------------------------------------------------

    def _read_header(self, size: int, items: list[Item], *, final: bool) -> bool:
        try:
            header_bytes, crc = parse_segment_prefix(os.pread(self._fd, SEGMENT_PREFIX.size, 0))
            packed = os.pread(self._fd, header_bytes, SEGMENT_PREFIX.size)
            self.header = parse_segment_header(packed, crc)
        except UnknownFormatError:
            raise
        except FrameError as error:
            if not final:
                return False
            self.header = SegmentHeader("", 0, 0, "", 0, self.modified_ns(), self.directory, self.name.number)
            begin = self._search(0, size)
            if begin:
                items.append(Damage(0, begin, str(error), torn=begin == size and self._header_is_cut_off(size)))
            self.offset = max(self.offset, begin)
        else:
            self.offset = max(self.offset, SEGMENT_PREFIX.size + header_bytes)
        return True

    def _header_is_cut_off(self, size: int) -> bool:
        """Whether what there is of the header looks like one; it is whole when a segment gets its name."""
        prefix = os.pread(self._fd, SEGMENT_PREFIX.size, 0)
        if len(prefix) < SEGMENT_PREFIX.size:
            return SEGMENT_MAGIC.startswith(prefix[: len(SEGMENT_MAGIC)])
        try:
            header_bytes, _ = parse_segment_prefix(prefix)
        except FrameError:
            return False
        return size < SEGMENT_PREFIX.size + header_bytes

    # --- frames --------------------------------------------------------------------------------------------------

    def _take(self, size: int, items: list[Item], block_bytes: int, *, final: bool) -> None:
        data = os.pread(self._fd, min(block_bytes, size - self.offset), self.offset)
        problem = self._parse(data, items)
        if items:
            return
        if problem is None and self._take_large(data, size, items):
            return
        if final:
            self._judge(size, problem, items)

    def _parse(self, data: bytes, items: list[Item]) -> str | None:
        """Take the whole frames at the beginning of ``data``; what is wrong with the next one, if it is not short."""
        position, base = 0, self.offset
        last = len(data) - PREFIX.size
        problem = None
        while position <= last:
            try:
                header_bytes, body_bytes, _ = parse_prefix(data, position)
            except FrameError as error:
                problem = str(error)
                break
            begin = position + PREFIX.size + header_bytes
            end = begin + body_bytes
            if end > len(data):
                break
            try:
                header = parse_header(data[position : position + PREFIX.size], data[position + PREFIX.size : begin])
                items.append(Whole(Frame(header, data[begin:end]), base + position, base + end))
            except UnreadableHeaderError as error:
                items.append(Damage(base + position, base + end, str(error), torn=False))
            except FrameError as error:
                problem = str(error)
                break
            position = end
        self.offset = base + position
        return problem

    def _take_large(self, data: bytes, size: int, items: list[Item]) -> bool:
        """Take a frame that is longer than the block, if it is all there."""
        if len(data) < PREFIX.size:
            return False
        header_bytes, body_bytes, _ = parse_prefix(data)
        begin = self.offset + PREFIX.size + header_bytes
        if begin + body_bytes > size:
            return False
        offset, end = self.offset, begin + body_bytes
        try:
            header = parse_header(data[: PREFIX.size], os.pread(self._fd, header_bytes, offset + PREFIX.size))
        except UnreadableHeaderError as error:
            items.append(Damage(offset, end, str(error), torn=False))
        except FrameError:
            return False
        else:
            items.append(Whole(Frame(header, _pread_all(self._fd, body_bytes, begin)), offset, end))
        self.offset = end
        return True

    def _judge(self, size: int, problem: str | None, items: list[Item]) -> None:
        """No whole frame stands at ``offset`` and nothing more will come."""
        begin = self.offset
        if problem is None and self._is_frame(begin):
            items.append(Damage(begin, size, "a frame is cut off", torn=True))
            self.offset = size
            return
        self.offset = self._search(begin + 1, size)
        torn = problem is None and self.offset == size
        items.append(Damage(begin, self.offset, problem or "a frame is cut off", torn))

    def _search(self, position: int, size: int) -> int:
        """Where the next frame whose checksum is right begins, from ``position`` on; ``size``: there is none."""
        while position < size and self._search_bytes > 0:
            window = os.pread(self._fd, BLOCK_BYTES, position)
            found = window.find(MAGIC)
            while found >= 0:
                if self._is_frame(position + found):
                    return position + found
                found = window.find(MAGIC, found + 1) if self._search_bytes > 0 else -1
            if len(window) < BLOCK_BYTES:
                break
            position += len(window) - len(MAGIC) + 1
        return size

    def _is_frame(self, position: int) -> bool:
        prefix = os.pread(self._fd, PREFIX.size, position)
        try:
            header_bytes, _, _ = parse_prefix(prefix)
            self._search_bytes -= header_bytes
            parse_header(prefix, os.pread(self._fd, header_bytes, position + PREFIX.size))
        except UnreadableHeaderError:
            return True  # its checksum is right
        except (FrameError, struct.error):  # struct: the prefix is cut off
            return False
        return True


def _pread_all(fd: int, size: int, offset: int) -> bytes:
    data = os.pread(fd, size, offset)
    while len(data) < size and (more := os.pread(fd, size - len(data), offset + len(data))):
        data += more
    return data
