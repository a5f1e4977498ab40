"""A call as one short line for a person at a terminal."""

from urllib.parse import urlsplit

from open_llm_proxy.answers.usage import normalise
from open_llm_proxy.records.types import Record, ResponseRecord

_ERROR_CHARACTERS = 120


def format_line(record: Record) -> str | None:
    """Time (UTC), status, model, provider, ms, tokens, app, and how an error begins; None where it is no answer."""
    if not isinstance(record, ResponseRecord):
        return None
    tokens = normalise(record.tokens)
    count = "-" if tokens.total is None else f"{tokens.prompt or 0}+{tokens.completion or 0}"
    took = "-" if record.latency_ms is None else str(record.latency_ms)
    columns = [
        record.timestamp[11:19],
        str(record.status or "---"),
        record.model or "-",
        record.provider,
        f"{took} ms",
        f"{count} tokens",
        app_of(record.origin) or record.client or "-",
    ]
    if record.error:
        columns.append(record.error[:_ERROR_CHARACTERS])
    return "  ".join("".join(character if character.isprintable() else " " for character in text) for text in columns)


def app_of(origin: str | None) -> str | None:
    """The first label of an origin's host: ``https://geo.example.org`` is ``geo``."""
    if not origin:
        return None
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        host = None
    return (host or origin).split(".")[0]
