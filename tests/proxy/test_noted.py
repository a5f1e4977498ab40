"""What a call notes of itself: the two frames."""

import json
import time

import pytest

from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader

CHAT = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


def test_what_a_request_frame_tells(rig):
    answer, _ = rig.exchange(
        rig.request(
            CHAT,
            path="/chat",
            origin="https://app.example",
            referer="https://other.example/",
            x_client="geo-agent/v3.13.1",
            x_session_id="s-1",
            x_request_id="c-1",
            traceparent="00-abc",
        )
    )
    request, _ = rig.call()
    header = request.header
    assert request.body == CHAT
    assert header == RequestHeader(
        request_id=answer.header("x-llm-request-id"),
        at_ns=header.at_ns,
        endpoint="/chat",
        provider="alpha",
        model="m",
        key="default",
        origin="https://app.example",
        client="geo-agent/v3.13.1",
        session_id="s-1",
        client_request_id="c-1",
        content_type="application/json",
        total_bytes=len(CHAT),
        edits=(),
        config_sha256="0" * 64,
        content_logged=True,
        traceparent="00-abc",
    )


def test_what_a_response_frame_tells(rig):
    answer, _ = rig.exchange(
        rig.request(CHAT, origin="https://app.example", x_client="c", x_session_id="s", traceparent="t"),
        rig.answer(b'{"id":"x"}', x_request_id="theirs"),
    )
    request, response = rig.call()
    header = response.header
    assert response.body == b'{"id":"x"}'
    assert 0 < header.ttft_us <= header.latency_us
    assert 0 < header.own_us <= header.latency_us
    assert 0 <= header.at_ns - request.header.at_ns - header.latency_us * 1000 < 1000
    assert header == ResponseHeader(
        request_id=answer.header("x-llm-request-id"),
        at_ns=header.at_ns,
        endpoint="/v1/chat/completions",
        provider="alpha",
        model="m",
        key="default",
        origin="https://app.example",
        client="c",
        session_id="s",
        status=200,
        provider_status=200,
        error=None,
        latency_us=header.latency_us,
        ttft_us=header.ttft_us,
        attempts=1,
        attempt_log=(),
        content_type="application/json",
        content_encoding=None,
        upstream_request_id="theirs",
        upstream_headers=None,
        total_bytes=10,
        complete=True,
        content_logged=True,
        own_us=header.own_us,
        traceparent="t",
    )


def test_a_slow_upload_is_no_share_of_ours(rig):
    client = rig.client()
    request = rig.request(CHAT)
    client.send(request[:-5])
    rig.settle()
    time.sleep(0.05)
    client.send(request[-5:])
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer())
    client.receive()
    _, response = rig.record()
    assert response.latency_us >= 50_000
    assert 0 < response.own_us <= response.latency_us - 50_000


def test_ids_are_ordered_by_time(rig):
    ids = [rig.exchange()[0].header("x-llm-request-id") for _ in range(5)]
    assert ids == sorted(ids)
    assert len({one[16:] for one in ids}) == 5


@pytest.mark.parametrize(
    ("path", "body", "header", "session"),
    [
        ("/v1/chat/completions", {"user": "u"}, "h", "u"),
        ("/v1/chat/completions", {}, "h", "h"),
        ("/v1/chat/completions", {}, None, None),
        ("/v1/chat/completions", {"user": 7}, "h", "h"),
        ("/v1/chat/completions", {"user": None}, "h", "h"),
        ("/v1/chat/completions", {"user": {"id": "u"}}, None, None),
        ("/v1/chat/completions", {"user": "é" * 600}, None, "é" * 512),
        ("/v1/chat/completions", {"user": "cut \ud83d"}, None, "cut ?"),
        ("/v1/embeddings", {"user": "u"}, "h", "u"),
        ("/v1/messages", {"metadata": {"user_id": "mu"}, "user": "u"}, "h", "mu"),
        ("/v1/messages", {"user": "u"}, "h", "h"),
        ("/v1/messages", {"metadata": {"user_id": 7}}, "h", "h"),
        ("/v1/chat/completions", {"metadata": {"user_id": "mu"}}, "h", "h"),
    ],
)
def test_whose_session_it_is(rig, path, body, header, session):
    client, wire = rig.warm()
    for separators in ((",", ":"), (", ", ": ")):  # the quick way and the long one
        for _ in range(2):
            raw = json.dumps({"model": "m", **body}, separators=separators).encode()
            client.send(rig.request(raw, path=path, **({"x_session_id": header} if header else {})))
            wire.receive()
            wire.send(rig.answer())
            client.receive()
            assert [one.session_id for one in rig.record()] == [session, session]


@pytest.mark.parametrize(("wish", "logged"), [("none", False), ("None", False), ("all", True), (None, True)])
def test_a_callers_wish_for_less_is_noted_and_the_call_the_same(rig, wish, logged):
    fields = {"x_log_content": wish} if wish else {}
    client, wire = rig.warm()
    for _ in range(2):
        client.send(rig.request(CHAT, **fields))
        assert wire.receive().body == CHAT
        wire.send(rig.answer())
        assert client.receive().status == 200
        assert [header.content_logged for header in rig.record()] == [logged, logged]


def test_a_providers_word_on_contents(start):
    rig = start(providers={"alpha": {"models": ["m"], "log_content": False}, "beta": {"models": ["b"]}})
    rig.exchange()
    assert not any(header.content_logged for header in rig.record())
    rig.ask(rig.request(b'{"model":"unknown"}'))
    assert all(header.content_logged for header in rig.record())


def test_a_long_body_is_noted_up_to_the_limit_and_sent_whole(start):
    rig = start(limits={"capture_bytes": 20})
    client, wire = rig.warm()
    body = b'{"model":"m","text":"' + b"x" * 100 + b'"}'
    for length in (50, 51):  # the second answer's head is like the first's
        client.send(rig.request(body))
        assert wire.receive().body == body
        wire.send(rig.answer(b"y" * length))
        assert client.receive().body == b"y" * length
        request, response = rig.call()
        assert (request.body, request.header.total_bytes) == (body[:20], len(body))
        assert (response.body, response.header.total_bytes) == (b"y" * 20, length)


@pytest.mark.parametrize("user", ['"a"', '"\\u0061"', "7", "null", '"' + "x" * 600 + '"'])
def test_a_known_callers_sessions_are_told_from_each_other(rig, user):
    client, wire = rig.warm()
    for raw in (user, '"other"', user):
        client.send(rig.request(b'{"model":"m","user":%b}' % raw.encode(), x_session_id="h"))
        wire.receive()
        wire.send(rig.answer())
        client.receive()
        value = json.loads(raw)
        assert rig.record()[0].session_id == (value[:512] if isinstance(value, str) else "h")


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("size", [0, 10])
def test_an_answer_in_one_piece_and_in_two_are_noted_alike(rig, pieces, size):
    client, wire = rig.warm()
    client.send(rig.request(CHAT))
    wire.receive()
    answer = rig.answer(b"x" * size, status="429 Too Many", retry_after="7")
    cut = len(answer) if pieces == 1 else answer.index(b"\r\n\r\n") + 2
    wire.send(answer[:cut])
    if pieces == 2:
        rig.settle()
        wire.send(answer[cut:])
    client.receive()
    _, response = rig.call()
    assert response.body == b"x" * size
    assert response.header.total_bytes == size
    assert (response.header.ttft_us is None) == (size == 0)
    assert response.header.upstream_headers == {"retry-after": "7", "content-length": str(size)}
    assert response.header.complete
