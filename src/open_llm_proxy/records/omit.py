"""Inline binary data (data: URLs, base64 audio and files) replaced by its type, length and hash."""

import base64
import binascii
import hashlib
import re
from typing import Any, Final, cast

_DATA_URL: Final = re.compile(r"data:([^;,]{0,200})(?:;[^;,]{1,200}){0,5}?;base64,([A-Za-z0-9+/=_\-\s]*)")
_KINDS: Final = {"input_audio": "audio", "file": "application/octet-stream"}
MIN_CHARACTERS: Final = 256


def omit_binary(value: Any, kind: str = "", depth: int = 0) -> Any:
    """``value`` with each inline binary as ``{"omitted": <media type>, "bytes": …, "sha256": …}``."""
    if isinstance(value, str):
        match = _DATA_URL.fullmatch(value) if value.startswith("data:") else None
        return value if match is None else _omitted(match[1] or "application/octet-stream", match[2])
    if depth > 64:
        return value
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        media = _media_type(fields, kind)
        return {
            key: _omitted(media, field)
            if key in ("data", "file_data", "b64_json") and isinstance(field, str) and _is_binary(field)
            else omit_binary(field, key, depth + 1)
            for key, field in fields.items()
        }
    if isinstance(value, list):
        return [omit_binary(item, kind, depth + 1) for item in cast("list[Any]", value)]
    return value


def _media_type(fields: dict[str, Any], kind: str) -> str:
    for key in ("media_type", "mime_type"):
        if isinstance(fields.get(key), str):
            return fields[key]
    if kind == "input_audio" and isinstance(fields.get("format"), str):
        return f"audio/{fields['format']}"
    return _KINDS.get(kind, "application/octet-stream")


def _is_binary(text: str) -> bool:
    return (
        len(text) >= MIN_CHARACTERS
        and not text.startswith("data:")
        and re.fullmatch(r"[A-Za-z0-9+/=_\-\s]+", text) is not None
    )


def _omitted(media_type: str, encoded: str) -> dict[str, Any]:
    try:
        data = base64.b64decode(encoded, altchars=b"-_" if "-" in encoded or "_" in encoded else None)
    except (binascii.Error, ValueError):
        data = encoded.encode()
    return {"omitted": media_type, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
