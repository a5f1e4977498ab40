"""JSON as clients and providers really send it: read quickly, then leniently, then as far as it goes."""

import json
import re
from typing import Any, Final

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|(?P<open>\\?)\Z)|[\[\]{}]', re.DOTALL)
_LOOSE_END: Final = re.compile(r"(?<![^\s\[\]{}:,\"])[^\s\[\]{}:,\"]++\Z")
_HALF_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*+)\\(?:u[0-9a-fA-F]{0,3})?\Z")
_CLOSERS: Final = {"{": "}", "[": "]"}


def parse(data: bytes | str) -> Any:
    """The value of a JSON text.

    Where msgspec refuses what is sent in practice (a lone surrogate of JavaScript's, a byte-order mark, UTF-16, NaN,
    raw control characters, bytes that are no UTF-8) the standard library is asked.

    Raises:
        ValueError: No JSON, or nested too deeply.
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError):
        return _parse_leniently(to_text(data))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def to_text(data: bytes | str) -> str:
    """JSON bytes as text, byte-order mark taken off; what is no UTF-8 becomes replacement characters."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    return data.decode(json.detect_encoding(data), "replace").removeprefix("\ufeff")


def _parse_leniently(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse_partial(data: bytes | str) -> Any:
    """The value of a JSON text that ends early: open strings, arrays and objects are closed.

    Raises:
        ValueError: Nothing can be read.
    """
    text, closers = _close_string(to_text(data))
    # The end may be half of a number or literal, whose value is not known, a comma, or a key without its value.
    body = _LOOSE_END.sub("", text.rstrip()).rstrip()
    body = f"{body}null" if body.endswith(":") else body.removesuffix(",")
    for attempt in (body, f"{body}:null"):
        try:
            return _parse_leniently(attempt + closers)
        except ValueError:
            continue
    raise ValueError("no JSON that ends early")


def _close_string(text: str) -> tuple[str, str]:
    """The text with an open string closed, and the brackets that are still missing."""
    missing: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _CLOSERS:
            missing.append(_CLOSERS[token])
        elif token in {"]", "}"} and missing:
            missing.pop()
        elif match["open"] is not None:
            text = _HALF_ESCAPE.sub(r"\1", text) + '"'
    return text, "".join(reversed(missing))


def dump(value: Any) -> str:
    """Compact JSON text of a value; lone surrogates are escaped."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
