"""A frame to its record: the fields that users know first, ours after them. The names are contracts (LOGGING.md)."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from open_llm_proxy.answers import assemble
from open_llm_proxy.answers.assemble import Answer, Choice, as_list, as_object
from open_llm_proxy.answers.decode import decode
from open_llm_proxy.records import questions
from open_llm_proxy.records.omit import omit_binary
from open_llm_proxy.records.scrub import Scrubber
from open_llm_proxy.spool.frame import Frame, RequestHeader, ResponseHeader

Record = dict[str, Any]
MARGIN: Final = 8192
"""Characters kept beyond a cap while scrubbing: longer than any secret, so that none is cut in two and missed."""
ERROR_CHARACTERS: Final = 2000
BODY_CHARACTERS: Final = 1000
PREVIEW_CHARACTERS: Final = 200
RECORD_BYTES: Final = 15 << 20
CHAT_ENDPOINTS: Final = ("/v1/chat/completions", "/chat", "/v1/completions")
_NOT_PARAMS: Final = frozenset(
    ("model", "messages", "input", "prompt", "system", "instructions", "tools", "user", "stream", "enable_thinking")
)
_LONE: Final = re.compile("[\ud800-\udfff]")
_encode = msgspec.json.Encoder().encode


class Context(msgspec.Struct, frozen=True):
    """How records are made: capture mode, caps in characters (0: all), who we are."""

    scrubber: Scrubber
    full: bool = False
    content_max: int = 0
    reasoning_max: int = 4000
    tool_result_max: int = 20000
    user_question_max: int = 4000
    host: str = ""
    proxy_version: str = ""


class _Texts:
    """Scrubs and caps the texts of one record; remembers which were cut."""

    def __init__(self, context: Context) -> None:
        self._scrub = context.scrubber.scrub
        self.truncated: list[str] = []

    def text(self, name: str, value: str | None, limit: int = 0) -> str | None:
        if value is None:
            return None
        if limit and len(value) > limit:
            if name not in self.truncated:
                self.truncated.append(name)
            return self._scrub(value[: limit + MARGIN])[:limit]
        return self._scrub(value)


def timestamp(at_ns: int) -> str:
    """ISO 8601 UTC with microseconds and ``Z``."""
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).replace(microsecond=at_ns // 1000 % 1_000_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def build_request(frame: Frame, context: Context) -> list[Record]:
    """The request record; in ``full`` mode its ``system_prompt`` and ``tools`` records behind it."""
    header, raw = frame
    assert isinstance(header, RequestHeader)
    texts = _Texts(context)
    body = as_object(assemble.load(raw)) if not _is_multipart(header) else {}
    asked = questions.read(body)
    logged = header.content_logged
    system_sha256 = None if asked.system is None else _sha256(asked.system.encode("utf-8", "surrogatepass"))
    tools_raw = _encode_lenient(body["tools"]) if body.get("tools") else None
    thinking = body.get("enable_thinking")
    record: Record = {
        "timestamp": timestamp(header.at_ns),
        "type": "request",
        "request_id": header.request_id,
        "session_id": header.session_id,
        "client": header.client,
        "origin": header.origin,
        "provider": header.provider,
        "model": header.model,
        "message_count": len(asked.messages),
        "tools_count": asked.tools_count,
        "enable_thinking": thinking if isinstance(thinking, bool) else None,
        "user_question": texts.text("user_question", asked.first_user, context.user_question_max) if logged else None,
        "user_message_this_turn": texts.text("user_message_this_turn", asked.last_user, context.user_question_max)
        if logged
        else None,
        "tool_results_this_turn": _results(asked, texts, context) if logged else None,
    }
    if context.full and logged:
        record["messages"] = [_message(message, system_sha256, asked.system, context) for message in asked.messages]
    params = {key: value for key, value in body.items() if key not in _NOT_PARAMS}
    record |= {
        "endpoint": header.endpoint,
        "stream": body["stream"] if isinstance(body.get("stream"), bool) else None,
        "key": header.key,
        "request_bytes": header.total_bytes,
        "client_request_id": header.client_request_id,
        "params": _encode_lenient(context.scrubber.scrub_value(omit_binary(params))) if logged and body else None,
        "system_sha256": system_sha256,
        "tools_sha256": None if tools_raw is None else _tools_sha256(raw, tools_raw),
        "edits": list(header.edits),
        "config_sha256": header.config_sha256,
        "request_sha256": _sha256(raw) if header.total_bytes == len(raw) else None,
        "content_logged": logged,
        "truncated": texts.truncated,
        "proxy_version": context.proxy_version,
        "host": context.host,
    }
    records = [record]
    if context.full and logged:
        common: Record = {"timestamp": record["timestamp"], "origin": header.origin}
        if asked.system is not None:
            content = context.scrubber.scrub(asked.system)
            records.append(common | {"type": "system_prompt", "system_sha256": system_sha256, "content": content})
        if tools_raw is not None:
            tools = context.scrubber.scrub(tools_raw)
            records.append(common | {"type": "tools", "tools_sha256": record["tools_sha256"], "tools": tools})
    return records


def _is_multipart(header: RequestHeader) -> bool:
    return (header.content_type or "").lower().startswith("multipart/")


def _tools_sha256(raw: bytes, encoded: str) -> str:
    """Of the ``tools`` value's bytes as they came; of their JSON where only a lenient reader could find them."""
    try:
        return _sha256(bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])["tools"]))
    except (msgspec.DecodeError, KeyError, RecursionError):
        return _sha256(encoded.encode("utf-8", "surrogatepass"))


