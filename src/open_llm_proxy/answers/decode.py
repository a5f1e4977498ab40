"""Content codings undone (RFC 9110 §8.4.1), bounded and tolerant of input that was cut."""

import zlib
from typing import Any, Final

import brotli  # pyright: ignore[reportMissingTypeStubs]
import zstandard

_brotli: Any = brotli

DECODED_BYTES: Final = 64 << 20
_STEP: Final = 1 << 16


def decode(data: bytes, encoding: str | None, limit: int = DECODED_BYTES) -> tuple[bytes, bool]:
    """``data`` without its codings, and whether that is all of it (False: cut at ``limit``, broken, or unknown)."""
    whole = True
    for coding in reversed((encoding or "").lower().split(",")):
        coding = coding.strip()  # noqa: PLW2901
        if coding in ("", "identity"):
            continue
        data, complete = _decode_one(data, coding, limit)
        whole = whole and complete
    return data, whole


def _decode_one(data: bytes, coding: str, limit: int) -> tuple[bytes, bool]:
    if coding in ("gzip", "x-gzip"):
        return _inflate(data, 31, limit)
    if coding == "deflate":  # zlib format by the RFC, raw by some servers
        found, whole = _inflate(data, 15, limit)
        return (found, whole) if found or not data else _inflate(data, -15, limit)
    if coding == "br":
        return _stream(_brotli.Decompressor(), "process", data, limit)
    if coding == "zstd":
        return _stream(zstandard.ZstdDecompressor().decompressobj(), "decompress", data, limit)
    return b"", False


def _inflate(data: bytes, window_bits: int, limit: int) -> tuple[bytes, bool]:
    inflater = zlib.decompressobj(window_bits)
    try:
        found = inflater.decompress(data, limit)
    except zlib.error:
        return b"", False
    return found, inflater.eof


def _stream(decoder: Any, method: str, data: bytes, limit: int) -> tuple[bytes, bool]:
    """Small steps: what one step gives is bounded by the coding's ratio, what all give by ``limit``."""
    found = bytearray()
    step = getattr(decoder, method)
    try:
        for start in range(0, len(data), _STEP):
            found += step(data[start : start + _STEP])
            if len(found) > limit:
                return bytes(found[:limit]), False
    except (_brotli.error, zstandard.ZstdError):
        return bytes(found), False
    return bytes(found), True
