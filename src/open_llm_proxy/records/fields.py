"""A request body's top-level fields, each as the bytes it came in: only what a record needs is decoded further."""

import json
import re
from typing import Any, Final

import msgspec

from open_llm_proxy.answers.answer import Object, as_list, as_object
from open_llm_proxy.answers.jsontext import dump, parse, parse_partial, to_text

Fields = dict[str, msgspec.Raw]

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_scan_value = json.JSONDecoder(strict=False).raw_decode
_BETWEEN: Final = re.compile(r"[\s,:]*")
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_fields(body: bytes, *, whole: bool = True) -> Fields | None:
    """The fields of a JSON object; None where the body is none.

    Args:
        body: The body as the client sent it.
        whole: False where the capture was cut: what there is, is read.
    """
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeError):
        return _read_leniently(body, whole=whole)
    except RecursionError:
        return None


def _read_leniently(body: bytes, *, whole: bool) -> Fields | None:
    text = to_text(body)
    try:
        value = parse(text)
    except ValueError:
        if whole:
            return None
        return _read_partial(text)
    return _slice(text) if isinstance(value, dict) else None


def _slice(text: str) -> Fields:
    """Each value's own text, of an object that is known to be readable."""
    fields: Fields = {}
    position = _skip(text, text.index("{") + 1)
    while position < len(text) and text[position] != "}":
        name, position = _scan_value(text, position)
        start = _skip(text, position)
        _, position = _scan_value(text, start)
        fields[name] = msgspec.Raw(text[start:position].encode())
        position = _skip(text, position)
    return fields


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _read_partial(text: str) -> Fields | None:
    try:
        value = parse_partial(text)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    return {name: msgspec.Raw(dump(item).encode()) for name, item in as_object(value).items()}


def first_byte(raw: msgspec.Raw) -> bytes:
    """What tells a JSON value's type."""
    return bytes(memoryview(raw)[:1])


def value_of(raw: msgspec.Raw | None) -> Any:
    """A field's value; None where it is absent or cannot be read."""
    if raw is None:
        return None
    try:
        return _decode_any(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return parse(bytes(raw))
    except ValueError:
        return None


def count_items(raw: msgspec.Raw | None) -> int | None:
    """The length of a list; None where the field is none."""
    if raw is None or raw == _NULL:
        return None
    try:
        return len(_items(raw))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = value_of(raw)
        return len(as_list(value)) if isinstance(value, list) else None


_NULL: Final = msgspec.Raw(b"null")


def pack_fields(fields: Fields) -> str:
    """One JSON object of these fields, their values as they came."""
    return msgspec.json.encode(fields).decode("utf-8", "replace")


def unpack_fields(fields: Fields) -> Object:
    """The fields' values."""
    return {name: value_of(raw) for name, raw in fields.items()}
