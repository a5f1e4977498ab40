"""Frames to records, field by field as LOGGING.md has them."""

import hashlib
import json

import pytest

from open_llm_proxy.records.build import (
    Context,
    build_ended,
    build_request,
    build_response,
    encode,
)
from open_llm_proxy.spool.frame import Frame, RequestHeader, ResponseHeader

NOW_NS = 1_790_000_000_123_456_789
REQUEST_ID = "18eaeffcf63aa56c98ccfc2112caf76c"
SECRETS = ("sk-known-key",)
CONTEXT = Context(secrets=SECRETS, host="h", proxy_version="1")
REQUEST_FIELDS = [
    "timestamp",
    "type",
    "request_id",
    "session_id",
    "client",
    "origin",
    "provider",
    "model",
    "message_count",
    "tools_count",
    "enable_thinking",
    "user_question",
    "user_message_this_turn",
    "tool_results_this_turn",
    "endpoint",
    "stream",
    "key",
    "request_bytes",
    "client_request_id",
    "params",
    "system_sha256",
    "tools_sha256",
    "edits",
    "config_sha256",
    "request_sha256",
    "content_logged",
    "truncated",
    "proxy_version",
    "host",
]
RESPONSE_FIELDS = [
    "timestamp",
    "type",
    "request_id",
    "session_id",
    "client",
    "provider",
    "model",
    "origin",
    "latency_ms",
    "has_content",
    "has_tool_calls",
    "has_reasoning_content",
    "content",
    "content_preview",
    "reasoning_content",
    "reasoning_content_preview",
    "tool_calls",
    "tokens",
    "error",
    "endpoint",
    "key",
    "status",
    "ttft_ms",
    "finish_reason",
    "refusal",
    "choices",
    "attempts",
    "attempt_log",
    "upstream_model",
    "upstream_request_id",
    "completion_id",
    "response_bytes",
    "response_sha256",
    "content_logged",
    "truncated",
    "proxy_version",
    "host",
]


def request(body, context=CONTEXT, **fields):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    header = {"total_bytes": len(raw), "origin": "https://app.example.org", "client": "c/1", "session_id": "s"} | fields
    built = build_request(
        Frame(RequestHeader(REQUEST_ID, NOW_NS, "/v1/chat/completions", "nrp", "kimi", "default", **header), raw),
        context,
    )
    return [json.loads(encode(record)) for record in (built.record, *built.dedup)]


def response(body, context=CONTEXT, **fields):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    header = {
        "status": 200,
        "provider_status": 200,
        "content_type": "application/json",
        "total_bytes": len(raw),
    } | fields
    record = build_response(
        Frame(ResponseHeader(REQUEST_ID, NOW_NS, "/v1/chat/completions", "nrp", "kimi", "default", **header), raw),
        context,
    )
    return json.loads(encode(record))


CHAT = {
    "model": "kimi",
    "temperature": 0,
    "stream": False,
    "messages": [
        {"role": "system", "content": "be nice"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "tool_calls": [{"id": "t1"}]},
        {"role": "tool", "tool_call_id": "t1", "content": "rows"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "last"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
    ],
    "tools": [{"type": "function", "function": {"name": "q"}}],
}


def test_a_request_has_its_fields_in_order():
    (record,) = request(CHAT)
    assert list(record) == REQUEST_FIELDS
    assert record["timestamp"] == "2026-09-21T14:13:20.123456Z"
    assert (record["message_count"], record["tools_count"], record["stream"]) == (5, 1, False)
    assert (record["user_question"], record["user_message_this_turn"]) == ("first", "last")
    assert record["tool_results_this_turn"] == [{"tool_call_id": "t1", "content": "rows"}]
    assert json.loads(record["params"]) == {"temperature": 0}
    assert record["system_sha256"] == hashlib.sha256(b"be nice").hexdigest()
    raw = json.dumps(CHAT).encode()
    assert record["request_sha256"] == hashlib.sha256(raw).hexdigest()
    assert record["tools_sha256"] == hashlib.sha256(json.dumps(CHAT["tools"]).encode()).hexdigest()


def test_full_mode_keeps_messages_and_writes_prompt_and_tools_apart():
    full = Context(secrets=SECRETS, capture_mode="full")
    record, prompt, tools = request(CHAT, full)
    assert record["messages"][0] == {
        "role": "system",
        "system_sha256": record["system_sha256"],
        "content_len": 7,
        "_dedup": True,
    }
    assert list(prompt) == ["timestamp", "type", "origin", "system_sha256", "content"]
    assert prompt["content"] == "be nice"
    assert json.loads(tools["tools"]) == CHAT["tools"]


def test_inline_audio_is_left_out_of_messages():
    audio = {"type": "input_audio", "input_audio": {"data": "QUJD" * 100, "format": "wav"}}
    full = Context(secrets=SECRETS, capture_mode="full")
    record = request({"model": "m", "messages": [{"role": "user", "content": [audio]}]}, full)[0]
    kept = record["messages"][0]["content"][0]["input_audio"]["data"]
    assert (kept["omitted"], kept["bytes"]) == ("audio/wav", 300)


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[1]", b'{"messages": null}', b'{"messages": [1, null, {"role": 3}]}']
)
def test_any_request_gives_a_record(body):
    assert list(request(body)[0]) == REQUEST_FIELDS


