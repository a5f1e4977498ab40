"""A segment file: its names, its header, and the file while it is written.

A name tells the number, the UTC day of every frame in it, and its state::

    00000007.2026-11-24.new              its header is being written: nobody's business yet
    00000007.2026-11-24.open             its writer appends
    00000007.2026-11-24.09-30-00.closed  whole; closed at 09:30:00 UTC
"""

import calendar
import contextlib
import os
import re
import struct
import time
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from open_llm_proxy.spool.frame import Buffer, FrameError, RequestHeader

MAGIC: Final = b"OLPS"
FORMAT: Final = 1
PREFIX: Final = struct.Struct("<4sIII")  # magic, format, header's length, CRC-32 of the header begun with the format
MAX_HEADER_BYTES: Final = 1 << 28
NS_PER_DAY: Final = 86_400 * 10**9
IOV_MAX: Final = min(1024, max(16, os.sysconf("SC_IOV_MAX")))

_NAME: Final = re.compile(r"(\d{8,})\.(\d{4}-\d\d-\d\d)(?:\.(\d\d-\d\d-\d\d)\.closed|\.open)")


class SegmentHeader(msgspec.Struct, array_like=True, gc=False):
    """What a segment begins with. Times are Unix nanoseconds; ``open_calls`` were open when it began."""

    host: str
    pid: int
    worker: int
    version: str
    started_ns: int
    opened_ns: int
    directory: str
    number: int
    open_calls: list[RequestHeader] = []


class SegmentName(NamedTuple):
    """What a segment's name tells; ``closed`` is ``HH-MM-SS``, None while its writer may append."""

    number: int
    day: str
    closed: str | None

    def __str__(self) -> str:
        return f"{self.number:08}.{self.day}." + ("open" if self.closed is None else f"{self.closed}.closed")

    @classmethod
    def parse(cls, name: str) -> "SegmentName | None":
        """The parts of a segment's name; None: it is no segment's."""
        match = _NAME.fullmatch(name)
        return cls(int(match[1]), match[2], match[3]) if match else None


