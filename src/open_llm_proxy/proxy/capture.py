"""From a call to its two frames; it never raises and it counts.

``accepted`` counts what is owed to the log, two frames a call; the spool's writer counts what it wrote and what it lost.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader
from open_llm_proxy.telemetry import scoreboard

ERROR_HEADERS: Final = (
    b"retry-after",
    b"x-ratelimit-limit",
    b"x-ratelimit-remaining",
    b"x-ratelimit-reset",
    b"x-request-id",
    b"server",
    b"date",
    b"content-length",
)
REQUEST_ID_HEADERS: Final = (b"x-request-id", b"request-id", b"x-generation-id", b"cf-ray")


class FrameSink(Protocol):
    """The spool's writer, as the proxy sees it."""

    def append(
        self, header: RequestHeader | ResponseHeader, body: Sequence[bytes | memoryview], body_bytes: int
    ) -> None:
        """Add a frame to this turn's."""


class Capture:
    """One a worker; ``open_calls`` are the requests that have no response frame yet."""

    def __init__(self, sink: FrameSink, counters: "memoryview[int]", capture_bytes: int) -> None:
        self._sink = sink
        self._counters = counters
        self._capture_bytes = capture_bytes
        self._open: dict[str, RequestHeader] = {}

    def open_calls(self) -> Iterable[RequestHeader]:
        """For a new segment's header: the calls whose answer is still to come."""
        return list(self._open.values())

    def note_request(self, header: RequestHeader, body: bytes) -> None:
        """The request's frame joins the turn's."""
        limit = self._capture_bytes
        if len(body) > limit:
            piece: bytes | memoryview = memoryview(body)[:limit]
            self._sink.append(header, (piece,), limit)
        else:
            self._sink.append(header, (body,) if body else (), len(body))
        self._open[header.request_id] = header
        counters = self._counters
        counters[scoreboard.ACCEPTED] += 1
        counters[scoreboard.REQUESTS] += 1

    def note_response(self, header: ResponseHeader, pieces: Sequence[bytes], size: int) -> None:
        """The response's frame joins the turn's."""
        self._sink.append(header, pieces, size)
        self._open.pop(header.request_id, None)
        counters = self._counters
        counters[scoreboard.ACCEPTED] += 1
        counters[scoreboard.RESPONSES] += 1


class Captured:
    """The body of one answer as it came, up to a limit."""

    __slots__ = ("pieces", "room", "size", "total_bytes")

    def __init__(self, limit: int) -> None:
        self.pieces: list[bytes] = []
        self.room = limit
        self.size = 0
        self.total_bytes = 0

    def add(self, pieces: Sequence[bytes]) -> None:
        """Keep ``pieces``; beyond the limit only their size is counted."""
        for piece in pieces:
            size = len(piece)
            self.total_bytes += size
            if size <= self.room:
                self.pieces.append(piece)
                self.size += size
                self.room -= size
            elif self.room:
                self.pieces.append(piece[: self.room])
                self.size += self.room
                self.room = 0

    def ends_at_event(self) -> bool:
        """Whether what was passed on so far ends with a whole server-sent event."""
        if not self.pieces or self.total_bytes != self.size:
            return False
        last = self.pieces[-1]
        if len(last) < 4 and len(self.pieces) > 1:
            last = self.pieces[-2][-4:] + last
        return last.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
