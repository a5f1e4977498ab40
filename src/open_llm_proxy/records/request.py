"""A request's frame to its record, and in full mode to the records that many requests share."""

import hashlib
from collections.abc import Container
from typing import Final, NamedTuple

import msgspec

from open_llm_proxy.answers.api import Api, api_of
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.records.context import Context, Texts
from open_llm_proxy.records.conversation import Conversation, ToolResult, read_conversation
from open_llm_proxy.records.digest import sha256_of
from open_llm_proxy.records.fields import (
    Fields,
    count_items,
    first_byte,
    pack_fields,
    read_fields,
    unpack_fields,
    value_of,
)
from open_llm_proxy.records.full import DedupRecords, read_messages
from open_llm_proxy.records.identity import Identity, format_timestamp
from open_llm_proxy.records.multipart import read_form
from open_llm_proxy.records.omit import omit_binary
from open_llm_proxy.records.types import DedupRecord, RequestRecord, ToolResultRecord
from open_llm_proxy.spool.frame import Frame, RequestHeader

# `params` is every top-level field but these: they have fields of their own, or are the content itself. `user`,
# `stream` and `enable_thinking` stay in it where their value has another type than their own field can hold.
_OWN_FIELDS: Final = frozenset(("model", "messages", "input", "prompt", "system", "instructions", "tools"))
_TYPED_FIELDS: Final = {"user": (b'"',), "stream": (b"t", b"f"), "enable_thinking": (b"t", b"f", b"n")}
_BINARY_MIN_BYTES: Final = 512
_CUT_FIELDS: Final = ("user_question", "user_message_this_turn", "tool_results_this_turn", "params")


class BuiltRequest(NamedTuple):
    """A request's record, and those that are to be written once a UTC day (each with ``dedup_key`` of it)."""

    record: RequestRecord
    dedup: tuple[DedupRecord, ...] = ()


def build_request(frame: Frame, context: Context, known: Container[str] = ()) -> BuiltRequest:
    """The records of a request.

    Args:
        frame: A request's frame; a body that is no JSON gives a record without what would be read from it.
        context: How records are made.
        known: ``dedup_key``s of records that need not be built again (already written today).
    """
    header, body = frame
    assert isinstance(header, RequestHeader)
    texts = Texts(context.scrubber)
    whole = len(body) >= header.total_bytes
    api = api_of(header.endpoint)
    form = read_form(body, header.content_type) if header.content_type and b"\r\n" in body[:256] else None
    fields = None if form is not None else read_fields(body, whole=whole)
    record = _build_common(header, context, texts)
    if fields is not None:
        _fill(record, fields, api, context, texts)
    elif form is not None:
        _fill_form(record, form, texts)
    dedup: list[DedupRecord] = []
    if context.full and header.content_logged:
        dedup = _fill_full(record, fields or {}, api, texts, known)
    if whole:
        record.request_sha256 = hashlib.sha256(body).hexdigest()
    elif header.content_logged:
        for field in _CUT_FIELDS if record.messages is msgspec.UNSET else (*_CUT_FIELDS, "messages"):
            texts.note_cut(field)
    record.truncated = texts.truncated
    return BuiltRequest(record, tuple(dedup))


def _build_common(header: RequestHeader, context: Context, texts: Texts) -> RequestRecord:
    """The record as far as the frame's header gives it."""
    identity = Identity.of(header, texts.scrubber)
    return RequestRecord(
        timestamp=format_timestamp(header.at_ns),
        request_id=header.request_id,
        session_id=identity.session_id,
        client=identity.client,
        origin=identity.origin,
        provider=header.provider,
        model=identity.model,
        message_count=None,
        tools_count=None,
        enable_thinking=None,
        user_question=None,
        user_message_this_turn=None,
        tool_results_this_turn=None,
        endpoint=identity.endpoint,
        stream=None,
        key=header.key,
        request_bytes=header.total_bytes,
        client_request_id=texts.keep("client_request_id", header.client_request_id),
        params=None,
        system_sha256=None,
        tools_sha256=None,
        edits=list(header.edits),
        config_sha256=header.config_sha256,
        request_sha256=None,
        content_logged=header.content_logged,
        truncated=[],
        proxy_version=context.proxy_version,
        host=context.host,
    )


def _fill(record: RequestRecord, fields: Fields, api: Api, context: Context, texts: Texts) -> None:
    """Put in place what a JSON body says."""
    said = read_conversation(fields, api)
    record.message_count = said.message_count
    count = count_items(fields.get("tools"))
    record.tools_count = count if count is not None or said.message_count is None else 0
    record.stream = _flag(fields, "stream", absent=False)
    record.enable_thinking = _flag(fields, "enable_thinking", absent=None)
    if said.system is not None:
        record.system_sha256 = sha256_of(said.system)
    if count is not None:
        record.tools_sha256 = hashlib.sha256(fields["tools"]).hexdigest()
    if record.content_logged:
        _fill_texts(record, said, context, texts)
        record.params = texts.keep("params", _params(fields))


def _fill_full(
    record: RequestRecord, fields: Fields, api: Api, texts: Texts, known: Container[str]
) -> list[DedupRecord]:
    """Add the whole conversation; what many requests share becomes records of its own."""
    dedup = DedupRecords(record.timestamp, record.origin, texts.scrubber, known)
    record.messages = read_messages(fields, api, dedup, texts)
    if record.tools_sha256:
        dedup.add_tools(bytes(fields["tools"]), record.tools_sha256)
    return dedup.records


def _flag(fields: Fields, name: str, *, absent: bool | None) -> bool | None:
    """A boolean field as sent; None where it has another type."""
    if name not in fields:
        return absent
    value = value_of(fields[name])
    return value if isinstance(value, bool) else None


def _fill_texts(record: RequestRecord, said: Conversation, context: Context, texts: Texts) -> None:
    limit = context.user_question_max
    record.user_question = texts.keep("user_question", said.user_question, limit)
    if said.user_message is said.user_question:
        record.user_message_this_turn = record.user_question
        if "user_question" in texts.truncated:
            texts.note_cut("user_message_this_turn")
    else:
        record.user_message_this_turn = texts.keep("user_message_this_turn", said.user_message, limit)
    if said.tool_results:
        record.tool_results_this_turn = [_keep_result(result, context, texts) for result in said.tool_results]


def _keep_result(result: ToolResult, context: Context, texts: Texts) -> ToolResultRecord:
    content = texts.keep("tool_results_this_turn", result.content, context.tool_result_max)
    return ToolResultRecord(texts.keep("tool_results_this_turn", result.tool_call_id), content)


def _params(fields: Fields) -> str:
    kept = {
        name: raw
        for name, raw in fields.items()
        if name not in _OWN_FIELDS and not (name in _TYPED_FIELDS and first_byte(raw) in _TYPED_FIELDS[name])
    }
    text = pack_fields(kept)
    if len(text) < _BINARY_MIN_BYTES:
        return text
    try:
        values = unpack_fields(kept)
        lean = omit_binary(values)
        return text if lean == values else dump(lean)
    except RecursionError:
        return text


def _fill_form(record: RequestRecord, form: dict[str, object], texts: Texts) -> None:
    """Put in place what a multipart form says: its fields, its files' types and sizes."""
    record.stream = str(form.get("stream", "false")).lower() == "true"
    if record.content_logged:
        kept = {name: value for name, value in form.items() if name not in {"model", "stream", "user"}}
        record.params = texts.keep("params", dump(kept))