def _encode_lenient(value: Any) -> str:
    try:
        return _encode(value).decode()
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        return json.dumps(value, separators=(",", ":"))


def _results(asked: questions.Asked, texts: _Texts, context: Context) -> list[Record] | None:
    if asked.tool_results is None:
        return None
    return [
        {
            "tool_call_id": call_id if isinstance(call_id, str) else None,
            "content": texts.text("tool_results_this_turn", content, context.tool_result_max),
        }
        for call_id, content in asked.tool_results
    ]


def _message(message: Record, system_sha256: str | None, system: str | None, context: Context) -> Record:
    if (
        system is not None
        and message.get("role") in ("system", "developer")
        and questions.content_text(message) == system
    ):
        return {"role": message["role"], "system_sha256": system_sha256, "content_len": len(system), "_dedup": True}
    return context.scrubber.scrub_value(omit_binary(message))


def read_answer(header: ResponseHeader, raw: bytes) -> Answer:
    """What the captured body of an answer says."""
    body, _ = decode(raw, header.content_encoding)
    kind = (header.content_type or "").lower()
    if kind.startswith("text/event-stream") or (body.startswith((b"data:", b"event:")) and "json" not in kind):
        return assemble.read_stream(body)
    return assemble.read_plain(body)


def build_response(frame: Frame, context: Context) -> Record:
    """The response record."""
    header, raw = frame
    assert isinstance(header, ResponseHeader)
    texts = _Texts(context)
    own = header.provider_status is None
    answer = Answer() if own else read_answer(header, raw)
    choice = answer.choices[0] if answer.choices else Choice()
    logged = header.content_logged
    cut = header.total_bytes != len(raw)
    error = _error(header, answer, raw, cut=cut, logged=logged)
    content = texts.text("content", choice.content, context.content_max) if logged else None
    reasoning = texts.text("reasoning_content", choice.reasoning, context.reasoning_max) if logged else None
    record: Record = {
        "timestamp": timestamp(header.at_ns),
        "type": "response",
        "request_id": header.request_id,
        "session_id": header.session_id,
        "client": header.client,
        "provider": header.provider,
        "model": header.model,
        "origin": header.origin,
        "latency_ms": header.latency_us // 1000,
        "has_content": bool(choice.content),
        "has_tool_calls": bool(choice.tool_calls),
        "has_reasoning_content": bool(choice.reasoning),
        "content": content,
        "content_preview": None if content is None else content[:PREVIEW_CHARACTERS],
        "reasoning_content": reasoning,
        "reasoning_content_preview": None if reasoning is None else reasoning[:PREVIEW_CHARACTERS],
        "tool_calls": _calls(choice, texts, logged=logged),
        "tokens": answer.usage,
        "error": None if error is None else context.scrubber.scrub(error)[:ERROR_CHARACTERS],
    }
    if header.upstream_headers is not None:
        record["upstream_headers"] = header.upstream_headers
    if cut:
        texts.truncated.append("response_body")
    record |= {
        "endpoint": header.endpoint,
        "key": header.key,
        "status": header.status or None,
        "ttft_ms": None if header.ttft_us is None else header.ttft_us // 1000,
        "finish_reason": choice.finish_reason,
        "refusal": texts.text("refusal", choice.refusal) if logged else None,
        "choices": _choices(answer, texts, context) if logged and len(answer.choices) > 1 else None,
        "attempts": header.attempts,
        "attempt_log": list(header.attempt_log),
        "upstream_model": answer.model,
        "upstream_request_id": header.upstream_request_id,
        "completion_id": answer.id,
        "response_bytes": header.total_bytes,
        "response_sha256": None if cut or own else _sha256(raw),
        "content_logged": logged,
        "truncated": texts.truncated,
        "proxy_version": context.proxy_version,
        "host": context.host,
    }
    return record


