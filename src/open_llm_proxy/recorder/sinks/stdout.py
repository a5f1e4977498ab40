"""Lines to stdout from a thread of its own: a reader who has stopped reading holds up nothing but stdout."""

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

QUEUE_BYTES: Final = 8 << 20
WRITE_BYTES: Final = 1 << 20
"""In one call: each waits for the interpreter's lock, which the recorder holds most of the time under load."""


class StdoutSink:
    """``write`` queues lines; over 8 MiB they are dropped, counted and said.

    Args:
        fd: The descriptor to write to.
        say: Told of lines that were dropped.
        note_writing: Told before and after each write.
        line_torn: Half a line stands there, which must not spoil the next one.
    """

    def __init__(
        self,
        fd: int,
        say: Callable[[str], None],
        *,
        note_writing: Callable[[bool], None] = lambda _: None,
        line_torn: bool = False,
    ) -> None:
        self._fd = fd
        self._say = say
        self._note_writing = note_writing
        self._ahead = b"\n" if line_torn else b""
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._broken = False
        self.dropped = 0
        self._unsaid = 0
        self._thread = threading.Thread(target=self._run, name="stdout", daemon=True)
        self._thread.start()

    def write(self, lines: list[bytes]) -> None:
        """Queue lines, given without their newline."""
        if not lines:
            return
        data = b"\n".join(lines) + b"\n"
        with self._changed:
            if self._broken or self._queued_bytes + len(data) > max(QUEUE_BYTES, len(data)):
                self.dropped += len(lines)
                self._unsaid += len(lines)
                return
            self._queue.append(data)
            self._queued_bytes += len(data)
            self._changed.notify_all()

    def wait(self, timeout_s: float, below_bytes: int = 1) -> bool:
        """Wait until fewer than ``below_bytes`` are queued (1: all is written); False: the time is over.

        A broken stdout takes nothing any more: that counts as written.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._broken or self._queued_bytes < below_bytes, timeout_s)

    def say_dropped(self) -> None:
        """Tell of the lines dropped since the last time."""
        with self._changed:
            unsaid, self._unsaid = self._unsaid, 0
        if unsaid:
            why = "is closed" if self._broken else "is not read"
            self._say(f"stdout {why}: {unsaid} lines were left out there ({self.dropped} since the start)")

    def close(self, timeout_s: float) -> None:
        """Write what is queued, as far as the time allows, and end the thread."""
        self.wait(timeout_s)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                batch = self._take()
            try:
                self._note_writing(True)
                self._write_all(self._ahead + batch)
                self._note_writing(False)
                self._ahead = b""
            except OSError:
                with self._changed:
                    self._broken = True
                    lost = sum(data.count(b"\n") for data in (batch, *self._queue))
                    self.dropped += lost
                    self._unsaid += lost
                    self._queue.clear()
            with self._changed:
                self._queued_bytes = 0 if self._broken else self._queued_bytes - len(batch)
                self._changed.notify_all()

    def _take(self) -> bytes:
        taken: list[bytes] = []
        size = 0
        while self._queue and (not taken or size + len(self._queue[0]) <= WRITE_BYTES):
            taken.append(self._queue.popleft())
            size += len(taken[-1])
        return b"".join(taken)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:  # somebody has made the shared descriptor non-blocking
                with contextlib.suppress(OSError):
                    select.select([], [self._fd], [], 1)
                time.sleep(0.01)
