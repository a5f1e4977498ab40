"""Our own lines on stderr: one line a message, one write a line, never an exception, never a wait.

Text from outside (a provider's error, a client's header) may stand in a message: control characters are escaped, so
that nobody writes lines of their own into the log or colours into a terminal.
"""

import os
import re
import select
import sys
import time
from collections.abc import Callable
from typing import Final, Literal

Level = Literal["info", "warning", "error"]

# A pipe takes this much at once or says that it would block (PIPE_BUF on Linux): a line never waits half-written.
LINE_BYTES: Final = 4096
_PREFIX: Final = "open-llm-proxy: "
_CUT: Final = " …\n"
# C0, DEL, C1, the separators that some viewers take for line ends, and what turns the direction of text around.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def escaped(text: str) -> str:
    """``text`` on one line: control characters, line separators and direction marks as escapes."""
    return _UNPRINTABLE.sub(_escape, text)


def line(level: Level, message: str) -> bytes:
    """The bytes that ``say`` writes: at most ``LINE_BYTES``, ending in the only newline."""
    head = _PREFIX if level == "info" else f"{_PREFIX}{level}: "
    data = f"{head}{escaped(message)}\n".encode()
    if len(data) <= LINE_BYTES:
        return data
    room = LINE_BYTES - len(_CUT.encode())
    return data[:room].decode("utf-8", "ignore").encode() + _CUT.encode()


class Outlet:
    """A descriptor that lines go to; ``descriptor`` is asked each time, None when there is none."""

    def __init__(self, descriptor: Callable[[], int | None]) -> None:
        self._descriptor = descriptor
        self.left_out = 0

    def say(self, level: Level, message: str) -> bool:
        """Write one line; False when it could not go out, which the next line that can then says."""
        if self.left_out:
            message += f" ({self.left_out} earlier lines could not be written)"
        try:
            written = self._write(line(level, message))
        except (OSError, ValueError):  # closed, a broken pipe, a full one that does not block
            written = False
        self.left_out = 0 if written else self.left_out + 1
        return written

    def _write(self, data: bytes) -> bool:
        fd = self._descriptor()
        if fd is None or not _takes_a_line(fd):
            return False
        return os.write(fd, data) == len(data)


def _takes_a_line(fd: int) -> bool:
    """Whether a write would not wait: a reader who has stopped reading must not stop the event loop."""
    if sys.platform == "darwin":  # its poll(2) knows no terminals, and Python leaves it out where it is broken
        return bool(select.select((), (fd,), (), 0)[1])
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return any(event & select.POLLOUT and not event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def _stderr_descriptor() -> int | None:
    # None where the process began without a stderr: descriptor 2 may then be anybody's socket.
    return None if sys.stderr is None else sys.stderr.fileno()  # pyright: ignore[reportUnnecessaryComparison]


STDERR: Final = Outlet(_stderr_descriptor)


def say(level: Level, message: str) -> None:
    """Say one line on stderr: ``open-llm-proxy: <level>: <message>``, without the level for ``info``.

    Never raises and never waits: what can't be written is left out and counted.
    """
    STDERR.say(level, message)


class Throttle:
    """Messages that could repeat: each kind is said once, then at intervals with the count of those left out.

    Args:
        interval_s: Seconds between two lines of one kind.
        outlet: Where lines go.
        clock: Monotonic seconds.
    """

    KINDS: Final = 1024  # remembered at most; the oldest is forgotten first

    def __init__(
        self, interval_s: float = 60, *, outlet: Outlet = STDERR, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval_s = interval_s
        self._outlet = outlet
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, level: Level, message: str) -> bool:
        """Say ``message`` unless its ``kind`` was said less than an interval ago; whether it was said."""
        now = self._clock()
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= self.KINDS:
                self._kinds.pop(next(iter(self._kinds)))
            known = self._kinds[kind] = _Kind(now, level, message)
        elif now - known.said_at < self._interval_s:
            known.left_out += 1
            known.level, known.message = level, message
            return False
        else:
            known.said_at = now
        self._outlet.say(level, message + known.suffix())
        known.left_out = 0
        return True

    def drop(self, *kinds: str) -> None:
        """Say nothing of what was left out of these kinds: it is over."""
        for kind in kinds:
            if (known := self._kinds.get(kind)) is not None:
                known.left_out = 0

    def flush(self, *, everything: bool = False) -> None:
        """Say the last message of each kind that was left out and whose interval is over (``everything``: of each)."""
        now = self._clock()
        for kind in list(self._kinds.values()):  # another thread may say something new meanwhile
            if kind.left_out and (everything or now - kind.said_at >= self._interval_s):
                kind.left_out -= 1  # this one is said
                self._outlet.say(kind.level, kind.message + kind.suffix())
                kind.left_out, kind.said_at = 0, now


class _Kind:
    """When a kind of message was last said, and what has been left out since."""

    def __init__(self, said_at: float, level: Level, message: str) -> None:
        self.said_at = said_at
        self.level: Level = level
        self.message = message
        self.left_out = 0

    def suffix(self) -> str:
        return f" (and {self.left_out} more like it, not shown)" if self.left_out else ""