def _calls(choice: Choice, texts: _Texts, *, logged: bool) -> list[Record] | None:
    if not choice.tool_calls:
        return None
    return [
        {
            "id": call.id,
            "name": call.name,
            "arguments": texts.text("tool_calls", call.arguments) if logged else None,
        }
        for call in choice.tool_calls
    ]


def _choices(answer: Answer, texts: _Texts, context: Context) -> list[Record]:
    return [
        {
            "index": choice.index,
            "content": texts.text("choices", choice.content, context.content_max),
            "reasoning_content": texts.text("choices", choice.reasoning, context.reasoning_max),
            "tool_calls": _calls(choice, texts, logged=True),
            "finish_reason": choice.finish_reason,
        }
        for choice in answer.choices
    ]


def _error(header: ResponseHeader, answer: Answer, raw: bytes, *, cut: bool, logged: bool) -> str | None:
    if header.error is not None:
        return header.error
    status = header.provider_status or 0
    if status >= 400:
        body, _ = decode(raw, header.content_encoding)
        return f"Provider returned {status}: {body.decode('utf-8', 'replace')[:BODY_CHARACTERS] if logged else ''}"
    if answer.error is not None:
        return f"Provider returned {status}: {answer.error[:BODY_CHARACTERS] if logged else ''}"
    if cut or status not in range(200, 300) or not header.endpoint.startswith(CHAT_ENDPOINTS):
        return None
    return _unfinished(answer)


def _unfinished(answer: Answer) -> str | None:
    if not answer.readable:
        return "the provider's answer is no JSON"
    return None if answer.ended else "the provider's stream ended without finish_reason or [DONE]"


def build_ended(header: RequestHeader, at_ns: int, context: Context) -> Record:
    """The response record of a call whose worker died."""
    ended = ResponseHeader(
        header.request_id,
        max(at_ns, header.at_ns),
        header.endpoint,
        header.provider,
        header.model,
        header.key,
        header.origin,
        header.client,
        header.session_id,
        error="worker ended",
        latency_us=max(0, at_ns - header.at_ns) // 1000,
        complete=False,
        content_logged=header.content_logged,
    )
    return build_response(Frame(ended, b""), context)


def encode(record: Record) -> bytes:
    """One compact JSON line without its newline; longer than 15 MiB, the longest texts are cut first."""
    line = _encode_safely(record)
    while len(line) > RECORD_BYTES:
        name = max((key for key, value in record.items() if isinstance(value, (str, list, dict))), key=_length(record))
        value = record[name]
        record[name] = value[: len(value) // 2] if isinstance(value, str) else None
        record.setdefault("truncated", [])
        if name not in record["truncated"]:
            record["truncated"] = [*as_list(record["truncated"]), name]
        line = _encode_safely(record)
    return line


def _length(record: Record) -> Callable[[str], int]:
    return lambda key: len(_encode_safely({key: record[key]}))


def _encode_safely(record: Record) -> bytes:
    try:
        return _encode(record)
    except UnicodeEncodeError:  # a lone surrogate: it has no UTF-8
        return _LONE.sub("\ufffd", json.dumps(record, ensure_ascii=False, separators=(",", ":"))).encode()


def cut_fields(record: Record, limit: int, keep: Iterable[str] = ("request_id", "timestamp", "origin")) -> Record:
    """A record for stdout beside a store: texts cut to ``limit`` characters (0: whole)."""
    if not limit:
        return record
    kept = frozenset(keep)
    return {
        key: value if key in kept or not isinstance(value, (str, list, dict)) else _cut(value, limit)
        for key, value in record.items()
    }


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else value[:limit] + "…"
    if isinstance(value, list):
        return [_cut(item, limit) for item in as_list(value)]
    if isinstance(value, dict):
        return {key: _cut(item, limit) for key, item in as_object(value).items()}
    return value