class UnknownFormatError(FrameError):
    """A segment of a later format than this version reads."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SegmentHeader).decode


def day_of(at_ns: int) -> str:
    """The UTC day of a Unix time in nanoseconds, ``YYYY-MM-DD``."""
    return time.strftime("%Y-%m-%d", time.gmtime(at_ns // 10**9))


def closing_time(day: str, at_ns: int) -> str:
    """``HH-MM-SS`` of a segment of ``day`` that is closed at ``at_ns``, kept within the day.

    A segment may outlive its day by a moment, or the clock be set back: a time of another day would sort wrongly.
    """
    closed_day = day_of(at_ns)
    if closed_day == day:
        return time.strftime("%H-%M-%S", time.gmtime(at_ns // 10**9))
    return "23-59-59" if closed_day > day else "00-00-00"


def within_day(day: str, at_ns: int) -> int:
    """The Unix time next to ``at_ns`` that is of ``day``."""
    begins_ns = calendar.timegm(time.strptime(day, "%Y-%m-%d")) * 10**9
    return min(max(at_ns, begins_ns), begins_ns + NS_PER_DAY - 1)


def encode_segment_header(header: SegmentHeader) -> bytes:
    """The bytes that a segment file begins with."""
    packed = _encode(header)
    return PREFIX.pack(MAGIC, FORMAT, len(packed), zlib.crc32(packed, FORMAT)) + packed


def parse_segment_prefix(prefix: Buffer) -> tuple[int, int]:
    """``(header_bytes, crc)`` from a segment's first 16 bytes.

    Raises:
        FrameError: This is no segment.
        UnknownFormatError: It is one of a later format.
    """
    if len(prefix) < PREFIX.size:
        raise FrameError("no segment: its beginning is cut off")
    magic, number, header_bytes, crc = PREFIX.unpack_from(prefix)
    if magic != MAGIC or header_bytes > MAX_HEADER_BYTES:
        raise FrameError(f"no segment: it begins with {magic!r}")
    if number > FORMAT:
        raise UnknownFormatError(f"a segment of format {number}; this version reads format {FORMAT}")
    return header_bytes, crc


def parse_segment_header(packed: Buffer, crc: int) -> SegmentHeader:
    """The header, its checksum verified.

    Raises:
        FrameError: It is damaged.
    """
    if zlib.crc32(packed, FORMAT) != crc:
        raise FrameError("the segment header's checksum does not match")
    try:
        return _decode(packed)
    except msgspec.DecodeError as error:
        raise FrameError(f"the segment header is not readable: {error}") from error


class OpenSegment:
    """A segment that is being written. ``size`` ends at the last whole frame, ``frames`` counts them.

    Args:
        folder: The writer's directory.
        number: The segment's.
        at_ns: Any Unix time of its day.
        head: Its header's bytes.

    Raises:
        OSError: The file cannot be made, or its header not be written whole.
    """

    def __init__(self, folder: Path, number: int, at_ns: int, head: bytes) -> None:
        self.name = SegmentName(number, day_of(at_ns), None)
        self.day_begins_ns = at_ns - at_ns % NS_PER_DAY
        self.size = len(head)
        self.frames = 0
        self.first_frame_s = 0.0  # monotonic
        self.torn = False
        self._folder = folder
        self._begun = folder / f"{number:08}.{self.name.day}.new"
        self.fd = os.open(self._begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_all(self.fd, [head], len(head))
        except OSError:
            self.abandon()
            raise

    def publish(self) -> None:
        """Give the file the name under which the recorder finds it: only once what it begins with is whole.

        Raises:
            OSError: The file cannot be renamed.
        """
        self._begun.rename(self._folder / str(self.name))

    def abandon(self) -> None:
        """Forget a segment that was never published."""
        self.leave()
        with contextlib.suppress(OSError):
            self._begun.unlink()

    def keep_whole(self, ends: list[int]) -> int:
        """After a write that failed: how many of its frames, which were to end at ``ends``, are in the file.

        What stands behind them is cut off; where that fails too, the segment is ``torn`` and takes no more.
        """
        kept = 0
        try:
            kept = bisect_right(ends, os.fstat(self.fd).st_size - self.size)
            self.size += ends[kept - 1] if kept else 0
            self.frames += kept
            os.ftruncate(self.fd, self.size)
        except OSError:
            self.torn = True
        return kept

    def end(self, closed_ns: int) -> None:
        """Say by its name that nothing more will come; a segment without frames is taken away.

        Raises:
            OSError: The file's name cannot be changed; it may be tried again.
        """
        path = self._folder / str(self.name)
        if self.frames or self.torn:
            closed = self.name._replace(closed=closing_time(self.name.day, closed_ns))
            path.rename(self._folder / str(closed))
        else:
            path.unlink()
        self.leave()

    def leave(self) -> None:
        """Close the descriptor, leave the file as it is."""
        os.close(self.fd)


def write_all(fd: int, buffers: list[Buffer], size: int) -> int:
    """Write ``buffers``, ``size`` bytes together; a short write is gone on with. Returns ``size``.

    Raises:
        OSError: The kernel does not take them; how much is in the file says ``fstat``.
    """
    if len(buffers) <= IOV_MAX:
        written = os.writev(fd, buffers)
        if written == size:
            return size
        _write_rest(fd, buffers, written)
        return size
    for start in range(0, len(buffers), IOV_MAX):
        batch = buffers[start : start + IOV_MAX]
        _write_rest(fd, batch, os.writev(fd, batch))
    return size


def _write_rest(fd: int, buffers: list[Buffer], written: int) -> None:
    for buffer in buffers:
        view = memoryview(buffer).cast("B")
        if written >= view.nbytes:
            written -= view.nbytes
            continue
        while written < view.nbytes:
            written += os.write(fd, view[written:])
        written = 0
