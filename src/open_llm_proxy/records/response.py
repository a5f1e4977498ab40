"""An answer's frame to its record."""

import hashlib
from functools import lru_cache
from typing import Final

from open_llm_proxy.answers.answer import Answer, Choice, ToolCall
from open_llm_proxy.answers.api import Api, api_of
from open_llm_proxy.answers.assemble import assemble
from open_llm_proxy.answers.decode import Decoded, decode
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.records.context import NAME_CHARACTERS, Context, Texts, cut
from open_llm_proxy.records.identity import Identity, format_timestamp
from open_llm_proxy.records.omit import omitted
from open_llm_proxy.records.outcome import Failure, find_failure
from open_llm_proxy.records.types import ChoiceRecord, ResponseRecord, ToolCallRecord
from open_llm_proxy.spool.frame import WORKER_ENDED, Frame, RequestHeader, ResponseHeader

PREVIEW_CHARACTERS: Final = 200
ERROR_CHARACTERS: Final = 2000
BODY_CHARACTERS: Final = 1000
UPSTREAM_HEADERS: Final = frozenset(
    (
        "retry-after",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
        "server",
        "date",
        "content-length",
    )
)
_CUT_FIELDS: Final = ("content", "reasoning_content", "tool_calls", "tokens")
_BINARY_TYPES: Final = ("audio/", "image/", "video/", "application/octet-stream", "application/pdf")


def build_response(frame: Frame, context: Context) -> ResponseRecord:
    """The record of an answer, whatever became of it: plain, streamed, refused, broken off, cut in the capture."""
    header, body = frame
    assert isinstance(header, ResponseHeader)
    texts = Texts(context.scrubber)
    captured = len(body) >= header.total_bytes
    decoded = decode(body, header.content_encoding)
    api = api_of(header.endpoint)
    answer = _read(header, decoded, api, captured=captured)
    record = _build_common(header, context, texts)
    _fill(record, answer, context, texts)
    if header.content_logged and _is_binary(header) and captured:
        record.content = record.content_preview = dump(omitted(_media_type(header.content_type), decoded.data))
    failure = find_failure(header, answer, decoded, api, captured=captured)
    if failure is not None:
        record.error = _tell(failure, header, texts)
        if header.upstream_headers is not None:
            record.upstream_headers = _keep_headers(header.upstream_headers, texts)
    if not captured:
        for field in _CUT_FIELDS:
            texts.note_cut(field)
    elif header.provider_status is not None:
        record.response_sha256 = hashlib.sha256(body).hexdigest()
    record.truncated = texts.truncated
    return record


def _tell(failure: Failure, header: ResponseHeader, texts: Texts) -> str:
    """The error's text; the provider's part of it is content, and kept only where content is."""
    text = _shorten(failure.text, ERROR_CHARACTERS, texts)
    if failure.said is None or not header.content_logged:
        return text
    return f"{text} {_shorten(failure.said, BODY_CHARACTERS, texts)}"


def _shorten(text: str, limit: int, texts: Texts) -> str:
    """The scrubbed text; what an error is cut to is part of its definition, not a field that was truncated."""
    return cut(texts.scrubber.text(text[: limit + texts.scrubber.margin]), limit)


def build_ended(header: RequestHeader, at_ns: int, context: Context) -> ResponseRecord:
    """The record of an answer whose worker died; ``at_ns`` is when that was found, how long it took is unknown."""
    record = build_response(Frame(make_ended_header(header, at_ns), b""), context)
    record.latency_ms = None
    return record


def make_ended_header(header: RequestHeader, at_ns: int) -> ResponseHeader:
    """The header that the worker did not write any more."""
    ended_ns = max(at_ns, header.at_ns)
    return ResponseHeader(
        request_id=header.request_id,
        at_ns=ended_ns,
        endpoint=header.endpoint,
        provider=header.provider,
        model=header.model,
        key=header.key,
        origin=header.origin,
        client=header.client,
        session_id=header.session_id,
        error=WORKER_ENDED,
        latency_us=(ended_ns - header.at_ns) // 1000,
        complete=False,
        content_logged=header.content_logged,
        traceparent=header.traceparent,
    )


def _read(header: ResponseHeader, decoded: Decoded, api: Api, *, captured: bool) -> Answer:
    """What the body says; an answer of our own (a refusal) says nothing that the header does not."""
    if header.provider_status is None or not decoded.data or _is_binary(header):
        return Answer(readable=False)
    whole = captured and header.complete and not decoded.limited and not decoded.damaged
    return assemble(decoded.data, api, header.content_type, whole=whole)


