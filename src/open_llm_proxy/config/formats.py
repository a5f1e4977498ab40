"""What a text in the configuration must look like: one function a format, named by ``schema``'s ``extra``.

A format takes the text and gives the sentence that says what is wrong with it, or None. Where a secret may have been
typed into the wrong place the text is not shown.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, urlsplit

from open_llm_proxy.config.problems import quoted

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2
_FIELD_VALUE: Final = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")  # RFC 9110 §5.5, without obs-text
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PROVIDER: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_HOST: Final = re.compile(r"[A-Za-z0-9._%-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?")
_URL: Final = re.compile(r"[!-~]+")
_MADE_BY_US: Final = "the proxy sets this header itself; leave it out"

HOP_HEADERS: Final = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers of one connection, which each side of the proxy makes for itself (RFC 9110 §7.6.1)."""
BODY_HEADERS: Final = frozenset(("content-encoding", "content-type"))
"""Headers that describe the client's body, which goes as it came."""
PRIVATE_HEADERS: Final = frozenset(("authorization", "cookie", "origin", "referer", "x-api-key"))
"""Client headers that never go upstream (nor ``x-forwarded-*``)."""


def _url(text: str) -> str | None:
    wanted = "expected an http:// or https:// URL"
    try:
        parts = urlsplit(text) if _URL.fullmatch(text) else SplitResult("", "", "", "", "")
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket left open
        known = False
    if "@" in text.partition("://")[2].partition("/")[0]:
        return f"{wanted} without user name and password; api_key_env names the variable of a key"
    if not known:
        return wanted if "@" in text else f"{wanted}, got {quoted(text.partition('?')[0])}"
    return f"{wanted} without a fragment (#)" if "#" in text else None


def _variable(text: str) -> str | None:
    return None if _VARIABLE.fullmatch(text) else "expected the name of an environment variable, not the secret itself"


def _provider_name(text: str) -> str | None:
    if text == "unrouted":
        return "taken: records say unrouted of a call that no provider takes; choose another name"
    return None if _PROVIDER.fullmatch(text) else f"expected a name of printable ASCII characters, got {quoted(text)}"


def _header_value(text: str) -> str | None:
    if _FIELD_VALUE.fullmatch(text):
        return None
    return "expected a header value: printable ASCII, no line breaks, no white space at the ends"


def _extra_header_name(text: str) -> str | None:
    name = text.lower()
    if not _TOKEN.fullmatch(text):
        return f"expected a header name, got {quoted(text)}"
    if name == "authorization":
        return "the proxy sets this header itself; api_key_env names the variable of the key"
    return _MADE_BY_US if name in HOP_HEADERS or name in BODY_HEADERS else None


def _forward_header_name(text: str) -> str | None:
    name = text.lower()
    if not _TOKEN.fullmatch(text):
        return f"expected a header name, got {quoted(text)}"
    if name in PRIVATE_HEADERS or name.startswith("x-forwarded-"):
        return f"a client's {name} never goes upstream; leave it out"
    return f"{name}: {_MADE_BY_US}" if name in HOP_HEADERS or name == "content-encoding" else None


def _origin_glob(text: str) -> str | None:
    if _URL.fullmatch(text) and "/" not in text.rpartition("://")[2]:
        return None
    return f"expected an origin without a path, such as https://*.example.org, got {quoted(text)}"


def _host(text: str) -> str | None:
    if _HOST.fullmatch(text):
        return None
    return f"expected an address or a host name alone, such as 127.0.0.1 or ::, got {quoted(text)}"


FORMATS: Final[dict[str, Callable[[str], str | None]]] = {
    "url": _url,
    "variable": _variable,
    "provider-name": _provider_name,
    "header-value": _header_value,
    "extra-header-name": _extra_header_name,
    "forward-header-name": _forward_header_name,
    "origin-glob": _origin_glob,
    "host": _host,
}
