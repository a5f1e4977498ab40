"""What of an answer is kept for its frame, and what is told of it. Nothing here raises."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from open_llm_proxy.http1.head import ResponseHead
from open_llm_proxy.proxy.auth import identity

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


class Told(NamedTuple):
    """What the record tells of an answer's head."""

    status: int | None
    content_type: str | None
    content_encoding: str | None
    request_id: str | None
    error_headers: dict[str, str] | None


OWN_ANSWER: Final = Told(None, "application/json", None, None, None)


def tell(head: ResponseHead) -> Told:
    """What the record tells of a provider's head."""
    values = head.values
    request_id = next((values[name] for name in REQUEST_ID_HEADERS if name in values), None)
    error_headers = None
    if head.status >= 400:
        error_headers = {name.decode(): identity(values[name]) or "" for name in ERROR_HEADERS if name in values}
    return Told(
        head.status,
        identity(values.get(b"content-type")),
        identity(values.get(b"content-encoding")),
        identity(request_id),
        error_headers,
    )


def measured(error_headers: dict[str, str] | None, total_bytes: int) -> dict[str, str] | None:
    """``Told.error_headers`` of one answer: heads are remembered, and between two only the content's length differs."""
    if error_headers is None or "content-length" not in error_headers:
        return error_headers
    return error_headers | {"content-length": str(total_bytes)}


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

    def tail(self, size: int) -> bytes:
        """The last ``size`` bytes, or a few more; empty where not all was kept: then the end is not known."""
        if self.total_bytes != self.size:
            return b""
        tail = b""
        for piece in reversed(self.pieces):
            tail = piece + tail
            if len(tail) >= size:
                break
        return tail

    def ends_at_event(self) -> bool:
        """Whether what was passed on so far ends with a whole server-sent event."""
        return self.tail(4).endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
