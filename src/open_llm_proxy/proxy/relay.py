"""The answer's head on its way back: end-to-end fields as they came, the hop's own left out, ours added."""

from typing import Final

from open_llm_proxy.http1.errors import REASONS
from open_llm_proxy.http1.head import ResponseHead
from open_llm_proxy.http1.headers import HOP_BY_HOP, tokens

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


def relay_head(head: ResponseHead, own_lines: bytes) -> bytes:
    """Status line and fields for the client, without framing and empty line; ``own_lines`` stand last."""
    left_out = _OURS
    if b"connection" in head.values:
        named = [token for _, lower, value in head.fields if lower == b"connection" for token in tokens(value)]
        left_out = left_out.union(named)  # RFC 9110 §7.6.1: what Connection names stays on the hop, too
    parts = [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)]
    for name, lower, value in head.fields:
        if lower not in left_out:
            parts += (name, b": ", value, b"\r\n")
    parts.append(own_lines)
    return b"".join(parts)


def own_head(status: int, content_type: bytes, lines: bytes) -> bytes:
    """Status line and fields of an answer of ours, without framing and empty line."""
    reason = REASONS[status].encode()
    if not content_type:
        return b"HTTP/1.1 %d %b\r\n%b" % (status, reason, lines)
    return b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\n%b" % (status, reason, content_type, lines)


def is_event_stream(head: ResponseHead) -> bool:
    """Whether the answer is a stream of server-sent events."""
    content_type = head.values.get(b"content-type")
    return content_type is not None and content_type[:17].lower() == EVENT_STREAM
