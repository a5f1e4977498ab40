"""The answer's head on its way back: end-to-end fields as they came, the hop's own left out, ours added."""

from typing import Final

from open_llm_proxy.http1.errors import REASONS
from open_llm_proxy.http1.head import ResponseHead
from open_llm_proxy.http1.headers import HOP_BY_HOP, tokens
from open_llm_proxy.proxy.capture import tell

EVENT_STREAM: Final = b"text/event-stream"
# Beside the hop-by-hop fields: framing is ours to write, and what we say ourselves must not stand twice.
_OURS: Final = HOP_BY_HOP | {
    b"content-length",
    b"x-llm-request-id",
    b"x-llm-provider",
    b"x-accel-buffering",
    b"access-control-allow-origin",
    b"access-control-allow-credentials",
    b"access-control-allow-headers",
    b"access-control-allow-methods",
    b"access-control-expose-headers",
    b"access-control-max-age",
}


class Relayed:
    """What of a provider's head goes on to the client, derived once for each head.

    ``lines``: status line and end-to-end fields, without framing, ours and the empty line; ``told``: for the record.
    """

    __slots__ = ("bodyless", "encoded", "lines", "status", "stream", "telling_id", "told")

    def __init__(self, head: ResponseHead) -> None:
        left_out = _OURS
        if b"connection" in head.values:
            named = [token for _, lower, value in head.fields if lower == b"connection" for token in tokens(value)]
            left_out = left_out.union(named)  # RFC 9110 §7.6.1: what Connection names stays on the hop, too
        parts = [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)]
        for name, lower, value in head.fields:
            if lower not in left_out:
                parts += (name, b": ", value, b"\r\n")
        self.stream = head.values.get(b"content-type", b"")[:17].lower() == EVENT_STREAM
        if self.stream:
            parts.append(b"x-accel-buffering: no\r\n")  # else an nginx on the way gathers the stream
        self.lines = b"".join(parts)
        self.status = head.status
        self.bodyless = head.status in (204, 304)
        self.told = tell(head)
        self.telling_id = b"x-request-id" in head.values
        self.encoded = head.values.get(b"content-encoding", b"identity").lower() != b"identity"


def own_head(status: int, content_type: bytes, lines: bytes) -> bytes:
    """Status line and fields of an answer of ours, without framing and empty line."""
    reason = REASONS[status].encode()
    if not content_type:
        return b"HTTP/1.1 %d %b\r\n%b" % (status, reason, lines)
    return b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\n%b" % (status, reason, content_type, lines)


def server_timing(own_us: int) -> bytes:
    """The header line that tells the proxy's own share of a call (Server Timing, https://www.w3.org/TR/server-timing/)."""
    return b"server-timing: proxy;dur=%d.%03d\r\n" % divmod(own_us, 1000)


KNOWN_TIMINGS: Final = 2000
TIMINGS: Final = tuple(server_timing(own_us) for own_us in range(KNOWN_TIMINGS))
