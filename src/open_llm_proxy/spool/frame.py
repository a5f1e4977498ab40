"""One frame: ``prefix | header (msgpack) | body``. Bytes in, values out; no files here.

The prefix is 16 bytes: the magic ``OLPF``, the header's length, the body's length (both u32, little endian) and the
CRC-32 (zlib) of the header, begun with the body's length as its start value, so that it covers all three. The body
carries no checksum: it is never copied or read on the hot path, and what the kernel took whole it gives back whole.

Headers are msgpack *arrays* (compact, quick): fields are only ever appended, each with a default, so that a spool left
by another version is still read.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

import msgspec

from open_llm_proxy.errors import OpenLlmProxyError

Buffer: TypeAlias = bytes | bytearray | memoryview

MAGIC: Final = b"OLPF"
PREFIX: Final = struct.Struct("<4sIII")
MAX_HEADER_BYTES: Final = 1 << 20
MAX_TEXT_CHARACTERS: Final = 4096
MAX_ITEMS: Final = 64
WORKER_ENDED: Final = "worker ended"
"""The error of a response whose worker ended before it: noted by the worker if it could, else by the recorder."""


class FrameError(OpenLlmProxyError):
    """Bytes that cannot be a frame: wrong magic, impossible length, a checksum that does not match."""


class UnreadableHeaderError(FrameError):
    """The checksum is right, so the frame is whole, but this version cannot read its header."""


class RequestHeader(msgspec.Struct, array_like=True, tag="q", gc=False):
    """What the recorder must know of a request beside its body.

    ``at_ns`` is Unix time in nanoseconds (arrival). ``total_bytes`` is the body's length as the client sent it; the
    frame's body is shorter where the capture was capped. Strings of the caller are cut to 512 characters.
    """

    request_id: str
    at_ns: int
    endpoint: str
    provider: str
    model: str | None
    key: str
    origin: str | None = None
    client: str | None = None
    session_id: str | None = None
    client_request_id: str | None = None
    content_type: str | None = None
    total_bytes: int = 0
    edits: tuple[str, ...] = ()
    config_sha256: str | None = None
    content_logged: bool = True
    traceparent: str | None = None


class ResponseHeader(msgspec.Struct, array_like=True, tag="p", gc=False):
    """What the recorder must know of an answer beside its body; the identity is repeated, the recorder keeps no state.

    ``at_ns`` is Unix time in nanoseconds (completion); ``latency_us`` from arrival to completion; ``ttft_us`` from
    arrival to the first body byte. ``status`` is what the client was sent (0: nothing was). ``provider_status`` is
    what the provider answered (None: no provider did). ``error`` is a text of ours (client gone, timeout, refusal);
    errors that stand in the provider's body are the recorder's to find. ``complete`` says that the provider's
    answer ended as HTTP says it must. ``upstream_headers`` holds the few that an error record shows.
    """

    request_id: str
    at_ns: int
    endpoint: str
    provider: str
    model: str | None
    key: str
    origin: str | None = None
    client: str | None = None
    session_id: str | None = None
    status: int = 0
    provider_status: int | None = None
    error: str | None = None
    latency_us: int = 0
    ttft_us: int | None = None
    attempts: int = 0
    attempt_log: tuple[str, ...] = ()
    content_type: str | None = None
    content_encoding: str | None = None
    upstream_request_id: str | None = None
    upstream_headers: dict[str, str] | None = None
    total_bytes: int = 0
    complete: bool = True
    content_logged: bool = True
    own_us: int = 0
    traceparent: str | None = None


Header = RequestHeader | ResponseHeader

_pack = PREFIX.pack
_crc32 = zlib.crc32
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Header).decode


class Frame(NamedTuple):
    """A decoded frame: its header and the captured body bytes."""

    header: Header
    body: bytes


def encode_head(header: Header, body_bytes: int) -> bytes:
    """Prefix and header of a frame whose body, ``body_bytes`` long, is written right behind it."""
    packed = _encode(header)
    return _pack(MAGIC, len(packed), body_bytes, _crc32(packed, body_bytes)) + packed


def without_body(head: Buffer) -> bytes:
    """The prefix and header that ``encode_head`` gave, for a frame whose body is left out."""
    packed = bytes(head[PREFIX.size :])
    return _pack(MAGIC, len(packed), 0, _crc32(packed, 0)) + packed


def encode(header: Header, body: Sequence[Buffer] = ()) -> list[Buffer]:
    """The buffers of one whole frame, for ``writev``; the body's pieces are passed on as they are."""
    size = sum(memoryview(piece).nbytes for piece in body)
    return [encode_head(header, size), *body]


def parse_prefix(data: Buffer, offset: int = 0) -> tuple[int, int, int]:
    """``(header_bytes, body_bytes, crc)`` from the 16 bytes at ``offset``.

    Raises:
        FrameError: The magic or a length is not a frame's.
    """
    magic, header_bytes, body_bytes, crc = PREFIX.unpack_from(data, offset)
    if magic != MAGIC:
        raise FrameError(f"no frame here: magic {magic!r}")
    if header_bytes > MAX_HEADER_BYTES:
        raise FrameError(f"a frame header of {header_bytes} bytes")
    return header_bytes, body_bytes, crc


def parse_header(prefix: Buffer, packed: Buffer) -> Header:
    """The header, its checksum verified against the frame's ``prefix``.

    Raises:
        FrameError: The checksum does not match.
        UnreadableHeaderError: It does, but the bytes are no header that this version knows.
    """
    _, header_bytes, body_bytes, crc = PREFIX.unpack_from(prefix)
    if len(memoryview(packed)) != header_bytes or _crc32(packed, body_bytes) != crc:
        raise FrameError("the frame header's checksum does not match")
    try:
        return _decode(packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableHeaderError(f"the frame header is not readable: {error}") from error


HeaderT = TypeVar("HeaderT", bound=RequestHeader | ResponseHeader)


def tame(header: HeaderT) -> HeaderT:
    """The same header with texts that can be encoded: no lone surrogates, none longer than 4,096 characters."""
    return msgspec.structs.replace(
        header, **{name: _tame_value(getattr(header, name)) for name in header.__struct_fields__}
    )


def _tame_value(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARACTERS].encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return tuple(_tame_value(item) for item in cast("tuple[Any, ...]", value)[:MAX_ITEMS])
    if isinstance(value, dict):
        items = list(cast("dict[Any, Any]", value).items())[:MAX_ITEMS]
        return {_tame_value(key): _tame_value(item) for key, item in items}
    return value
