"""Counters in a shared memory-mapped file: one slot a child, one u64 a counter, written by that child alone.

Any process can read all slots, so that any worker can answer ``/health`` for all. A slot belongs to a role and an
index (worker 0, recorder), not to a process: its successor counts on, so counters survive a child's kill. On the hot
path a counter is one item of a ``memoryview`` cast to ``Q``: ``slot[ACCEPTED] += 1``, about 60 ns.

Behind the slots lies the ledger: the recorder's counts of calls by provider, model and key name.
"""

import mmap
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.telemetry import ledger

# Counters of workers. Records are counted, two a call.
CONNECTIONS_REFUSED: Final = 0
ACCEPTED: Final = 1  # records that the proxy owes the log: requests and responses
SPOOLED: Final = 2  # of those, in the kernel's hands
LOST: Final = 3  # of those, not written (error, or the spool is over its limit)
BODIES_DROPPED: Final = 4  # frames written without their body: the spool is over its limit
UNAUTHORIZED: Final = 5
IN_FLIGHT: Final = 8  # gauge
CONNECTIONS: Final = 9  # gauge
SWALLOWED: Final = 10  # exceptions of ours that were caught so that serving goes on
UPSTREAM_CONNECTS: Final = 11
UPSTREAM_REUSES: Final = 12
BUFFERED_BYTES: Final = 13  # gauge: request bodies held
SPOOL_BYTES: Final = 14  # gauge: written to segments that are not yet deleted, as the writer knows
SPOOL_WRITES: Final = 15
SPOOL_WRITE_NS: Final = 16
SPOOL_ERRORS: Final = 17
UPSTREAM_IDLE: Final = 18  # gauge: connections to providers that wait for a call
# Counters of the recorder.
RECORDED: Final = 24
SHIPPED: Final = 25
UNREADABLE: Final = 26
SHIPPED_FILES: Final = 27
FAILED_ATTEMPTS: Final = 28
OUTBOX_FILES: Final = 29  # gauge
OUTBOX_BYTES: Final = 30  # gauge
OLDEST_UNSHIPPED_NS: Final = 31  # gauge: Unix time of the oldest record not yet shipped; 0: none
STORE_STATE: Final = 32  # gauge: 0 none, 1 ok, 2 failing
WINDOWS_CHECKED: Final = 33
IMBALANCE_WINDOWS: Final = 34
WINDOW_REQUESTS: Final = 35  # gauge: of the last window
WINDOW_RESPONSES: Final = 36
FRAMES_WAITING: Final = 37  # gauge
# Of any child, written by the supervisor.
RESTARTS: Final = 40

SLOT_COUNTERS: Final = 48
TEXT_BYTES: Final = 512  # one text a slot (the store's last error)
SLOT_BYTES: Final = SLOT_COUNTERS * 8 + TEXT_BYTES
RECORDER_SLOT: Final = 0  # workers take 1, 2, …


class Facts(NamedTuple):
    """What is told beside the counters in the metrics. Sizes in bytes."""

    version: str
    spool_limit_bytes: int
    outbox_limit_bytes: int


class Scoreboard:
    """``slots`` rows of counters over one shared mapping, and the ledger behind them."""

    def __init__(self, mapping: mmap.mmap, slots: int) -> None:
        self._mapping = mapping
        self._view = memoryview(mapping)
        self.slots = slots
        self.ledger = ledger.Ledger(self._view[slots * SLOT_BYTES :])

    @classmethod
    def create(cls, slots: int) -> "tuple[Scoreboard, int]":
        """A fresh scoreboard and the descriptor that children inherit (it has no name and goes with its users)."""
        fd = _open_memory()
        size = slots * SLOT_BYTES + ledger.LEDGER_BYTES
        os.ftruncate(fd, size)
        board = cls(mmap.mmap(fd, size), slots)
        board.ledger.begin(time.time_ns())
        return board, fd

    @classmethod
    def attach(cls, fd: int) -> "Scoreboard":
        """The scoreboard behind an inherited descriptor."""
        size = os.fstat(fd).st_size
        return cls(mmap.mmap(fd, size), (size - ledger.LEDGER_BYTES) // SLOT_BYTES)

    def slot(self, index: int) -> "memoryview[int]":
        """The counters of one slot, writable items."""
        start = index * SLOT_BYTES
        return self._view[start : start + SLOT_COUNTERS * 8].cast("Q")

    def total(self, counter: int) -> int:
        """One counter, summed over all slots."""
        return sum(self.slot(index)[counter] for index in range(self.slots))

    def set_text(self, index: int, text: str) -> None:
        """Put a slot's text in place (cut to fit): the store's last error."""
        start = index * SLOT_BYTES + SLOT_COUNTERS * 8
        data = text.encode("utf-8", "replace")[: TEXT_BYTES - 1]
        self._view[start : start + TEXT_BYTES] = data.ljust(TEXT_BYTES, b"\0")

    def text(self, index: int) -> str:
        """A slot's text; empty where none was set."""
        start = index * SLOT_BYTES + SLOT_COUNTERS * 8
        return bytes(self._view[start : start + TEXT_BYTES]).split(b"\0", 1)[0].decode("utf-8", "replace")


def _open_memory() -> int:
    """Memory where the system has it: it needs no folder that can be written, and a full disk is no danger to it."""
    if sys.platform == "linux" and hasattr(os, "memfd_create"):
        return os.memfd_create("open-llm-proxy")
    fd, path = tempfile.mkstemp(prefix="open-llm-proxy-")
    Path(path).unlink()
    return fd
