"""Secrets out of texts: always on, idempotent, linear time. The rules stand in LOGGING.md.

One cheap look (``_SUSPECT``) passes clean text unchanged; only text that holds one of the words is worked on.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final, cast

REDACTED: Final = "[REDACTED]"
DEPTH: Final = 8
_NAMES: Final = [
    "s3_key",
    "s3_secret",
    "access_key_id",
    "secret_access_key",
    "aws_secret",
    "aws_access",
    "api_key",
    "apikey",
    "secret",
    "password",
    "passwd",
    "token",
    "auth_token",
    "authorization",
    "bearer",
]
_SUSPECT: Final = re.compile(
    r"s3[_-]|access[_-]key|aws[_-]|api[_-]?key|secret|passw|token|authorization|bearer|basic |key_id|sk-|akia|asia|sig",
    re.IGNORECASE,
)
_NAME: Final = rf"(?:[A-Za-z0-9]+[_-])*(?:{'|'.join(name.replace('_', '[_-]') for name in _NAMES)})"
# name: "value" or name='value': a quoted value is one; both quotes may be escaped (JSON inside a string).
_QUOTED: Final = re.compile(
    rf"""(?<![A-Za-z0-9])({_NAME}\\*["']?\s{{0,4}}[:=]\s{{0,4}})(\\*["'])((?:(?!\2)[^\r\n]){{1,4096}}?)(\2)""",
    re.IGNORECASE,
)
_BARE: Final = re.compile(
    rf"(?<![A-Za-z0-9])({_NAME}\s{{0,4}}[:=]\s{{0,4}})((?!\[REDACTED\])[^\s\"'\\,;&<>(){{}}]{{8,4096}})", re.IGNORECASE
)
_DUCKDB: Final = re.compile(r"\b(KEY_ID|SECRET)(\s{1,4})(\\*')((?:(?!\3)[^\r\n]){1,4096}?)(\3)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"\b(Bearer|Basic)\s{1,4}(?!\[REDACTED\])([A-Za-z0-9._~+/=\-]{8,8192})", re.IGNORECASE)
_SK: Final = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_\-]{16,512}")
_AKIA: Final = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,128}(?![A-Za-z0-9])")
_SIGNATURE: Final = re.compile(
    r"\b((?:X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-Signature|Signature|sig)=)(?!\[REDACTED\])[^&\s\"'\\]{8,4096}",
    re.IGNORECASE,
)


def _looks_random(value: str) -> bool:
    """A bare value is a secret when it has a digit, both cases or a symbol: "secret: we agreed" stays."""
    if any(character.isdigit() for character in value):
        return True
    if value.isalpha():
        return not (value.islower() or value.isupper() or value[1:].islower())
    return any(not character.isalnum() and character not in ".,:;!?-_" for character in value)


class Scrubber:
    """The rules, and the secrets that the proxy itself knows (client and provider keys)."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        secrets = sorted({secret for secret in known if len(secret) >= 4}, key=len, reverse=True)
        forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1])}
        ordered = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def scrub(self, text: str) -> str:
        """``text`` without secrets."""
        if self._known is not None and self._known.search(text):
            text = self._known.sub(REDACTED, text)
        if not _SUSPECT.search(text):
            return text
        return _scrub_text(_scrub_json(text, 0))

    def scrub_value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with every string in it scrubbed, and the values of secret keys taken out."""
        if isinstance(value, str):
            return self.scrub(value)
        if depth > 64:
            return value
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {
                self.scrub(key): REDACTED
                if isinstance(field, str) and is_secret_name(key)
                else self.scrub_value(field, depth + 1)
                for key, field in fields.items()
            }
        if isinstance(value, list):
            return [self.scrub_value(item, depth + 1) for item in cast("list[Any]", value)]
        return value


def is_secret_name(key: str) -> bool:
    """Whether a JSON key names a secret: lower-cased, ``-`` as ``_``, one of the names or ending in ``_`` + one."""
    name = key.lower().replace("-", "_")
    return any(name == secret or name.endswith("_" + secret) for secret in _NAMES)


def _scrub_json(text: str, depth: int) -> str:
    """JSON held in a string: parsed, scrubbed and written again, where there is a secret in it."""
    start = text.lstrip()[:1]
    if depth >= DEPTH or start not in ("{", "[", '"') or not start:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    cleaned = _scrub_inner(value, depth)
    return text if cleaned == value else json.dumps(cleaned, ensure_ascii=False)


def _scrub_inner(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _scrub_text(_scrub_json(value, depth + 1)) if _SUSPECT.search(value) else value
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {
            key: REDACTED if isinstance(field, str) and is_secret_name(key) else _scrub_inner(field, depth)
            for key, field in fields.items()
        }
    if isinstance(value, list):
        return [_scrub_inner(item, depth) for item in cast("list[Any]", value)]
    return value


def _scrub_text(text: str) -> str:
    text = _DUCKDB.sub(lambda found: f"{found[1]}{found[2]}{found[3]}{REDACTED}{found[5]}", text)
    text = _SCHEME.sub(lambda found: f"{found[1]} {REDACTED}", text)
    text = _QUOTED.sub(lambda found: f"{found[1]}{found[2]}{REDACTED}{found[4]}", text)
    text = _BARE.sub(lambda found: found[1] + REDACTED if _looks_random(found[2]) else found[0], text)
    text = _SK.sub(REDACTED, text)
    text = _AKIA.sub(REDACTED, text)
    return _SIGNATURE.sub(lambda found: found[1] + REDACTED, text)
