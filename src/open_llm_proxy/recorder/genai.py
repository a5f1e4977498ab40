"""A call's span in the words of OpenTelemetry's GenAI conventions. Pure; no texts of prompts, answers or errors.

Names: https://github.com/open-telemetry/semantic-conventions-genai (client inference spans). What they do not name is
ours, under ``open_llm_proxy.``.
"""

from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from open_llm_proxy.answers.api import api_of
from open_llm_proxy.answers.usage import normalise
from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.records.types import ResponseRecord

Value: TypeAlias = str | int | float | bool | tuple[str, ...]

_OPERATIONS: Final = {"chat": "chat", "messages": "chat", "responses": "chat", "completions": "text_completion"}
_PORTS: Final = {"http": 80, "https": 443}
_MOST_INTEGER: Final = (1 << 63) - 1
"""OTLP's integers have 64 bits and a sign."""


class Server(NamedTuple):
    """Where a provider is."""

    address: str
    port: int

    @classmethod
    def of(cls, endpoint: str) -> "Server":
        """From the provider's URL."""
        parts = urlsplit(endpoint)
        return cls(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443))


def operation_of(endpoint: str) -> str:
    """``gen_ai.operation.name`` of a path."""
    path = endpoint.partition("?")[0].rstrip("/")
    if path.endswith("/embeddings"):
        return "embeddings"
    return _OPERATIONS.get(api_of(path), "generate_content")


def name_of(answered: Answered) -> str:
    """``chat kimi``."""
    operation, model = operation_of(answered.header.endpoint), answered.record.model
    return f"{operation} {model}" if model else operation


def error_type_of(answered: Answered) -> str | None:
    """The provider's status where it is one of an error, else the kind of error; None: there was none."""
    kind = answered.kind
    status = answered.header.provider_status
    return str(status) if kind is not None and status is not None and status >= 400 else kind


def attributes_of(answered: Answered, server: Server | None) -> dict[str, Value]:
    """The span's attributes; those that are not known are left out."""
    header, record = answered
    streamed = "text/event-stream" in (header.content_type or "").lower()
    found: dict[str, Value | None] = {
        "gen_ai.operation.name": operation_of(header.endpoint),
        "gen_ai.provider.name": header.provider,
        "gen_ai.request.model": record.model,
        "gen_ai.request.stream": True if streamed else None,
        "gen_ai.conversation.id": record.session_id,
        "gen_ai.response.id": record.completion_id,
        "gen_ai.response.model": record.upstream_model,
        "gen_ai.response.finish_reasons": _finish_reasons(record),
        "server.address": None if server is None else server.address,
        "server.port": None if server is None else server.port,
        "url.path": record.endpoint.partition("?")[0],
        "http.response.status_code": header.status or None,
        "error.type": error_type_of(answered),
        "open_llm_proxy.request_id": header.request_id,
        "open_llm_proxy.key": header.key,
        "open_llm_proxy.client": record.client,
        "open_llm_proxy.attempts": header.attempts,
        "open_llm_proxy.own_us": header.own_us if header.attempts else None,
    }
    if streamed and header.ttft_us is not None:
        found["gen_ai.response.time_to_first_chunk"] = header.ttft_us / 1e6
    found |= _usage(record)
    return {name: value for name, value in found.items() if value is not None}


def _finish_reasons(record: ResponseRecord) -> tuple[str, ...] | None:
    if record.choices:
        return tuple(choice.finish_reason or "" for choice in record.choices)
    return None if record.finish_reason is None else (record.finish_reason,)


def _usage(record: ResponseRecord) -> dict[str, int]:
    tokens = normalise(record.tokens)
    found = {"input_tokens": tokens.prompt, "output_tokens": tokens.completion}
    found["cache_read.input_tokens"] = tokens.cached
    return {
        f"gen_ai.usage.{name}": count
        for name, count in found.items()
        if count is not None and 0 <= count <= _MOST_INTEGER
    }