@lru_cache(maxsize=256)
def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _is_binary(header: ResponseHeader) -> bool:
    return header.provider_status is not None and _media_type(header.content_type).startswith(_BINARY_TYPES)


def _build_common(header: ResponseHeader, context: Context, texts: Texts) -> ResponseRecord:
    """The record as far as the frame's header gives it."""
    identity = Identity.of(header, texts.scrubber)
    return ResponseRecord(
        timestamp=format_timestamp(header.at_ns),
        request_id=header.request_id,
        session_id=identity.session_id,
        client=identity.client,
        provider=header.provider,
        model=identity.model,
        origin=identity.origin,
        latency_ms=header.latency_us // 1000,
        has_content=False,
        has_tool_calls=False,
        has_reasoning_content=False,
        content=None,
        content_preview=None,
        reasoning_content=None,
        reasoning_content_preview=None,
        tool_calls=None,
        tokens=None,
        error=None,
        endpoint=identity.endpoint,
        key=header.key,
        status=header.status or None,
        ttft_ms=None if header.ttft_us is None else header.ttft_us // 1000,
        finish_reason=None,
        refusal=None,
        choices=None,
        attempts=header.attempts,
        attempt_log=[texts.scrubber.text(line) for line in header.attempt_log],
        upstream_model=None,
        upstream_request_id=texts.keep("upstream_request_id", header.upstream_request_id),
        completion_id=None,
        response_bytes=header.total_bytes,
        response_sha256=None,
        content_logged=header.content_logged,
        truncated=[],
        proxy_version=context.proxy_version,
        host=context.host,
    )


def _fill(record: ResponseRecord, answer: Answer, context: Context, texts: Texts) -> None:
    """Put in place what the body says; counts, ids and tokens also where content is not to be logged."""
    choice = answer.first
    record.has_content = choice.content is not None
    record.has_reasoning_content = choice.reasoning is not None
    record.has_tool_calls = bool(choice.tool_calls)
    record.finish_reason = texts.name("finish_reason", choice.finish_reason)
    record.upstream_model = texts.name("upstream_model", answer.model)
    record.completion_id = texts.keep("completion_id", answer.id, NAME_CHARACTERS)
    record.tokens = None if answer.usage is None else _keep_usage(answer, texts)
    record.tool_calls = _keep_calls(choice.tool_calls, "tool_calls", texts, logged=record.content_logged)
    if not record.content_logged:
        return
    record.content = texts.keep("content", choice.content, context.content_max)
    record.reasoning_content = texts.keep("reasoning_content", choice.reasoning, context.reasoning_max)
    record.content_preview = _preview(record.content)
    record.reasoning_content_preview = _preview(record.reasoning_content)
    record.refusal = texts.keep("refusal", choice.refusal)
    if len(answer.choices) > 1:
        record.choices = [_keep_choice(choice, context, texts) for choice in answer.choices]


def _preview(text: str | None) -> str | None:
    return text and cut(text, PREVIEW_CHARACTERS)


def _keep_usage(answer: Answer, texts: Texts) -> dict[str, object] | None:
    try:
        return texts.scrubber.value(answer.usage)
    except RecursionError:
        texts.note_cut("tokens")
        return None


def _keep_calls(calls: list[ToolCall], field: str, texts: Texts, *, logged: bool) -> list[ToolCallRecord] | None:
    if not calls:
        return None
    keep = texts.keep
    return [
        ToolCallRecord(keep(field, call.id), keep(field, call.name), keep(field, call.arguments) if logged else None)
        for call in calls
    ]


def _keep_choice(choice: Choice, context: Context, texts: Texts) -> ChoiceRecord:
    return ChoiceRecord(
        choice.index,
        texts.keep("choices", choice.content, context.content_max),
        texts.keep("choices", choice.reasoning, context.reasoning_max),
        _keep_calls(choice.tool_calls, "choices", texts, logged=True),
        texts.name("choices", choice.finish_reason),
    )


def _keep_headers(headers: dict[str, str], texts: Texts) -> dict[str, str]:
    return {name: texts.scrubber.text(value) for name, value in headers.items() if name.lower() in UPSTREAM_HEADERS}
