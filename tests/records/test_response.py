"""Answers' records: whatever the API, the coding, the end."""

import gzip
import hashlib
import json
import sys
import zlib

import brotli
import msgspec
import pytest
import zstandard

from open_llm_proxy.records.context import Context
from open_llm_proxy.records.encode import encode
from open_llm_proxy.records.response import build_ended
from open_llm_proxy.spool.frame import RequestHeader

SECRET = "sk-live-4f6a9c2e8b1d7035"
STREAM = "text/event-stream; charset=utf-8"
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "cost": 0.001}
CALL = {"id": "call_1", "type": "function", "function": {"name": "query", "arguments": '{"sql": "SELECT 1"}'}}
MESSAGE = {"role": "assistant", "content": "Fifty.", "reasoning_content": "They ask.", "tool_calls": [CALL]}
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "kimi-k2-0905",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls"}],
    "usage": USAGE,
}


def events(*chunks, done=True) -> bytes:
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return body + b"data: [DONE]\n\n" if done else body


def chunk(delta, finish_reason=None, index=0):
    choices = [{"index": index, "delta": delta, "finish_reason": finish_reason}]
    return {"id": "chatcmpl-1", "model": "kimi-k2-0905", "choices": choices}


STREAMED = events(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "They "}),
    chunk({"reasoning_content": "ask."}),
    chunk({"content": "Fif"}),
    chunk({"content": "ty."}),
    chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "query", "arguments": '{"sql": '}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"SELECT 1"}'}}]}),
    chunk({}, "tool_calls"),
    {"id": "chatcmpl-1", "model": "kimi-k2-0905", "choices": [], "usage": USAGE},
)


def test_a_plain_answer(read_response):
    body = json.dumps(ANSWER).encode()
    record = read_response(
        body,
        origin="https://geo.example.org",
        client="geo-agent/v3.13.1",
        session_id="s-1",
        latency_us=1_234_999,
        ttft_us=250_400,
        upstream_request_id="req-9",
        attempt_log=("nrp: connection closed",),
        attempts=2,
        context={"host": "pod-1", "proxy_version": "1.2.3"},
    )
    assert record == {
        "timestamp": "2026-09-21T14:13:20.123456Z",
        "type": "response",
        "request_id": "18eaeffcf63aa56c98ccfc2112caf76c",
        "session_id": "s-1",
        "client": "geo-agent/v3.13.1",
        "provider": "nrp",
        "model": "kimi",
        "origin": "https://geo.example.org",
        "latency_ms": 1234,
        "has_content": True,
        "has_tool_calls": True,
        "has_reasoning_content": True,
        "content": "Fifty.",
        "content_preview": "Fifty.",
        "reasoning_content": "They ask.",
        "reasoning_content_preview": "They ask.",
        "tool_calls": [{"id": "call_1", "name": "query", "arguments": '{"sql": "SELECT 1"}'}],
        "tokens": USAGE,
        "error": None,
        "endpoint": "/v1/chat/completions",
        "key": "default",
        "status": 200,
        "ttft_ms": 250,
        "finish_reason": "tool_calls",
        "refusal": None,
        "choices": None,
        "attempts": 2,
        "attempt_log": ["nrp: connection closed"],
        "upstream_model": "kimi-k2-0905",
        "upstream_request_id": "req-9",
        "completion_id": "chatcmpl-1",
        "response_bytes": len(body),
        "response_sha256": hashlib.sha256(body).hexdigest(),
        "content_logged": True,
        "truncated": [],
        "proxy_version": "1.2.3",
        "host": "pod-1",
    }


def test_a_streamed_answer_yields_the_record_of_the_plain_one(read_response):
    plain, streamed = read_response(ANSWER), read_response(STREAMED, content_type=STREAM)
    differ = {name for name in plain if plain[name] != streamed[name]}
    assert differ == {"response_bytes", "response_sha256"}


