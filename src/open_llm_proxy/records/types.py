"""The four records. Field order is the order of the line; each field keeps its JSON type for ever.

A field that does not apply is null; the two that may be absent altogether are ``UnsetType``.
"""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType


class ToolResultRecord(msgspec.Struct, gc=False):
    """What a tool gave."""

    tool_call_id: str | None
    content: str | None


class ToolCallRecord(msgspec.Struct, gc=False):
    """A tool call; ``arguments`` is the string that the model wrote."""

    id: str | None
    name: str | None
    arguments: str | None


class ChoiceRecord(msgspec.Struct, gc=False):
    """One of several choices."""

    index: int
    content: str | None
    reasoning_content: str | None
    tool_calls: list[ToolCallRecord] | None
    finish_reason: str | None


class RequestRecord(msgspec.Struct, kw_only=True, gc=False):
    """A call as it arrived: the fields that users of older logs know, ours after them."""

    timestamp: str
    type: Literal["request"] = "request"
    request_id: str
    session_id: str | None
    client: str | None
    origin: str | None
    provider: str
    model: str | None
    message_count: int | None
    tools_count: int | None
    enable_thinking: bool | None
    user_question: str | None
    user_message_this_turn: str | None
    tool_results_this_turn: list[ToolResultRecord] | None
    messages: list[Any] | UnsetType | None = UNSET

    endpoint: str
    stream: bool | None
    key: str
    request_bytes: int
    client_request_id: str | None
    params: str | None
    system_sha256: str | None
    tools_sha256: str | None
    edits: list[str]
    config_sha256: str | None
    request_sha256: str | None
    content_logged: bool
    truncated: list[str]
    proxy_version: str
    host: str


class ResponseRecord(msgspec.Struct, kw_only=True, gc=False):
    """How a call ended: the fields that users of older logs know, ours after them."""

    timestamp: str
    type: Literal["response"] = "response"
    request_id: str
    session_id: str | None
    client: str | None
    provider: str
    model: str | None
    origin: str | None
    latency_ms: int | None
    has_content: bool
    has_tool_calls: bool
    has_reasoning_content: bool
    content: str | None
    content_preview: str | None
    reasoning_content: str | None
    reasoning_content_preview: str | None
    tool_calls: list[ToolCallRecord] | None
    tokens: dict[str, Any] | None
    error: str | None
    upstream_headers: dict[str, str] | UnsetType = UNSET

    endpoint: str
    key: str
    status: int | None
    ttft_ms: int | None
    finish_reason: str | None
    refusal: str | None
    choices: list[ChoiceRecord] | None
    attempts: int
    attempt_log: list[str]
    upstream_model: str | None
    upstream_request_id: str | None
    completion_id: str | None
    response_bytes: int
    response_sha256: str | None
    content_logged: bool
    truncated: list[str]
    proxy_version: str
    host: str


class SystemPromptRecord(msgspec.Struct, kw_only=True, gc=False):
    """A system prompt that requests name by its hash (of the text before it was scrubbed)."""

    timestamp: str
    type: Literal["system_prompt"] = "system_prompt"
    origin: str | None
    system_sha256: str
    content: str


class ToolsRecord(msgspec.Struct, kw_only=True, gc=False):
    """The tools that requests name by their hash (of the value's bytes); ``tools`` is a string of JSON."""

    timestamp: str
    type: Literal["tools"] = "tools"
    origin: str | None
    tools_sha256: str
    tools: str


DedupRecord: TypeAlias = SystemPromptRecord | ToolsRecord
Record: TypeAlias = RequestRecord | ResponseRecord | DedupRecord
