"""Whole conversations, and what many of them share."""

import json

import pytest

from open_llm_proxy.records.context import Context
from open_llm_proxy.records.encode import encode
from open_llm_proxy.records.request import build_request

FULL = Context(capture_mode="full", secrets=("known-secret-value",))


def build(request_frame, body, endpoint="/v1/chat/completions", **fields):
    built = build_request(request_frame(body, endpoint=endpoint, **fields), FULL)
    return json.loads(encode(built.record)), [json.loads(encode(record)) for record in built.dedup]


def test_a_prompt_record_is_scrubbed_and_named_by_the_hash_of_what_was_sent(request_frame):
    body = {"messages": [{"role": "system", "content": "password='hunter2' known-secret-value"}]}
    record, (prompt,) = build(request_frame, body, origin="https://a.example.org")
    assert prompt == {
        "timestamp": record["timestamp"],
        "type": "system_prompt",
        "origin": "https://a.example.org",
        "system_sha256": record["system_sha256"],
        "content": "password='[REDACTED]' [REDACTED]",
    }
    assert list(prompt) == ["timestamp", "type", "origin", "system_sha256", "content"]


def test_a_tools_record_is_a_string_of_json(request_frame):
    record, (tools,) = build(request_frame, b'{"messages": [], "tools": [ {"api_key": "abc"} ]}')
    assert list(tools) == ["timestamp", "type", "origin", "tools_sha256", "tools"]
    assert tools["tools_sha256"] == record["tools_sha256"]
    assert json.loads(tools["tools"]) == [{"api_key": "[REDACTED]"}]


def test_each_of_several_prompts_has_its_record_once(request_frame):
    prompts = [{"role": role, "content": text} for role, text in (("system", "a"), ("developer", "b"), ("system", "a"))]
    record, shared = build(request_frame, {"messages": prompts})
    assert [prompt["content"] for prompt in shared] == ["a", "b"]
    assert [message["role"] for message in record["messages"]] == ["system", "developer", "system"]
    assert {tuple(message) for message in record["messages"]} == {("role", "system_sha256", "content_len", "_dedup")}
    assert record["system_sha256"] == shared[0]["system_sha256"]


@pytest.mark.parametrize(("endpoint", "field"), [("/v1/messages", "system"), ("/v1/responses", "instructions")])
def test_a_prompt_outside_the_messages_comes_first(request_frame, endpoint, field):
    items = {"messages": [{"role": "user", "content": "q"}], "input": [{"role": "user", "content": "q"}]}
    record, (prompt,) = build(request_frame, {field: "Be brief.", **items}, endpoint)
    assert record["messages"][0]["system_sha256"] == prompt["system_sha256"] == record["system_sha256"]
    assert record["messages"][1:] == [{"role": "user", "content": "q"}]


@pytest.mark.parametrize(("endpoint", "field"), [("/v1/responses", "input"), ("/v1/completions", "prompt")])
def test_a_bare_text_is_a_message_of_the_users(request_frame, endpoint, field):
    record, _ = build(request_frame, {field: "q"}, endpoint)
    assert record["messages"] == [{"role": "user", "content": "q"}]


def test_odd_messages_stay_as_they_are(request_frame):
    odd = [None, 3, "x", {"role": 5}, {"role": "system", "content": [{"type": "image_url"}]}, {"role": "system"}]
    record, shared = build(request_frame, {"messages": odd})
    assert (record["messages"], shared) == (odd, [])


def test_messages_are_scrubbed_at_any_depth(request_frame):
    arguments = json.dumps({"sql": "CREATE SECRET (KEY_ID 'a', SECRET 'b')", "nested": json.dumps({"token": "c"})})
    call = {"id": "t", "function": {"name": "f", "arguments": arguments}}
    record, _ = build(request_frame, {"messages": [{"role": "assistant", "tool_calls": [call], "api_key": "d"}]})
    (message,) = record["messages"]
    assert message["api_key"] == "[REDACTED]"
    kept = json.loads(message["tool_calls"][0]["function"]["arguments"])
    assert kept["sql"] == "CREATE SECRET (KEY_ID '[REDACTED]', SECRET '[REDACTED]')"
    assert json.loads(kept["nested"]) == {"token": "[REDACTED]"}


def test_messages_nested_beyond_reason_are_left_out(request_frame):
    deep = '{"messages": [{"role": "user", "content": ' + '{"a":' * 700 + "1" + "}" * 700 + "}]}"
    record, _ = build(request_frame, deep.encode())
    assert (record["messages"], record["truncated"], record["message_count"]) == (None, ["messages"], 1)
