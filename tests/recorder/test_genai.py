import pytest

from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.genai import Server, attributes_of, error_type_of, name_of, operation_of
from open_llm_proxy.records.build import Context, build_response
from open_llm_proxy.spool.frame import Frame

ANSWER = (
    b'{"id":"c-1","model":"m-2026","choices":[{"index":0,"message":{"content":"a secret answer"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":3,'
    b'"prompt_tokens_details":{"cached_tokens":8}}}'
)
EVENTS = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
SERVER = Server("api.example", 443)


def answered(kit, body=ANSWER, **fields):
    header = kit.response("0af7651916cd43dd8448eb211c80319c", **{"total_bytes": len(body), "attempts": 1, **fields})
    return Answered(header, build_response(Frame(header, body), Context()))


def test_a_plain_answer(kit):
    found = attributes_of(answered(kit, session_id="s-1", own_us=80, client="geo-agent/v3"), SERVER)
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "p",
        "gen_ai.request.model": "m",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.response.id": "c-1",
        "gen_ai.response.model": "m-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "server.address": "api.example",
        "server.port": 443,
        "url.path": "/v1/chat/completions",
        "http.response.status_code": 200,
        "open_llm_proxy.request_id": "0af7651916cd43dd8448eb211c80319c",
        "open_llm_proxy.key": "default",
        "open_llm_proxy.client": "geo-agent/v3",
        "open_llm_proxy.attempts": 1,
        "open_llm_proxy.own_us": 80,
    }


def test_a_stream_has_its_first_chunk(kit):
    found = attributes_of(answered(kit, EVENTS, content_type="text/event-stream", ttft_us=1_500_000), SERVER)
    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.response.time_to_first_chunk"] == 1.5


def test_several_choices_have_several_reasons(kit):
    body = b'{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},{"index":1,"message":{"content":"b"},"finish_reason":"length"}]}'
    assert attributes_of(answered(kit, body), None)["gen_ai.response.finish_reasons"] == ("stop", "length")


@pytest.mark.parametrize(
    ("fields", "error_type"),
    [
        ({}, None),
        ({"status": 429, "provider_status": 429}, "429"),
        ({"status": 500, "provider_status": 500}, "500"),
        ({"status": 504, "provider_status": None, "error": "Request timed out after 5ms"}, "timeout"),
        ({"status": 0, "error": "Client disconnected/cancelled after 5ms", "complete": False}, "client_gone"),
    ],
)
def test_error_type(kit, fields, error_type):
    one = answered(kit, **fields)
    assert error_type_of(one) == error_type
    assert attributes_of(one, None).get("error.type") == error_type


def test_no_text_is_in_any_attribute(kit):
    body = b'{"error":{"message":"you said: a secret question"}}'
    one = answered(kit, body, status=400, provider_status=400, error=None)
    assert "secret" in one.record.error
    assert "secret" not in repr(attributes_of(one, SERVER))
    assert "secret" not in repr(attributes_of(answered(kit), SERVER))


@pytest.mark.parametrize("usage", [b'{"prompt_tokens":-1}', b'{"prompt_tokens":1e300}', b'"none"'])
def test_counts_that_are_none_are_left_out(kit, usage):
    found = attributes_of(answered(kit, ANSWER[: ANSWER.index(b'{"prompt_tokens')] + usage + b"}"), None)
    assert "gen_ai.usage.input_tokens" not in found


def test_a_call_that_was_refused_was_at_no_server(kit):
    refusal = {"status": 400, "provider_status": None, "error": "Unknown model 'm'.", "attempts": 0}
    found = attributes_of(answered(kit, b"", **refusal), None)
    assert found["error.type"] == "refused"
    assert not {"server.address", "server.port", "open_llm_proxy.own_us", "gen_ai.response.model"} & found.keys()


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/chat", "chat"),
        ("/v1/messages?beta=true", "chat"),
        ("/v1/responses", "chat"),
        ("/v1/completions", "text_completion"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/images/generations", "generate_content"),
    ],
)
def test_operations(endpoint, operation):
    assert operation_of(endpoint) == operation


def test_names(kit):
    assert name_of(answered(kit)) == "chat m"
    one = answered(kit)
    one.record.model = None
    assert name_of(one) == "chat"


@pytest.mark.parametrize(
    ("endpoint", "server"),
    [
        ("https://api.example/v1/chat/completions", ("api.example", 443)),
        ("http://up:8080/v1", ("up", 8080)),
        ("http://[::1]/v1", ("::1", 80)),
    ],
)
def test_servers(endpoint, server):
    assert Server.of(endpoint) == server
