"""Inline binary data replaced by its media type, its size and its hash."""

import binascii
import hashlib
import re
from typing import Any, Final, cast
from urllib.parse import unquote_to_bytes

from open_llm_proxy.answers.answer import Object, as_text

# Shorter base64 than this is an id or a hash; a field that names its format holds data whatever its length.
_MIN_CHARACTERS: Final = 512
_HEAD_CHARACTERS: Final = 256
# RFC 2397, with a type or a parameter: "data: a, b" and "data:1,2" are what a person or a file says.
_DATA_URL: Final = re.compile(r"data:(?=[^,])((?:[\w.+-]+/[\w.+-]+)?)((?:;[^;,\s]*)*),", re.IGNORECASE)
_INLINE: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?+(?:;[\w.+-]+=[\w.+-]*+)*+;base64,([A-Za-z0-9+/=_-]{64,}+)")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=_\-\s]+")
_DATA_FIELDS: Final = frozenset(("data", "file_data", "b64_json", "image", "mask", "audio", "bytes"))


def omitted(media_type: str, data: bytes) -> dict[str, Any]:
    """What stands in a record for binary data."""
    return {"omitted": media_type, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def omit_binary(value: Any) -> Any:
    """A JSON value without inline binary data (data: URLs, base64 in the fields that hold it).

    Raises:
        RecursionError: Nested too deeply.
    """
    if isinstance(value, str):
        return _omit_text(value)
    if isinstance(value, dict):
        fields = cast("Object", value)
        return {name: _omit_field(name, item, fields) for name, item in fields.items()}
    if isinstance(value, list):
        return [omit_binary(item) for item in cast("list[Any]", value)]
    return value


def _omit_field(name: str, item: Any, fields: Object) -> Any:
    if isinstance(item, str) and name in _DATA_FIELDS and not item.startswith("data:"):
        media_type = _media_type(fields)
        if (media_type or len(item) >= _MIN_CHARACTERS) and _BASE64.fullmatch(item):
            return omitted(media_type or "application/octet-stream", _decode(item))
    return omit_binary(item)


def _media_type(fields: Object) -> str | None:
    """What the object that holds the data says of it: ``media_type`` (Anthropic), ``format`` (``input_audio``)."""
    named = as_text(fields.get("media_type")) or as_text(fields.get("mime_type")) or as_text(fields.get("mimeType"))
    sound = as_text(fields.get("format"))
    return named or (f"audio/{sound}" if sound else None)


def _omit_text(text: str) -> Any:
    if text[:5].lower() == "data:":
        match = _DATA_URL.match(text[:_HEAD_CHARACTERS])
        if match:
            rest = text[match.end() :]
            data = _decode(rest) if match[2].lower().endswith(";base64") else unquote_to_bytes(rest)
            return omitted(match[1].lower() or "text/plain", data)  # RFC 2397: the default
    if ";base64," in text:  # within prose: Markdown's images
        return _INLINE.sub(_describe, text)
    return text


def _describe(match: re.Match[str]) -> str:
    found = omitted(match[1] or "text/plain", _decode(match[2]))
    return f"[omitted: {found['omitted']}, {found['bytes']} bytes, sha256 {found['sha256']}]"


def _decode(text: str) -> bytes:
    """Base64 in either alphabet, padded or not; what is none counts as it stands."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=\n\r ")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4))
    except ValueError:
        return text.encode("utf-8", "replace")
