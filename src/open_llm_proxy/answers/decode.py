"""Content codings (RFC 9110 §8.4) taken off a captured body: bounded, and tolerant of bytes that end early."""

import re
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeAlias, cast

import brotli  # pyright: ignore[reportMissingTypeStubs] - it has none; `_Brotli` says what is used
import zstandard

DECODED_LIMIT_BYTES: Final = 32 << 20
MAX_CODINGS: Final = 8  # nobody stacks more: a longer list is an attack or a mistake
MAX_MEMBERS: Final = 4096  # of gzip, or frames of zstd; a step's rest is copied at each one's end: hence small steps
_ZLIB_STEP_BYTES: Final = 1 << 14
_BROTLI_STEP_BYTES: Final = 1 << 18
# A zstd block of 4 bytes can hold 128 KB (RFC 8878 §3.1.1.2) and the binding's output has no bound of its own: a step
# this small overshoots the limit by 8 MB at most.
_ZSTD_STEP_BYTES: Final = 256
_ZSTD_BEGINNING: Final = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # RFC 8878 §3.1, or one to be skipped
_ZSTD_WINDOW_BYTES: Final = 8 << 20  # RFC 9659 §3: a content coding may ask its reader for no larger window


class Decoded(NamedTuple):
    """What could be read of an encoded body.

    ``limited``: more would have come, the limit stopped it. ``damaged``: the encoded bytes end early or are corrupt, or
    their coding is unknown.
    """

    data: bytes
    limited: bool = False
    damaged: bool = False


class _Brotli(Protocol):
    def process(self, string: bytes, *, output_buffer_limit: int) -> bytes: ...
    def is_finished(self) -> bool: ...


_new_brotli = cast("Callable[[], _Brotli]", brotli.Decompressor)  # pyright: ignore[reportUnknownMemberType]
_BrotliError = cast("type[Exception]", brotli.error)  # pyright: ignore[reportUnknownMemberType]
Decoder: TypeAlias = Callable[[bytes, int], Decoded]


def decode(data: bytes, content_encoding: str | None, limit_bytes: int = DECODED_LIMIT_BYTES) -> Decoded:
    """The body behind ``content_encoding`` (the header's value: codings in the order they were applied).

    At most ``limit_bytes`` are made by each coding. A body that does not begin as its coding must is taken as it is:
    some servers name a coding and do not apply it.
    """
    if not content_encoding:
        return Decoded(data)
    codings = [name for part in content_encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if len(codings) > MAX_CODINGS:
        return Decoded(b"", damaged=True)
    limited = damaged = False
    for coding in reversed(codings):
        decoder = _DECODERS.get(coding)
        if decoder is None:
            return Decoded(b"", limited, damaged=True)
        data, cut, broken = decoder(data, limit_bytes)
        limited, damaged = limited or cut, damaged or broken
    return Decoded(data, limited, damaged)


def _inflate(data: bytes, limit_bytes: int, window_bits: int) -> Decoded:
    out = bytearray()
    position = 0
    for _ in range(MAX_MEMBERS if data else 0):
        inflater = zlib.decompressobj(window_bits)
        try:
            while position < len(data) and not inflater.eof:
                piece = data[position : position + _ZLIB_STEP_BYTES]
                out += inflater.decompress(piece, limit_bytes + 1 - len(out))
                if len(out) > limit_bytes:
                    return Decoded(bytes(out[:limit_bytes]), limited=True)
                position += len(piece) - len(inflater.unused_data)
        except zlib.error:
            return Decoded(bytes(out), damaged=True)
        # A gzip body may hold several members (RFC 1952 §2.2); what else follows is padding.
        if not inflater.eof or not data.startswith(b"\x1f\x8b", position):
            return Decoded(bytes(out), damaged=not inflater.eof)
    return Decoded(bytes(out), limited=bool(data))


def _gunzip(data: bytes, limit_bytes: int) -> Decoded:
    if data and not data.startswith(b"\x1f\x8b"[: len(data)]):
        return Decoded(data[:limit_bytes], len(data) > limit_bytes)
    return _inflate(data, limit_bytes, zlib.MAX_WBITS | 16)


def _undeflate(data: bytes, limit_bytes: int) -> Decoded:
    # RFC 9110 §8.4.1.2 means zlib's format, yet some servers send the raw stream; two bytes tell (RFC 1950 §2.2).
    zlib_header = len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return _inflate(data, limit_bytes, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)


def _unbrotli(data: bytes, limit_bytes: int) -> Decoded:
    decompressor = _new_brotli()
    out = bytearray()
    try:
        piece = decompressor.process(data, output_buffer_limit=_BROTLI_STEP_BYTES)
        while piece and len(out) <= limit_bytes:  # a step may give less than there is, also of input that ends early
            out += piece
            piece = decompressor.process(b"", output_buffer_limit=_BROTLI_STEP_BYTES)
    except _BrotliError:
        return Decoded(bytes(out[:limit_bytes]), damaged=True)
    if len(out) > limit_bytes:
        return Decoded(bytes(out[:limit_bytes]), limited=True)
    return Decoded(bytes(out), damaged=bool(data) and not decompressor.is_finished())


def _unzstd(data: bytes, limit_bytes: int) -> Decoded:
    if len(data) >= 4 and not _ZSTD_BEGINNING.match(data):
        return Decoded(data[:limit_bytes], len(data) > limit_bytes)
    out = bytearray()
    position = 0
    for _ in range(MAX_MEMBERS if data else 0):  # frames may follow one another (RFC 8878 §3.1)
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        try:
            while position < len(data) and not frame.eof:
                piece = data[position : position + _ZSTD_STEP_BYTES]
                out += frame.decompress(piece)
                if len(out) > limit_bytes:
                    return Decoded(bytes(out[:limit_bytes]), limited=True)
                position += len(piece) - len(frame.unused_data)
        except zstandard.ZstdError:
            return Decoded(bytes(out), damaged=True)
        if not frame.eof or position >= len(data):
            return Decoded(bytes(out), damaged=not frame.eof)
    return Decoded(bytes(out), limited=bool(data))


_DECODERS: Final[dict[str, Decoder]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
