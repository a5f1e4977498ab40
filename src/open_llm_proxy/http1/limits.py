"""Sizes and times that the engine enforces, as one value."""

from typing import Final, NamedTuple

LINGER_BYTES: Final = 1 << 20
"""Most that is drained after a refusal, so that the client reads the reason instead of a reset."""
LINGER_S: Final = 2.0
PIPELINE_BYTES: Final = 1 << 16
"""Bytes read ahead from a client that is being answered; beyond it, reading pauses."""
CHUNK_EXTENSION_BYTES: Final = 256
"""Longest chunk-size line; RFC 9112 §7.1.1 asks recipients to limit extensions."""
CHUNK_OVERHEAD_BYTES: Final = 16384
"""Framing that a chunked body may have beyond a byte for each byte of content: refuses swarms of tiny chunks."""
TRAILER_BYTES: Final = 16384
REMEMBERED_HEAD_BYTES: Final = 4096
INFORMATIONAL_HEADS: Final = 16
"""1xx answers before the real one."""


class EngineLimits(NamedTuple):
    """Bytes, counts and seconds; the defaults are those of ``config.schema``."""

    head_bytes: int = 65536
    header_lines: int = 100
    body_bytes: int = 67108864
    connections: int = 8192
    buffer_bytes: int = 536870912
    head_s: float = 10
    body_s: float = 60
    idle_s: float = 75
    connect_s: float = 30
    between_bytes_s: float = 1200
    upstream_idle_s: float = 4
    send_s: float = 60
