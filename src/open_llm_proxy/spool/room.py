"""How much the spool may still take: the configured limit, and what the disk has left for the recorder to work with."""

import os
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final

from open_llm_proxy.spool.directory import measure

RESERVE_BYTES: Final = 256 << 20
"""Left free on the disk, or a quarter of a small one. The recorder needs it to empty the spool: the records of a
segment are all on disk before the segment goes."""
SEGMENTS_IN_RESERVE: Final = 4
"""So many segments fit into the reserve: some for records that are longer than their frames, some for other writers."""


class Step(IntEnum):
    """What is left out."""

    NOTHING = 0
    BODIES = 1
    FRAMES = 2


class Room:
    """Hands out bytes. ``left`` may be taken without asking; ``look`` measures again.

    Over ``limit_bytes`` bodies are left out; frames without bodies may take a sixteenth more, then nothing is
    written. What is in the spool is never touched. Each step is said once.

    ``segment_bytes`` is the size at which a segment is closed: as given, less on a small disk.
    """

    def __init__(
        self, spool: Path, limit_bytes: int, say: Callable[[str], None], *, segment_bytes: int = RESERVE_BYTES
    ) -> None:
        self._spool = spool
        self._limit_bytes = self._limit = limit_bytes
        self._say = say
        self._most_segment_bytes = self.segment_bytes = segment_bytes
        self.left = 0
        self.step = Step.NOTHING
        self.sizes: dict[str, int] = {}

    def take(self, size: int, head_bytes: int) -> Step:
        """Take ``size`` bytes for a frame, or its ``head_bytes`` alone; what must be left out of it."""
        if self.step is Step.NOTHING and size > self.left:
            self.look(size)
        if self.step is Step.NOTHING:
            self.left -= size
        elif self.step is Step.BODIES:
            if head_bytes > self.left:
                self._enter(Step.FRAMES, "is far over its limit: records are left out")
            self.left -= head_bytes
        return self.step

    def look(self, size: int = 0) -> None:
        """Measure the spool and the disk; ``size`` bytes are wanted now."""
        self.sizes = measure(self._spool)
        used = sum(self.sizes.values())
        limit = self._limit = min(self._limit_bytes, used + self._disk_left())
        extra = limit >> 4
        room = limit - used
        # Once over the limit, bodies come back when a sixteenth is free again: no flapping, no chatter.
        if room >= max(size, extra if self.step else 0):
            self._enter(Step.NOTHING, "has room again")
            # Others write too, until they look again: the half that is taken shrinks with what is left.
            self.left = max(size, room // 2)
            return
        self.left = max(0, room + extra)
        if self.step is Step.NOTHING or (self.step is Step.FRAMES and self.left > extra // 2):
            self._enter(Step.BODIES, "is over its limit: bodies are left out of records")
        elif self.step is Step.FRAMES:
            self.left = 0

    def _disk_left(self) -> int:
        try:
            disk = os.statvfs(self._spool)
        except OSError:
            return self._limit_bytes  # the folder is not there yet, or not any more: the writer will say so
        reserve = _reserve_bytes(disk)
        self.segment_bytes = min(self._most_segment_bytes, reserve // SEGMENTS_IN_RESERVE)
        return disk.f_bavail * disk.f_frsize - reserve

    def _enter(self, step: Step, what: str) -> None:
        if step is not self.step:
            self.step = step
            whose = "of spool_bytes" if self._limit == self._limit_bytes else "that its disk has room for"
            used, limit = sum(self.sizes.values()), max(0, self._limit)
            self._say(f"the spool {self._spool} {what} ({used} of the {limit} bytes {whose})")


def _reserve_bytes(disk: os.statvfs_result) -> int:
    return min(RESERVE_BYTES, disk.f_blocks * disk.f_frsize // 4)


def is_disk_short(spool: Path) -> bool:
    """Whether half of the reserve is gone: what can wait must not take more."""
    try:
        disk = os.statvfs(spool)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _reserve_bytes(disk) // 2
