"""JSON as clients and providers really send it: read quickly, then leniently, then as far as it goes."""

import json
import re
from typing import Any, Final

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_LOOSE_END: Final = re.compile(r"[^\s\[\]{}:,\"]+\Z")
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
    text = to_text(data)
    body, closers = _close_string(text)
    loose = _LOOSE_END.sub("", body.rstrip())  # half a number or literal: its value is not known
    for attempt in (body, body + ":null", loose.rstrip().rstrip(","), loose + "null"):
        try:
            return _parse_leniently(attempt + closers)
        except ValueError:
            continue
    raise ValueError("no JSON that ends early")


def _close_string(text: str) -> tuple[str, str]:
    """The text with an open string closed, and the brackets that are still missing."""
    open_brackets: list[str] = []
    last = ""
    for match in _TOKEN.finditer(text):
        last = match[0]
        if last in _CLOSERS:
            open_brackets.append(_CLOSERS[last])
        elif last in {"]", "}"} and open_brackets:
            open_brackets.pop()
    closers = "".join(reversed(open_brackets))
    if not last.startswith('"') or not text.endswith(last) or (len(last) > 1 and last.endswith('"') and _ends(last)):
        return text, closers
    return re.sub(r"\\(?:u[0-9a-fA-F]{0,3})?\Z", "", text) + '"', closers


def _ends(literal: str) -> bool:
    """Whether a string token's last quote is its end, not an escaped one."""
    inner = literal[1:-1]
    return (len(inner) - len(inner.rstrip("\\"))) % 2 == 0


def dump(value: Any) -> str:
    """Compact JSON text of a value; lone surrogates are escaped."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
