"""Who called, for what, when: the part that a call's two records have in common."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from open_llm_proxy.records.scrub import Scrubber
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader


class Identity(NamedTuple):
    """The caller's strings, scrubbed: a key can stand in any of them (a query, a session id, a model's name)."""

    session_id: str | None
    client: str | None
    origin: str | None
    model: str | None
    endpoint: str

    @classmethod
    def of(cls, header: RequestHeader | ResponseHeader, scrubber: Scrubber) -> "Identity":
        """The identity in a frame's header."""
        given = cls(header.session_id, header.client, header.origin, header.model, header.endpoint)
        return _scrub(given, scrubber)


@lru_cache(maxsize=1024)
def _scrub(given: Identity, scrubber: Scrubber) -> Identity:
    """Each comes twice a call, and most of them in many calls."""
    word = scrubber.word
    return Identity(
        given.session_id and word(given.session_id),
        given.client and word(given.client),
        given.origin and word(given.origin),
        given.model and word(given.model),
        word(given.endpoint),
    )


@lru_cache(maxsize=64)
def _format_second(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def format_timestamp(at_ns: int) -> str:
    """Unix time in nanoseconds as ISO 8601 in UTC with microseconds: ``2026-04-07T12:00:00.000001Z``."""
    return f"{_format_second(at_ns // 1_000_000_000)}.{at_ns // 1000 % 1_000_000:06d}Z"
