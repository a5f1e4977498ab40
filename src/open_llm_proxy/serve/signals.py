"""Signals as bytes on a descriptor, so that one ``select`` waits for everything and nothing runs inside a handler."""

import os
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Final, Self

END: Final = frozenset((signal.SIGTERM, signal.SIGINT))
WATCHED: Final = frozenset((*END, signal.SIGHUP, signal.SIGCHLD))


class Signals:
    """While entered, the watched signals arrive at ``fileno()``; left, what was there before is back."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _noted) for number in WATCHED}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._read.close()
        self._write.close()

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._read.fileno()

    def read(self) -> list[int]:
        """The signals since the last look, in order."""
        try:
            return list(self._read.recv(4096))
        except BlockingIOError:
            return []


def _noted(number: int, frame: FrameType | None) -> None:
    """Python writes the number to the wakeup descriptor before it calls this."""


def terminal_is_gone() -> bool:
    """Whether this process has no controlling terminal: SIGHUP then means that a person closed the window."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return True
    return False
