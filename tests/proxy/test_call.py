"""A call's way in: what goes upstream, and what is refused."""

import msgspec
import pytest

CHAT = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


def test_a_plain_call_goes_there_and_back(rig, hex_id):
    answer, sent = rig.exchange(rig.request(CHAT), rig.answer(b'{"id":"chatcmpl-1"}'))
    assert sent.start == b"POST /v1/chat/completions HTTP/1.1"
    assert sent.body == CHAT
    assert sent.header("content-length") == str(len(CHAT))
    assert answer.start == b"HTTP/1.1 200 OK"
    assert answer.body == b'{"id":"chatcmpl-1"}'
    assert hex_id.fullmatch(answer.header("x-llm-request-id"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m"}',
        b' {\t"messages" : [ ] ,\n"model":"m" , "seed" : 1.50, "x":"\\u00e9" }\r\n',
        '{"model":"m","content":"é😀"}'.encode(),
        b'\xef\xbb\xbf{"model":"m"}',
        b'{"model":"m","cut":"\\ud83d","n":NaN}',
        b'{"model":"m","a":1,"a":2}',
        rb'{"\u006dodel":"\u006d"}',
        b'{"model":"m","user":1e999}',
        b'{"model":"m","user":"\\ud83d"}',
        b'{"model":"m","text":"' + b"x" * 300_000 + b'"}',
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat", "/v1/embeddings", "/v1/messages"])
def test_a_body_that_no_edit_concerns_goes_as_it_came(rig, body, path):
    _, sent = rig.exchange(rig.request(body, path=path))
    assert sent.body == body
    assert rig.record()[0].edits == ()


def test_a_chunked_request_goes_with_its_length(rig):
    head = rig.request(b"", content_length=None, transfer_encoding="chunked")
    _, sent = rig.exchange(head + rig.frame(CHAT[:10]) + rig.frame(CHAT[10:]) + b"0\r\n\r\n")
    assert sent.body == CHAT
    assert sent.header("transfer-encoding") is None


def test_an_edited_body_changes_its_own_keys_only(start):
    rig = start(
        providers={"alpha": {"models": ["m"], "drop_params": ["user"]}}, snapshot={"cache_salts": {"alpha": "s"}}
    )
    _, sent = rig.exchange(rig.request(b'{ "model":"m", "user" : "u","x": 1.0 }'))
    assert sent.body == b'{ "model":"m","x": 1.0,"cache_salt":"s" }'
    assert sent.header("content-length") == str(len(sent.body))
    request, _ = rig.call()
    assert request.header.edits == ("drop_params", "cache_salt")
    assert request.body == b'{ "model":"m", "user" : "u","x": 1.0 }', "the record shows what the caller sent"
    assert request.header.session_id == "u"


def test_a_known_callers_body_is_edited_too(start):
    rig = start(providers={"alpha": {"models": ["m"], "drop_params": ["store"], "log_content": False}})
    client, wire = rig.warm()
    for raw, expected in (
        (b'{"model":"m","n":1}', b'{"model":"m","n":1}'),
        (b'{"model":"m","store":1}', b'{"model":"m"}'),
        (b'{"model":"m","enable_thinking":null,"n":2}', b'{"model":"m","n":2}'),
    ):
        client.send(rig.request(raw))
        assert wire.receive().body == expected
        wire.send(rig.answer())
        client.receive()
        assert not any(header.content_logged for header in rig.record())


def test_only_chat_completions_get_the_salt(start):
    rig = start(snapshot={"cache_salts": {"alpha": "s"}})
    assert rig.exchange(rig.request(path="/v1/embeddings"))[1].body == b'{"model":"m"}'
    assert rig.exchange(rig.request(path="/chat"))[1].body == b'{"model":"m","cache_salt":"s"}'


def test_thinking_that_the_model_has_not_is_dropped_and_named(rig):
    _, sent = rig.exchange(rig.request(b'{"model":"m","enable_thinking":true}'))
    assert sent.body == b'{"model":"m"}'
    request, _ = rig.call()
    assert request.header.edits == ("thinking_dropped",)
    assert b"enable_thinking" in request.body


FORM = (
    b'--b\r\ncontent-disposition: form-data; name="user"\r\n\r\nu\r\n'
    b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n'
)


def test_a_form_is_routed_by_its_model_and_never_edited(start):
    rig = start(
        providers={"alpha": {"models": ["m"], "drop_params": ["user"]}}, snapshot={"cache_salts": {"alpha": "s"}}
    )
    kind = "multipart/form-data; boundary=b"
    for _ in range(2):
        _, sent = rig.exchange(rig.request(FORM, path="/v1/audio/transcriptions", content_type=kind))
        assert sent.body == FORM
        assert sent.target == b"/v1/audio/transcriptions"
        assert sent.header("content-type") == kind
    request, _ = rig.record()
    assert (request.model, request.provider, request.edits) == ("m", "alpha", ())
    assert request.session_id is None


def test_path_and_query_go_along(rig):
    assert rig.exchange(rig.request(path="/chat?a=1"))[1].target == b"/v1/chat/completions?a=1"
    assert rig.exchange(rig.request(path="/v1/responses/x?b=%2F"))[1].target == b"/v1/responses/x?b=%2F"


def test_only_the_allowed_headers_go_upstream(rig):
    secret = {"cookie": "c", "origin": "https://o", "referer": "https://r", "x_forwarded_for": "1", "x_api_key": "k"}
    _, sent = rig.exchange(rig.request(**secret, user_agent="ua", openai_beta="b", x_client="geo-agent/1"))
    assert sent.names == {"host", "authorization", "content-type", "user-agent", "openai-beta", "content-length"}
    assert sent.header("authorization") == "Bearer alpha-secret"
    assert rig.key.encode() not in sent.raw


def test_a_provider_without_a_key_is_sent_none(start):
    rig = start(providers={"laptop": {"models": ["m"], "key": None}})
    assert "authorization" not in rig.exchange()[1].names


def test_the_second_call_of_a_caller_takes_the_quick_way_and_nobody_sees_it(rig):
    client, wire = rig.warm()
    fields = {"x_session_id": "s", "origin": "https://page", "user_agent": "ua"}
    seen = []
    for body in (
        b'{"model":"m","user":"u","n":1}',
        b'{"model":"m","user":"u","n":2}',
        b'{"model": "m","user":"u","n":3}',
    ):
        client.send(rig.request(body, **fields))
        sent = wire.receive()
        wire.send(rig.answer())
        answer = client.receive()
        request, response = rig.record()
        noted = msgspec.structs.asdict(request), msgspec.structs.asdict(response)
        for header in noted:
            for name in ("request_id", "at_ns", "latency_us", "ttft_us", "own_us", "total_bytes"):
                header.pop(name, None)
        names = [name for name, _ in answer.fields]
        seen.append((sent.start, sorted(sent.fields), names, noted))
        assert sent.body == body
    assert seen[0][1:] == seen[1][1:]
    assert (seen[2][0], seen[2][2:]) == (seen[0][0], seen[0][2:])


# --- refused ---------------------------------------------------------------------------------------------------------


def refused(rig, body, **fields):
    """The error, as the client got it and as both frames tell it."""
    answer = rig.ask(rig.request(body, **fields))
    request, response = rig.call()
    assert request.body == body
    assert request.header.total_bytes == len(body)
    assert response.body == answer.body
    assert response.header.status == answer.status
    assert response.header.error == answer.error["message"]
    assert response.header.request_id == answer.header("x-llm-request-id") == answer.header("x-request-id")
    assert response.header.provider_status is None
    assert response.header.attempts == 0
    assert "x-llm-provider" not in answer.names
    assert answer.header("access-control-allow-origin") == "*"
    assert not rig.upstream.waiting
    return answer, request.header


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "missing_body"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_body"),
        (b"{}", "missing_model"),
        (b'{"model":null}', "missing_model"),
        (b'{"model":"m","mod\\u0065l":"m"}', "duplicate_key"),
        (b'{"model":"m","stream":true,"stream":false}', "duplicate_key"),
        (b'{"model":"m","user":"a","user":"b"}', "duplicate_key"),
        (b'{"model":"m","enable_thinking":true,"enable_thinking":null}', "duplicate_key"),
        (b'{"model":"m","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json"),
        (b'{"model":"m","user":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json"),
        (b'{"model":"m","a":"\xff"}', "invalid_json"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_a_bad_body_is_refused_and_both_frames_are_written(rig, body, code, path):
    answer, noted = refused(rig, body, path=path)
    assert answer.status == 400
    assert answer.error["code"] == code
    assert noted.provider == "unrouted"


def test_a_bad_form_is_refused(rig):
    kind = {"content_type": "multipart/form-data; boundary=b"}
    answer, _ = refused(rig, b"--b--\r\n", path="/v1/audio/transcriptions", **kind)
    assert (answer.status, answer.error["code"]) == (400, "missing_model")


def test_an_unknown_model_is_told_what_is_served(start):
    rig = start(providers={"alpha": {"models": ["m"], "model_prefixes": ["p/"]}, "beta": {"models": ["qwen"]}})
    answer, noted = refused(rig, b'{"model":"nobody-has-this"}')
    assert answer.status == 400
    assert answer.error["code"] == "model_not_found"
    assert answer.error["param"] == "model"
    assert answer.error["message"].startswith("Unknown model 'nobody-has-this'. ")
    assert all(name in answer.error["message"] for name in ("alpha", "m,", "p/*", "beta", "qwen"))
    assert (noted.model, noted.provider) == ("nobody-has-this", "unrouted")


def test_a_provider_whose_key_is_not_set(start):
    rig = start(providers={"alpha": {"models": ["m"], "key": None, "api_key_env": "ALPHA_KEY"}})
    answer, noted = refused(rig, b'{"model":"m"}')
    assert answer.status == 500
    assert answer.error["message"] == "ALPHA API key not configured on server"
    assert noted.provider == "alpha"


def test_an_edit_that_cannot_be_made(start):
    rig = start(providers={"alpha": {"models": ["m"], "thinking_models": {"m": "thinking"}}})
    body = b'{"model":"m","enable_thinking":true,"chat_template_kwargs":[]}'
    answer, noted = refused(rig, body)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (
        400,
        "invalid_param",
        "chat_template_kwargs",
    )
    assert noted.provider == "alpha"


def test_messages_errors_have_anthropics_form(rig):
    answer = rig.ask(rig.request(b"{}", path="/v1/messages"))
    assert answer.status == 400
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["request_id"] == answer.header("x-llm-request-id")
    rig.record()


def test_after_a_refusal_the_connection_goes_on(rig):
    client = rig.client()
    client.send(rig.request(b"{}"))
    assert client.receive().status == 400
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200
