"""What providers answer, as bytes: for the scripted upstream and for nginx."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

REASONS: Final = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many Requests"}
USAGE: Final = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
TOOL: Final = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look a place up",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
TOOL_CALL: Final = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"place":"Rome"}'},
}
ANTHROPIC_TOOL: Final = {
    "name": "look_up",
    "description": "Look a place up",
    "input_schema": TOOL["function"]["parameters"],  # type: ignore[index]
}


def answer(
    body: bytes, status: int = 200, headers: Mapping[str, str] = {}, content_type: str = "application/json"
) -> bytes:
    """A whole answer with its length."""
    lines = {"content-type": content_type, "content-length": str(len(body))} | dict(headers)
    return head(status, lines) + body


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n{lines}\r\n".encode()


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 section 7.1); of no data it is the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM_HEAD: Final = head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})


def event(value: Any, name: str | None = None) -> bytes:
    data = value if isinstance(value, bytes) else dump(value)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


def stream(events: Iterable[bytes]) -> list[bytes]:
    """A chunked event stream: its head, one chunk an event, the last chunk."""
    return [STREAM_HEAD, *(chunk(item) for item in events), chunk(b"")]


def chat(content: Any = "Hello, world", model: str = "m", **message: Any) -> dict[str, Any]:
    """A chat completion."""
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    base = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    return {**base, "choices": [choice], "usage": USAGE}


def chat_events(*deltas: Mapping[str, Any], finish: str | None = "stop", model: str = "m") -> list[bytes]:
    """The events of a streamed chat completion, usage and ``[DONE]`` included."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    parts = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    parts.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    parts.append({**base, "choices": [], "usage": USAGE})
    return [*map(event, parts), event(b"[DONE]")]


CONTENT_DELTAS: Final = ({"role": "assistant", "content": ""}, {"content": "Hello"}, {"content": ", world"})
TOOL_DELTAS: Final = (
    {"role": "assistant", "content": None},
    {"tool_calls": [{"index": 0, **TOOL_CALL, "function": {"name": "look_up", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"place":'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
)


def message(blocks: list[dict[str, Any]], stop: str) -> dict[str, Any]:
    """An answer of Anthropic's Messages API."""
    usage = {"input_tokens": 3, "output_tokens": 2}
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    return {**base, "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": usage}


def message_events(block: dict[str, Any], deltas: Iterable[dict[str, Any]], stop: str) -> list[bytes]:
    """The events of a streamed one."""
    values: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message([], stop), "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return [event(value, value["type"]) for value in values]


def openai_error(status: int, kind: str, text: str = "no") -> dict[str, Any]:
    return {"error": {"message": text, "type": kind, "code": str(status), "param": None}}
