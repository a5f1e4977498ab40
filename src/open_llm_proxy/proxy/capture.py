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


class Held:
    """What all calls of a worker keep of their answers at this moment, and how much that may be, in bytes."""

    __slots__ = ("limit_bytes", "now_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.now_bytes = 0


class Captured:
    """The body of one answer as it came, up to a limit of its own and one that all share.

    What it holds counts in ``held`` as long as it lives.
    """

    __slots__ = ("_limit", "held", "missed_bytes", "pieces", "size")

    def __init__(self, limit: int, held: Held) -> None:
        self.pieces: list[bytes] = []
        self._limit = limit
        self.held = held
        self.size = 0
        self.missed_bytes = 0

    def __del__(self) -> None:
        self.held.now_bytes -= self.size

    @property
    def total_bytes(self) -> int:
        """How long the body was, kept or not."""
        return self.size + self.missed_bytes

    def add(self, pieces: Sequence[bytes]) -> None:
        """Keep ``pieces``; beyond a limit only their size is counted, and nothing that comes later is kept."""
        for piece in pieces:
            self.add_one(piece)

    def add_one(self, piece: bytes) -> None:
        """As ``add``."""
        held = self.held
        size = self.size + len(piece)
        held_bytes = held.now_bytes + len(piece)
        if size <= self._limit and held_bytes <= held.limit_bytes:
            self.pieces.append(piece)
            self.size = size
            held.now_bytes = held_bytes
        else:
            self._keep_last(piece)

    def _keep_last(self, piece: bytes) -> None:
        kept = piece[: max(0, min(self._limit - self.size, self.held.limit_bytes - self.held.now_bytes))]
        if kept:
            self.pieces.append(kept)
        self.size += len(kept)
        self.held.now_bytes += len(kept)
        self.missed_bytes += len(piece) - len(kept)
        self._limit = self.size

    def tail(self, size: int) -> bytes:
        """The last ``size`` bytes, or a few more; empty where not all was kept: then the end is not known."""
        if self.missed_bytes:
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
