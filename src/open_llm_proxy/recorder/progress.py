"""What is being worked on, in memory that outlives a killed process: a mapped file in the spool.

A frame that kills the recorder (a parser's crash, memory run out) would kill its successor, too. Noting it costs no
system call: the kernel keeps the page. A start that finds a frame noted counts one death for it.
"""

import contextlib
import mmap
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

_NOTE: Final = struct.Struct("<BB16sQQ")  # busy, deaths, directory, segment, offset
_UNFINISHED: Final = struct.Struct("<Q")
_UNFINISHED_AT: Final = 64
_WRITING_AT: Final = 72
SIZE: Final = 128
DEADLY: Final = 3
"""So many deaths, and the frame is set aside."""
HOPELESS: Final = 5
"""It killed the setting aside, too: not even its text is looked at."""


class Place(NamedTuple):
    """Where a frame begins."""

    directory: str
    number: int
    offset: int


class Progress:
    """The note. Where the file cannot be made (a full disk), frames are not noted and nothing else changes.

    Attributes:
        deadly: The frame that the last process died at, and how often in a row; None: it died elsewhere, or ended.
        unfinished: Records that the last process had counted and not brought into the outbox: they are made again.
        line_torn: Whether the last process was killed as it wrote to stdout: half a line may stand there.
    """

    def __init__(self, path: Path) -> None:
        self._memory = _map(path)
        busy, deaths, directory, number, offset = _NOTE.unpack_from(self._memory)
        (self.unfinished,) = _UNFINISHED.unpack_from(self._memory, _UNFINISHED_AT)
        self.line_torn = bool(self._memory[_WRITING_AT])
        self.deadly: tuple[Place, int] | None = None
        if busy:
            place = Place(directory.decode("ascii", "replace"), number, offset)
            self.deadly = place, deaths + 1
        self.done()
        self.set_unfinished(0)
        self.set_writing(False)

    def begin(self, directory: bytes, number: int, offset: int) -> None:
        """Work begins on the frame there. Its ``directory`` is the name in ASCII."""
        deaths = 0
        if self.deadly is not None:
            place, count = self.deadly
            if place.offset == offset and place.number == number and place.directory.encode() == directory:
                deaths = count
        _NOTE.pack_into(self._memory, 0, 1, deaths, directory, number, offset)

    def done(self) -> None:
        """No frame is being worked on."""
        self._memory[0] = 0

    def deaths_at(self, place: Place) -> int:
        """How often in a row the recorder has died at the frame there."""
        return self.deadly[1] if self.deadly is not None and self.deadly[0] == place else 0

    def set_unfinished(self, records: int) -> None:
        """So many records are counted and not yet in the outbox."""
        _UNFINISHED.pack_into(self._memory, _UNFINISHED_AT, records)

    def set_writing(self, writing: bool) -> None:
        """Lines are on their way to stdout, or they are there."""
        self._memory[_WRITING_AT] = writing

    def close(self) -> None:
        """Unmap."""
        self._memory.close()


def _map(path: Path) -> mmap.mmap:
    with contextlib.suppress(OSError, ValueError):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Written, not only extended: a hole in a mapped file kills the process when the disk is full.
            if os.fstat(fd).st_size != SIZE:
                os.pwrite(fd, bytes(SIZE), 0)
                os.ftruncate(fd, SIZE)
            return mmap.mmap(fd, SIZE)
        finally:
            os.close(fd)
    return mmap.mmap(-1, SIZE)
