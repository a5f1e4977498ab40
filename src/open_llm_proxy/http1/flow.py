"""The turn: writes that must wait until what belongs before them is with the kernel.

uvloop's ``write`` reaches the socket at once, so the order must be made. All callbacks of one poll run before what
``call_soon`` armed; so the first write of a turn arms one ``flush``, which first runs ``commit`` (one ``writev`` of all
the turn's frames), then the writes in the order they came.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

Write = Callable[[Any], None]


class Turn:
    """One a worker. ``commit`` must not raise; a write that does is given to ``on_error``."""

    __slots__ = ("_armed", "_call_soon", "_commit", "_on_error", "_writes")

    def __init__(
        self, loop: AbstractEventLoop, commit: Callable[[], None], on_error: Callable[[BaseException], None]
    ) -> None:
        self._call_soon = loop.call_soon
        self._commit = commit
        self._on_error = on_error
        self._writes: list[tuple[Write, Any]] = []
        self._armed = False

    def write(self, write: Write, data: Any) -> None:
        """Call ``write(data)`` once the turn's frames are with the kernel."""
        self._writes.append((write, data))
        if not self._armed:
            self._armed = True
            self._call_soon(self.flush)

    def arm(self) -> None:
        """Have ``commit`` run at the end of this turn, whether or not a write waits for it."""
        if not self._armed:
            self._armed = True
            self._call_soon(self.flush)

    def flush(self) -> None:
        """Commit, then write; writes that come up meanwhile make a turn of their own."""
        self._armed = False
        writes = self._writes
        self._writes = []
        self._commit()
        for write, data in writes:
            try:
                write(data)
            except Exception as error:  # noqa: BLE001 - one connection's fault must not take the others' answers
                self._on_error(error)