def deflate_raw(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


@pytest.mark.parametrize(
    ("coding", "encode_body"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", deflate_raw),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    ],
)
def test_compressed_answers_are_read(read_response, coding, encode_body):
    for body, kind in ((json.dumps(ANSWER).encode(), "application/json"), (STREAMED, STREAM)):
        packed = encode_body(body)
        record = read_response(packed, content_encoding=coding, content_type=kind)
        assert (record["content"], record["error"], record["tokens"]) == ("Fifty.", None, USAGE)
        assert record["response_sha256"] == hashlib.sha256(packed).hexdigest()
        assert record["response_bytes"] == len(packed)


def test_a_compressed_stream_that_breaks_off_gives_what_could_be_read(read_response):
    packed = gzip.compress(events(*[chunk({"content": f"{place} "}) for place in range(2000)], done=False))[:-2000]
    record = read_response(packed, content_encoding="gzip", content_type=STREAM, complete=False)
    assert record["content"].startswith("0 1 2 3 ")
    assert record["error"] == f"Provider returned 200: answer broken off after {len(packed)} bytes"


def test_several_choices(read_response):
    choices = [
        {"index": 0, "message": {"content": "a", "reasoning": "r"}, "finish_reason": "stop"},
        {"index": 1, "message": {"content": None, "tool_calls": [CALL]}, "finish_reason": "tool_calls"},
    ]
    record = read_response({"choices": choices})
    call = {"id": "call_1", "name": "query", "arguments": '{"sql": "SELECT 1"}'}
    assert record["choices"] == [
        {"index": 0, "content": "a", "reasoning_content": "r", "tool_calls": None, "finish_reason": "stop"},
        {"index": 1, "content": None, "reasoning_content": None, "tool_calls": [call], "finish_reason": "tool_calls"},
    ]
    assert (record["content"], record["finish_reason"], record["has_tool_calls"]) == ("a", "stop", False)


def test_a_refusal(read_response):
    record = read_response(
        {"choices": [{"message": {"content": None, "refusal": "I can't."}, "finish_reason": "stop"}]}
    )
    assert (record["refusal"], record["content"], record["has_content"], record["error"]) == (
        "I can't.",
        None,
        False,
        None,
    )


def test_responses_and_messages_fill_the_same_fields(read_response):
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "They ask."}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Fifty."}]},
        {"type": "function_call", "call_id": "call_1", "name": "query", "arguments": '{"sql":"SELECT 1"}'},
    ]
    blocks = [
        {"type": "thinking", "thinking": "They ask.", "signature": "x"},
        {"type": "text", "text": "Fifty."},
        {"type": "tool_use", "id": "call_1", "name": "query", "input": {"sql": "SELECT 1"}},
    ]
    usage = {"input_tokens": 9, "output_tokens": 3}
    by_responses = read_response(
        {"id": "r", "model": "m", "status": "completed", "output": output, "usage": usage}, endpoint="/v1/responses"
    )
    by_messages = read_response(
        {"id": "r", "model": "m", "stop_reason": "tool_use", "content": blocks, "usage": usage}, endpoint="/v1/messages"
    )
    same = (
        "content",
        "reasoning_content",
        "tool_calls",
        "tokens",
        "completion_id",
        "upstream_model",
        "error",
        "has_content",
    )
    assert {name: by_responses[name] for name in same} == {name: by_messages[name] for name in same}
    assert by_messages["content"] == "Fifty."
    assert by_messages["tool_calls"] == [{"id": "call_1", "name": "query", "arguments": '{"sql":"SELECT 1"}'}]
    assert (by_responses["finish_reason"], by_messages["finish_reason"]) == ("completed", "tool_use")


