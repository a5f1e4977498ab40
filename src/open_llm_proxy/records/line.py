"""A call as one short line for a terminal: time, status, model, provider, ms, tokens, app."""

from typing import Any
from urllib.parse import urlsplit

from open_llm_proxy.answers.assemble import as_object


def short_line(record: dict[str, Any]) -> str | None:
    """The line of a response record; None: other records have none."""
    if record.get("type") != "response":
        return None
    tokens = as_object(record.get("tokens")).get("total_tokens")
    origin = str(record.get("origin") or "")
    host = urlsplit(origin).hostname or origin
    app = host.split(".")[0] or str(record.get("client") or "-")
    parts = [
        str(record["timestamp"])[11:19],
        str(record.get("status") or "---"),
        f"{record.get('model') or '-'} → {record['provider']}",
        f"{record['latency_ms']} ms",
        f"{tokens} tokens" if tokens is not None else "- tokens",
        app,
    ]
    if record.get("error"):
        parts.append(str(record["error"])[:120])
    return "  ".join(parts)
