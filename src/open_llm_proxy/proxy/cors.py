"""Which pages may call, and what their scripts may read (Fetch standard, CORS protocol)."""

import re
from collections.abc import Iterable
from typing import Final

# `*` covers what a provider adds (rate limits have many names); the names stand beside it for readers that know no `*`.
EXPOSED: Final = (
    b"*, x-llm-request-id, x-llm-provider, x-request-id, retry-after, server-timing, "
    b"ratelimit-limit, ratelimit-remaining, ratelimit-reset, "
    b"x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, "
    b"x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    b"x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)
_ANY: Final = b"access-control-allow-origin: *\r\naccess-control-expose-headers: " + EXPOSED + b"\r\n"
_METHODS: Final = b"access-control-allow-methods: GET, POST, HEAD, OPTIONS\r\naccess-control-max-age: 86400\r\n"
_HEADER_LIST: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z, ]{1,4096}")
_DEFAULT_HEADERS: Final = b"authorization, content-type, x-client, x-session-id, x-log-content"
_REMEMBERED: Final = 1024


def _compile(glob: str) -> re.Pattern[bytes]:
    return re.compile(b"[^/]*".join(re.escape(part) for part in glob.encode().split(b"*")), re.IGNORECASE)


class Cors:
    """Allowed origins as globs (``https://*.example.org``); never with credentials."""

    def __init__(self, allow_origins: Iterable[str]) -> None:
        globs = tuple(allow_origins)
        self._any = "*" in globs
        self._patterns = [_compile(glob) for glob in globs]
        self._known: dict[bytes, bytes] = {}

    def lines(self, origin: bytes | None) -> bytes:
        """The header lines of an answer to a page at ``origin``."""
        if self._any:
            return _ANY
        if origin is None:
            return b"vary: origin\r\n"
        lines = self._known.get(origin)
        if lines is None:
            lines = b"vary: origin\r\n"
            if any(pattern.fullmatch(origin) for pattern in self._patterns):
                lines += b"access-control-allow-origin: %b\r\naccess-control-expose-headers: %b\r\n" % (origin, EXPOSED)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[origin] = lines
        return lines

    def preflight_lines(self, fields: dict[bytes, bytes]) -> bytes:
        """The header lines of a preflight's answer: the headers that the browser asks for are allowed."""
        lines = self.lines(fields.get(b"origin"))
        if b"access-control-allow-origin" not in lines:
            return lines
        asked = fields.get(b"access-control-request-headers", b"")
        allowed = asked if _HEADER_LIST.fullmatch(asked) else _DEFAULT_HEADERS
        lines += _METHODS + b"access-control-allow-headers: %b\r\n" % allowed
        if fields.get(b"access-control-request-private-network") == b"true":
            # https://wicg.github.io/private-network-access/: a public page that calls a proxy on a private address
            lines += b"access-control-allow-private-network: true\r\n"
        return lines