def test_embeddings_give_the_common_fields(read_response):
    body = {
        "object": "list",
        "model": "e5",
        "data": [{"embedding": [0.1] * 9}],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
    record = read_response(body, endpoint="/v1/embeddings")
    assert (record["upstream_model"], record["tokens"]["total_tokens"], record["error"]) == ("e5", 4, None)
    assert (record["content"], record["has_content"], record["finish_reason"]) == (None, False, None)


@pytest.mark.parametrize("kind", ["audio/mpeg", "image/png", "application/octet-stream"])
def test_sound_and_pictures_give_size_and_media_type_never_their_bytes(read_response, kind):
    data = bytes(range(256)) * 3
    record = read_response(data, endpoint="/v1/audio/speech", content_type=kind)
    assert json.loads(record["content"]) == {"omitted": kind, "bytes": 768, "sha256": hashlib.sha256(data).hexdigest()}
    assert (record["has_content"], record["error"], record["response_bytes"]) == (False, None, 768)
    assert read_response(data, endpoint="/v1/audio/speech", content_type=kind, content_logged=False)["content"] is None


def test_pictures_in_json_are_not_kept(read_response):
    record = read_response({"created": 1, "data": [{"b64_json": "QUJD" * 500}]}, endpoint="/v1/images/generations")
    assert "QUJD" not in json.dumps(record)
    assert (record["content"], record["error"]) == (None, None)


def test_a_client_that_left_leaves_what_arrived(read_response):
    body = events(chunk({"content": "Fif"}), chunk({"tool_calls": [CALL | {"index": 0}]}), done=False)
    left = "Client disconnected/cancelled after 812ms while the answer was sent"
    record = read_response(body, content_type=STREAM, complete=False, error=left)
    assert (record["content"], record["error"], record["has_tool_calls"]) == ("Fif", left, True)


def test_a_plain_answer_that_breaks_off_leaves_what_arrived(read_response):
    body = json.dumps(ANSWER).encode()[:130]
    record = read_response(body, complete=False)
    assert record["completion_id"] == "chatcmpl-1"
    assert record["error"] == "Provider returned 200: answer broken off after 130 bytes"


def test_a_refused_call(read_response):
    refusal = "Unknown model 'gpt-9'. Models served: kimi"
    record = read_response({"error": {"message": refusal}}, status=400, provider_status=None, error=refusal, attempts=0)
    assert (record["error"], record["status"], record["attempts"]) == (refusal, 400, 0)
    assert (record["response_sha256"], record["content"], record["has_content"]) == (None, None, False)
    assert "upstream_headers" not in record


def test_a_client_that_was_sent_nothing_has_no_status(read_response):
    assert (
        read_response(b"", status=0, provider_status=None, error="Client disconnected/cancelled after 3ms")["status"]
        is None
    )


def test_a_providers_error_tells_its_headers(read_response):
    headers = {"retry-after": "3", "x-ratelimit-remaining": "0", "set-cookie": "a=b", "x-request-id": f"r {SECRET}"}
    record = read_response(
        b'{"error": "slow down"}', status=429, upstream_headers=headers, context={"secrets": (SECRET,)}
    )
    assert record["error"] == 'Provider returned 429: {"error": "slow down"}'
    assert record["upstream_headers"] == {
        "retry-after": "3",
        "x-ratelimit-remaining": "0",
        "x-request-id": "r [REDACTED]",
    }
    assert list(record).index("upstream_headers") == list(record).index("error") + 1


def test_a_capture_that_was_cut_names_what_it_cannot_hold(read_response):
    body = events(chunk({"content": "Fif"}), done=False) + b'data: {"choices": [{"de'
    record = read_response(body, content_type=STREAM, total_bytes=9_000_000)
    assert (record["content"], record["error"], record["response_sha256"]) == ("Fif", None, None)
    assert record["truncated"] == ["content", "reasoning_content", "tool_calls", "tokens"]
    assert record["response_bytes"] == 9_000_000
    assert read_response(b"", total_bytes=9_000_000)["error"] is None


def test_caps_and_what_was_cut(read_response):
    choice = {"message": {"content": "c" * 900, "reasoning_content": "r" * 900}, "finish_reason": "stop"}
    record = read_response(
        {"choices": [choice, choice | {"index": 1}]}, context={"content_max": 400, "reasoning_max": 300}
    )
    assert (record["content"], record["reasoning_content"]) == ("c" * 400, "r" * 300)
    assert (record["content_preview"], record["reasoning_content_preview"]) == ("c" * 200, "r" * 200)
    assert [len(item["content"]) for item in record["choices"]] == [400, 400]
    assert record["truncated"] == ["content", "reasoning_content", "choices"]
    assert read_response({"choices": [choice]}, context={"reasoning_max": 0})["truncated"] == []


def test_without_content_only_counts_names_and_tokens_stay(read_response):
    both = {"choices": [ANSWER["choices"][0], {"index": 1, "message": {"content": "b", "refusal": "no"}}]}
    body = json.dumps(ANSWER | both).encode()
    kept, whole = read_response(body, content_logged=False), read_response(body)
    gone = {
        "content",
        "content_preview",
        "reasoning_content",
        "reasoning_content_preview",
        "choices",
        "tool_calls",
        "content_logged",
    }
    assert {name for name in whole if kept[name] != whole[name]} == gone
    assert kept["tool_calls"] == [{"id": "call_1", "name": "query", "arguments": None}]
    assert [kept[name] for name in gone - {"tool_calls", "content_logged"}] == [None] * 5


def test_secrets_are_scrubbed_from_every_field(read_response):
    call = {
        "id": SECRET,
        "function": {"name": SECRET, "arguments": json.dumps({"q": SECRET, "deep": json.dumps({"token": "t-9"})})},
    }
    message = {"content": f"c {SECRET}", "reasoning": f"r {SECRET}", "refusal": f"f {SECRET}", "tool_calls": [call]}
    body = {
        "id": SECRET,
        "model": f"m {SECRET}",
        "choices": [{"message": message, "finish_reason": f"x {SECRET}"}, {"index": 1, "message": message}],
        "usage": {"total_tokens": 3, "note": SECRET, SECRET: 1},
    }
    fields = ("origin", "client", "session_id", "upstream_request_id")
    record = read_response(
        body,
        context={"secrets": (SECRET,)},
        endpoint=f"/v1/chat/completions?api_key={SECRET}",
        attempt_log=(f"tried {SECRET}",),
        error=f"boom {SECRET}",
        **dict.fromkeys(fields, SECRET),
    )
    line = json.dumps(record)
    assert SECRET not in line
    assert "t-9" not in line
    assert (record["tokens"]["total_tokens"], record["error"]) == (3, "boom [REDACTED]")


def test_the_error_of_a_worker_that_ended():
    header = RequestHeader(
        "ab" * 16, 5_000, "/v1/chat/completions", "nrp", "kimi", "team", "https://a", "c/1", "s", content_logged=False
    )
    record = json.loads(encode(build_ended(header, 1_790_000_000_000_000_000, Context(host="h"))))
    assert record["error"] == "worker ended"
    assert record["timestamp"] == "2026-09-21T14:13:20.000000Z"
    same = ("request_id", "provider", "model", "key", "origin", "client", "session_id", "content_logged")
    assert [record[name] for name in same] == ["ab" * 16, "nrp", "kimi", "team", "https://a", "c/1", "s", False]
    nothing = ("status", "latency_ms", "ttft_ms", "tokens", "content", "response_sha256", "tool_calls")
    assert [record[name] for name in nothing] == [None] * 7


def test_an_end_is_never_before_its_beginning():
    header = RequestHeader("ab" * 16, 1_790_000_000_000_000_000, "/chat", "nrp", "kimi", "default")
    assert build_ended(header, 5, Context()).timestamp == "2026-09-21T14:13:20.000000Z"


@pytest.mark.parametrize("status", [200, 500, None])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b'"x"', b"\xff", b"data: x\n\n", b'{"choices": 3, "usage": [], "id": {}}']
)
def test_any_answer_gives_all_fields(read_response, response_frame, body, status):
    for kind in ("application/json", STREAM, "text/plain", None):
        record = read_response(body, provider_status=status, content_type=kind)
        fields = type(msgspec.convert(record, dict)) and list(record)
        assert len(fields) == 37


def test_usage_nested_deeper_than_it_can_be_scrubbed_is_left_out_and_the_rest_stays(read_response):
    # So deep that the parser takes it and Python's recursion does not; from 3.12 on each has a limit of its own.
    depth = 900 if sys.version_info < (3, 12) else 1200
    usage = f'{{"total_tokens": 3, "deep": {"[" * depth}"{SECRET}"{"]" * depth}}}'
    body = f'{{"id": "c", "choices": [{{"message": {{"content": "x"}}}}], "usage": {usage}}}'.encode()
    record = read_response(body, context={"secrets": (SECRET,)})
    assert (record["tokens"], record["content"], record["completion_id"]) == (None, "x", "c")
    assert record["truncated"] == ["tokens"]
