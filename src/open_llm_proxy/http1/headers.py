"""Which fields stay on their hop, and how a list of tokens is read (RFC 9110 §5.6.1, §7.6.1)."""

from typing import Final

HOP_BY_HOP: Final = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)


def tokens(value: bytes) -> list[bytes]:
    """The members of a comma-separated list, lower-cased, without white space; empty members dropped."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]