def test_a_lone_surrogate_does_not_break_the_line():
    (record,) = request(b'{"model": "m", "messages": [{"role": "user", "content": "cut \\ud83d"}]}')
    assert record["user_question"] == "cut \ufffd"


def test_caps_name_what_was_cut():
    short = Context(secrets=SECRETS, user_question_max=3, content_max=2)
    assert request(CHAT, short)[0]["truncated"] == ["user_question", "user_message_this_turn"]
    record = response({"choices": [{"message": {"content": "abcdef"}}]}, short)
    assert (record["content"], record["truncated"]) == ("ab", ["content"])


def test_a_response_has_its_fields_in_order():
    body = {
        "id": "cmpl",
        "model": "kimi-k2",
        "choices": [{"message": {"content": "hi", "reasoning": "hm"}, "finish_reason": "stop"}],
        "usage": {"total_tokens": 3, "cost": 0.1},
    }
    record = response(body, latency_us=1_234_567, ttft_us=9_999, upstream_request_id="u", attempts=1)
    assert list(record) == RESPONSE_FIELDS
    assert (record["latency_ms"], record["ttft_ms"], record["status"]) == (1234, 9, 200)
    assert (record["content"], record["reasoning_content"], record["finish_reason"]) == ("hi", "hm", "stop")
    assert record["tokens"] == {"total_tokens": 3, "cost": 0.1}
    assert (record["upstream_model"], record["completion_id"], record["error"]) == ("kimi-k2", "cmpl", None)


def test_a_provider_error_is_told_with_its_headers():
    record = response(b'{"error": "slow down"}', status=429, provider_status=429, upstream_headers={"retry-after": "3"})
    assert record["error"] == 'Provider returned 429: {"error": "slow down"}'
    assert record["upstream_headers"] == {"retry-after": "3"}


def test_a_200_whose_body_is_an_error_is_an_error():
    assert response({"error": {"message": "no"}})["error"].startswith("Provider returned 200: ")


def test_a_stream_that_ends_early_is_an_error_but_a_cut_capture_is_none():
    body = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
    early = response(body, content_type="text/event-stream")
    assert (early["content"], early["error"]) == (
        "a",
        "Provider returned 200: stream ended without finish_reason or [DONE]",
    )
    cut = response(body, content_type="text/event-stream", total_bytes=10_000_000)
    assert (cut["error"], cut["response_sha256"]) == (None, None)
    assert "content" in cut["truncated"]


def test_several_choices_are_listed():
    body = {"choices": [{"message": {"content": "a"}}, {"index": 1, "message": {"content": "b"}}]}
    assert [choice["content"] for choice in response(body)["choices"]] == ["a", "b"]
    assert response({"choices": [{"message": {"content": "a"}}]})["choices"] is None


def test_texts_are_kept_out_where_the_caller_asks():
    (asked,) = request(CHAT, content_logged=False)
    assert [
        asked[name] for name in ("user_question", "user_message_this_turn", "tool_results_this_turn", "params")
    ] == [None] * 4
    call = {"id": "t", "function": {"name": "q", "arguments": "{}"}}
    told = response({"choices": [{"message": {"content": "x", "tool_calls": [call]}}]}, content_logged=False)
    assert (told["content"], told["has_content"]) == (None, True)
    assert told["tool_calls"] == [{"id": "t", "name": "q", "arguments": None}]
    error = response(b"secret text", status=500, provider_status=500, content_logged=False)["error"]
    assert error.startswith("Provider returned 500")
    assert "secret" not in error


def test_secrets_are_scrubbed_before_the_cap():
    short = Context(secrets=SECRETS, user_question_max=12)
    (record,) = request({"model": "m", "messages": [{"role": "user", "content": "xxxxx sk-known-key tail"}]}, short)
    assert "sk-kno" not in record["user_question"]


def test_a_call_whose_worker_died_gets_a_response():
    header = RequestHeader(REQUEST_ID, NOW_NS, "/v1/chat/completions", "nrp", "kimi", "default", session_id="s")
    record = json.loads(encode(build_ended(header, NOW_NS + 5_000_000, CONTEXT)))
    assert list(record) == RESPONSE_FIELDS
    assert (record["error"], record["latency_ms"], record["session_id"], record["status"]) == (
        "worker ended",
        None,
        "s",
        None,
    )


def test_no_record_is_longer_than_the_limit():
    (record,) = request(
        {"model": "m", "messages": [{"role": "user", "content": "x" * (20 << 20)}]},
        Context(secrets=SECRETS, user_question_max=0),
    )
    assert len(json.dumps(record, separators=(",", ":"))) <= 15 << 20
    assert "user_question" in record["truncated"]
