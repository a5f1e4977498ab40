"""A call's way back: what of the provider's answer reaches the client, what is added, and what must be safe before."""

import asyncio
import json
import socket
import ssl

import pytest
import trustme

from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader

EVENT = b'data: {"choices":[]}\n\n'
DONE = b"data: [DONE]\n\n"


# --- heads -----------------------------------------------------------------------------------------------------------


def test_what_is_added_to_an_answer(rig):
    answer, _ = rig.exchange()
    assert answer.header("x-llm-provider") == "alpha"
    assert answer.header("x-request-id") == answer.header("x-llm-request-id")
    assert answer.header("server-timing").startswith("proxy;dur=")
    assert answer.header("access-control-allow-origin") == "*"
    assert "x-llm-request-id" in answer.header("access-control-expose-headers")
    assert "x-accel-buffering" not in answer.names
    assert "connection" not in answer.names


def test_the_providers_own_request_id_stays(rig):
    answer, _ = rig.exchange(None, rig.answer(x_request_id="theirs"))
    assert answer.header("x-request-id") == "theirs"
    assert answer.header("x-llm-request-id") != "theirs"


def test_every_answer_on_a_connection_has_an_id_of_its_own(rig):
    client, wire = rig.warm()
    ids = set()
    for _ in range(3):
        client.send(rig.request())
        wire.receive()
        wire.send(rig.answer())
        answer = client.receive()
        assert answer.header("x-request-id") == answer.header("x-llm-request-id")
        ids.add(answer.header("x-llm-request-id"))
    assert len(ids) == 3


def test_allowed_origins_by_pattern(start):
    rig = start(cors={"allow_origins": ["https://*.example.org"]})
    answer, _ = rig.exchange(rig.request(origin="https://a.example.org"))
    assert answer.header("access-control-allow-origin") == "https://a.example.org"
    answer, _ = rig.exchange(rig.request(origin="https://evil.example"))
    assert "access-control-allow-origin" not in answer.names
    refused = rig.ask(rig.request(b"{}", origin="https://a.example.org"))
    assert refused.header("access-control-allow-origin") == "https://a.example.org"
    rig.call()


@pytest.mark.parametrize(
    "status",
    ["400 Bad Request", "401 Unauthorized", "404 Not Found", "429 Slow Down", "500 Oops", "503 Busy", "529 Overloaded"],
)
def test_a_providers_error_passes_unmodified(rig, status):
    body = b'{"error":{"message":"theirs","type":"x"}}'
    theirs = {
        "retry_after": "7",
        "x_ratelimit_limit_requests": "10",
        "x_ratelimit_remaining_tokens": "0",
        "anthropic_ratelimit_tokens_reset": "z",
        "x_should_retry": "false",
    }
    answer, _ = rig.exchange(None, rig.answer(body, status, **theirs))
    assert answer.start == f"HTTP/1.1 {status}".encode()
    assert answer.body == body
    for name, value in theirs.items():
        assert answer.header(name.replace("_", "-")) == value
    assert answer.header("x-llm-provider") == "alpha"
    _, response = rig.record()
    assert (response.status, response.provider_status) == (answer.status, answer.status)
    assert response.upstream_headers == {"retry-after": "7", "content-length": str(len(body))}
    assert response.error is None, "what stands in the provider's body is the recorder's to find"
    assert response.complete


def test_a_redirect_is_passed_on_and_not_followed(rig):
    answer, _ = rig.exchange(None, rig.answer(b"", "307 Temporary Redirect", location="http://127.0.0.1:1/v1"))
    assert answer.status == 307
    assert answer.header("location") == "http://127.0.0.1:1/v1"
    assert not rig.upstream.waiting


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_has_no_body(rig, status):
    client, wire = rig.warm()
    for _ in range(2):
        client.send(rig.request())
        wire.receive()
        wire.send(f"HTTP/1.1 {status}\r\netag: x\r\n\r\n".encode())
        answer = client.receive()
        assert answer.header("etag") == "x"
        assert "content-length" not in answer.names


def test_an_empty_answer(rig):
    answer, _ = rig.exchange(None, rig.answer(b""))
    assert answer.header("content-length") == "0"
    _, response = rig.record()
    assert (response.total_bytes, response.ttft_us) == (0, None)


def test_a_compressed_answer_passes_as_it_is(rig):
    answer, _ = rig.exchange(rig.request(accept_encoding="gzip"), rig.answer(b"\x1f\x8b\0", content_encoding="gzip"))
    assert (answer.body, answer.header("content-encoding")) == (b"\x1f\x8b\0", "gzip")
    _, response = rig.call()
    assert (response.body, response.header.content_encoding) == (b"\x1f\x8b\0", "gzip")


def test_an_answer_that_ends_with_its_connection(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\none ")
    head = client.head()
    assert head.header("transfer-encoding") == "chunked"
    assert client.chunk() == b"one "
    wire.send(b"two")
    wire.close()
    assert client.chunks() == b"two"
    _, response = rig.call()
    assert (response.body, response.header.complete) == (b"one two", True)


# --- streams ---------------------------------------------------------------------------------------------------------


def begin(rig, *events, body=b'{"model":"m","stream":true}', path="/v1/chat/completions", **fields):
    """A stream under way: the client's and the provider's connection, and the head that the client got."""
    client = rig.client()
    client.send(rig.request(body, path=path))
    wire, _ = rig.upstream.receive()
    wire.send(rig.stream(*events, **fields))
    return client, wire, client.head()


def test_a_stream_passes_as_it_arrives(rig):
    client, wire, head = begin(rig)
    assert head.header("content-type") == "text/event-stream"
    assert head.header("x-accel-buffering") == "no"
    assert head.header("x-llm-provider") == "alpha"
    for piece in (EVENT, b": keep-alive\n\n", b"data: ha", b"lf\n\n", DONE):
        wire.send(rig.frame(piece))
        assert client.chunk() == piece
    wire.send(b"0\r\n\r\n")
    assert client.chunk() == b""
    _, response = rig.call()
    assert response.body == EVENT + b": keep-alive\n\ndata: half\n\n" + DONE
    assert response.header.complete
    assert response.header.error is None
    assert response.header.ttft_us is not None


def test_a_stream_in_one_piece(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.send(rig.stream(EVENT, DONE) + b"0\r\n\r\n")
    answer = client.receive()
    assert answer.body == EVENT + DONE
    assert rig.call()[1].body == EVENT + DONE


def test_while_a_stream_runs_its_request_is_not_held(rig):
    client, wire, _ = begin(rig, EVENT)
    client.chunk()
    (call,) = rig.app.calls
    assert call._body == call._sent_body == b""
    wire.send(b"0\r\n\r\n")
    client.chunks()


def test_a_streams_connections_are_used_again(rig):
    client, wire, _ = begin(rig, EVENT)
    wire.send(b"0\r\n\r\n")
    assert client.chunks() == EVENT
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200


def test_a_stream_that_ends_early_but_properly_passes_as_it_came(rig):
    client, wire, _ = begin(rig, EVENT)
    wire.send(b"0\r\n\r\n")
    assert client.chunks() == EVENT
    _, response = rig.record()
    assert response.error is None
    assert response.complete


def test_a_compressed_stream_passes_as_it_is(rig):
    client, wire, head = begin(rig, b"\x1f\x8b", content_encoding="gzip")
    assert head.header("content-encoding") == "gzip"
    wire.send(rig.frame(b"\0\0") + b"0\r\n\r\n")
    assert client.chunks() == b"\x1f\x8b\0\0"


def test_a_long_stream_is_noted_up_to_the_limit_and_passes_whole(start):
    rig = start(limits={"capture_bytes": 30})
    client, wire, _ = begin(rig, EVENT)
    wire.send(rig.frame(EVENT) + rig.frame(DONE) + b"0\r\n\r\n")
    assert client.chunks() == EVENT * 2 + DONE
    _, response = rig.call()
    assert response.body == (EVENT * 2)[:30]
    assert response.header.total_bytes == len(EVENT * 2 + DONE)


# --- the order of rule 5 ---------------------------------------------------------------------------------------------


def watch(rig, kind, wire):
    """What had arrived at ``wire``'s far end whenever frames of ``kind`` were about to be written."""
    seen = []

    def look(pending):
        if any(type(frame.header) is kind for frame in pending):
            seen.append(wire.arrived())

    rig.before_commit = look
    return seen


def noted(rig, kind):
    return sum(type(frame.header) is kind for frame in rig.frames)


def test_the_request_is_on_record_before_it_goes_upstream(rig):
    client, wire = rig.warm()
    seen = watch(rig, RequestHeader, wire)
    for _ in range(3):  # the first takes the long way, the others the quick one
        client.send(rig.request())
        wire.receive()
        wire.send(rig.answer())
        client.receive()
    assert seen == [b""] * 3
    assert noted(rig, RequestHeader) == 4


def test_the_request_is_on_record_before_it_goes_up_a_new_connection(rig):
    client = rig.client()
    client.send(rig.request())
    wire = rig.upstream.accept()
    seen = watch(rig, RequestHeader, wire)
    wire.receive()
    assert noted(rig, RequestHeader) == 1
    assert seen in ([], [b""])


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_plain_answer_is_on_record_before_its_last_byte_leaves(rig, pieces):
    client, wire = rig.warm()
    seen = watch(rig, ResponseHeader, client)
    client.send(rig.request())
    wire.receive()
    raw = rig.answer(b"x" * 20)
    if pieces == 2:
        wire.send(raw[:-5])
        client.until(b"x" * 15)
    wire.send(raw[-5:] if pieces == 2 else raw)
    client.until(b"x" * 5)
    assert seen == [b""]
    assert noted(rig, ResponseHeader) == 2


def test_a_chunked_answer_is_on_record_before_its_last_chunk_leaves(rig):
    client, wire, _ = begin(rig, EVENT)
    assert client.chunk() == EVENT
    seen = watch(rig, ResponseHeader, client)
    wire.send(rig.frame(EVENT) + b"0\r\n\r\n")
    assert client.chunks() == EVENT
    assert seen == [b""]


@pytest.mark.parametrize("cut", [0, 3, 12])
def test_a_stream_is_on_record_before_the_piece_that_ends_it_leaves(rig, cut):
    client, wire, _ = begin(rig, EVENT)
    assert client.chunk() == EVENT
    seen = watch(rig, ResponseHeader, client)
    if cut:
        wire.send(rig.frame(DONE[:cut]))
        assert client.chunk() == DONE[:cut]
    wire.send(rig.frame(DONE[cut:]))
    assert client.chunk() == DONE[cut:]
    assert seen == [b""]
    assert noted(rig, ResponseHeader) == 1
    client.close()  # as clients do that saw [DONE]: no failure
    _, response = rig.call()
    assert response.header.error is None
    assert response.header.complete
    assert response.body == EVENT + DONE


def test_a_stream_that_is_whole_in_its_first_piece_is_on_record_before_that_leaves(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    seen = watch(rig, ResponseHeader, client)
    wire.send(rig.stream(EVENT, DONE))
    head = client.head()
    assert head.header("transfer-encoding") == "chunked"
    assert client.chunk() == EVENT + DONE
    assert len(seen) == 1
    assert b"[DONE]" not in seen[0]


def test_a_messages_stream_is_on_record_before_its_last_event_leaves(rig):
    client, wire, _ = begin(rig, b"event: ping\ndata: {}\n\n", path="/v1/messages")
    client.chunk()
    seen = watch(rig, ResponseHeader, client)
    last = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    wire.send(rig.frame(last))
    assert client.chunk() == last
    assert seen == [b""]
    wire.send(rig.frame(b": bye\n\n") + b"0\r\n\r\n")
    assert client.chunks() == b": bye\n\n"
    rig.record()


def test_what_follows_the_end_keeps_its_place(rig):
    client, wire, _ = begin(rig, EVENT)
    wire.send(rig.frame(DONE))
    wire.send(rig.frame(b": bye\n\n"))
    wire.send(b"0\r\n\r\n")
    assert client.chunks() == EVENT + DONE + b": bye\n\n"


def test_a_refusal_is_on_record_before_it_leaves(rig):
    client = rig.client()
    seen = watch(rig, ResponseHeader, client)
    client.send(rig.request(b"{}"))
    client.receive()
    assert seen == [b""]
    assert len(rig.frames) == 2


# --- failures --------------------------------------------------------------------------------------------------------


def failed(rig, client, status, code):
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (status, code)
    assert "x-llm-provider" not in answer.names
    _, response = rig.call()
    assert response.header.error == answer.error["message"]
    assert response.header.status == status
    assert response.header.provider_status is None
    assert response.body == answer.body
    return response.header


@pytest.mark.parametrize(
    "bytes_sent", [b"", b"HTT", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 banana\r\n\r\n", b"SSH-2.0-x\r\n"]
)
def test_a_provider_that_breaks_off_or_breaks_http_before_an_answer(rig, bytes_sent):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    if bytes_sent:
        wire.send(bytes_sent)
    wire.close()
    assert failed(rig, client, 502, "provider_cut_off").attempts == 1
    assert not rig.upstream.waiting, "a paid call is not repeated"


def test_a_provider_that_resets_a_fresh_connection(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.reset()
    failed(rig, client, 502, "provider_cut_off")
    assert not rig.upstream.waiting


def test_nobody_listens(rig):
    rig.upstream.listener.close()
    client = rig.client()
    client.send(rig.request())
    failed(rig, client, 502, "provider_unreachable")


def test_a_name_that_has_no_address(start):
    rig = start(providers={"alpha": {"models": ["m"], "endpoint": "http://nowhere.invalid/v1/chat/completions"}})

    async def fail(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    rig.loop.getaddrinfo = fail
    client = rig.client()
    client.send(rig.request())
    failed(rig, client, 502, "provider_not_resolved")


def test_a_provider_that_speaks_no_tls(start, tls):
    rig = start()
    port = rig.upstream.port
    secure = {"alpha": {"models": ["m"], "endpoint": f"https://127.0.0.1:{port}/v1/chat/completions"}}
    rig.app.reload(rig.setup({"providers": secure}))
    assert rig.app.setup.providers["alpha"].origin.tls is tls
    client = rig.client()
    client.send(rig.request())
    rig.upstream.accept().send(b"HTTP/1.1 400 plain HTTP request sent to HTTPS port\r\n\r\n")
    failed(rig, client, 502, "provider_tls_failure")


def test_a_provider_whose_certificate_nobody_vouches_for(start):
    rig = start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    serving = rig.loop.create_server(asyncio.Protocol, sock=rig.upstream.listener, ssl=context)
    server = rig.loop.run_until_complete(serving)
    secure = {"alpha": {"models": ["m"], "endpoint": f"https://127.0.0.1:{rig.upstream.port}/v1/chat/completions"}}
    rig.app.reload(rig.setup({"providers": secure}))
    client = rig.client()
    client.send(rig.request())
    failed(rig, client, 502, "provider_tls_failure")
    server.close()


# --- again, once -----------------------------------------------------------------------------------------------------


def test_a_reused_connection_that_closes_before_any_byte_is_tried_again_once(rig):
    client, wire = rig.warm()
    client.send(rig.request(b'{"model":"m","n":1}'))
    assert wire.receive().body == b'{"model":"m","n":1}'
    wire.close()
    again, sent = rig.upstream.receive()
    assert sent.body == b'{"model":"m","n":1}'
    again.send(rig.answer(b'{"id":"b"}'))
    assert client.receive().body == b'{"id":"b"}'
    _, response = rig.record()
    assert response.attempts == 2
    assert len(response.attempt_log) == 1
    assert "alpha" in response.attempt_log[0]
    assert response.error is None


def test_but_not_a_second_time(rig):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    wire.close()
    again, _ = rig.upstream.receive()
    again.close()
    assert failed(rig, client, 502, "provider_cut_off").attempts == 2
    assert not rig.upstream.waiting


def test_the_second_try_takes_a_fresh_connection_and_no_other_old_one(rig):
    clients = [rig.client() for _ in range(2)]
    wires = []
    for client in clients:
        client.send(rig.request())
        wires.append(rig.upstream.receive()[0])
    for wire, client in zip(wires, clients, strict=True):
        wire.send(rig.answer())
        client.receive()
    clients[0].send(rig.request())
    wires[1].receive()  # the one used last
    wires[1].close()
    again, _ = rig.upstream.receive()
    again.send(rig.answer())
    assert clients[0].receive().status == 200
    assert wires[0].arrived() == b""


@pytest.mark.parametrize("bytes_sent", [b"H", b"HTTP/1.1 200 OK\r\n"])
def test_and_not_after_the_first_byte(rig, bytes_sent):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    wire.send(bytes_sent)
    wire.close()
    assert failed(rig, client, 502, "provider_cut_off").attempts == 1
    assert not rig.upstream.waiting


def test_and_not_in_mid_answer(rig):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    wire.send(rig.stream(EVENT))
    client.head()
    wire.close()
    assert b"provider_cut_off" in client.chunks()
    assert not rig.upstream.waiting
    assert rig.record()[1].attempts == 1


def test_an_idle_connection_that_the_provider_closed_is_not_used(rig):
    client, wire = rig.warm()
    wire.close()
    rig.settle()
    client.send(rig.request())
    again, _ = rig.upstream.receive()
    again.send(rig.answer())
    assert client.receive().status == 200
    assert rig.record()[1].attempts == 1


# --- cut off in mid-answer -------------------------------------------------------------------------------------------


def cut(rig, client):
    """What the client still got, whether in order; the response as noted."""
    got, orderly = client.ending()
    _, response = rig.call()
    assert not response.header.complete
    assert response.header.status == 200
    assert "broke off" in response.header.error
    return got, orderly, response


def test_at_an_events_end_an_event_of_ours_ends_the_stream(rig):
    client, wire, _ = begin(rig, EVENT)
    assert client.chunk() == EVENT
    wire.close()
    event = client.chunk()
    assert client.chunk() == b""
    assert event.startswith(b"data: {")
    assert event.endswith(b"\n\n")
    error = json.loads(event[6:])["error"]
    assert error["code"] == "provider_cut_off"
    _, response = rig.call()
    assert response.header.error == error["message"]
    assert response.body == EVENT, "the record shows what the provider sent"
    assert not response.header.complete
    client.send(rig.request())  # the stream was ended as HTTP wants it, so the connection lives
    again, _ = rig.upstream.receive()
    again.send(rig.answer())
    assert client.receive().status == 200


def test_a_messages_stream_ends_with_an_event_of_anthropics_form(rig):
    client, wire, _ = begin(rig, b"event: ping\ndata: {}\n\n", path="/v1/messages")
    client.chunk()
    wire.close()
    name, data, *_ = client.chunk().split(b"\n")
    assert name == b"event: error"
    assert json.loads(data[6:])["type"] == "error"
    assert client.chunk() == b""


def test_before_the_first_event_there_is_room_for_one_too(rig):
    client, wire, _ = begin(rig)
    wire.close()
    assert b"provider_cut_off" in client.chunk()
    assert client.chunk() == b""


def test_inside_an_event_the_connection_is_broken_off(rig):
    client, wire, _ = begin(rig, EVENT, b"data: ha")
    wire.close()
    got, _, response = cut(rig, client)
    assert b"error" not in got
    assert not got.endswith(b"0\r\n\r\n")
    assert response.body == EVENT + b"data: ha"


def test_a_compressed_stream_is_broken_off(rig):
    client, wire, _ = begin(rig, b"\x1f\x8b\n\n", content_encoding="gzip")
    wire.close()
    got, _, _ = cut(rig, client)
    assert not got.endswith(b"0\r\n\r\n")
    assert b"error" not in got


def test_a_chunked_answer_that_is_no_stream_is_broken_off(rig):
    client, wire, _ = begin(rig, b'{"a":1}\n\n', content_type="application/json")
    wire.close()
    got, _, _ = cut(rig, client)
    assert not got.endswith(b"0\r\n\r\n")
    assert b"broke off" not in got


def test_an_answer_of_known_length_is_broken_off(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer(b"x" * 100)[:-40])
    assert client.head().header("content-length") == "100"
    wire.close()
    got, _, response = cut(rig, client)
    assert got == b"x" * 60
    assert response.body == b"x" * 60


def test_a_stream_of_known_length_is_broken_off(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer(EVENT * 2, content_type="text/event-stream")[: -len(EVENT)])
    client.head()
    wire.close()
    assert cut(rig, client)[0] == EVENT


def test_an_old_client_without_chunks_is_broken_off_from(rig):
    client = rig.client()
    client.send(rig.request().replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    wire, _ = rig.upstream.receive()
    wire.send(rig.stream(EVENT))
    client.head()
    assert client.exactly(len(EVENT)) == EVENT
    wire.close()
    got, orderly, _ = cut(rig, client)
    assert got == b""
    assert not orderly, "an orderly end would say that this was all"


def test_a_malformed_chunk_is_a_cut(rig):
    client, wire, _ = begin(rig, EVENT)
    client.chunk()
    wire.send(b"xyz\r\n")
    assert b"provider_cut_off" in client.chunk()
    assert wire.ending()[0] == b""
    assert not rig.record()[1].complete


def test_a_cut_is_on_record_before_its_event_leaves(rig):
    client, wire, _ = begin(rig, EVENT)
    client.chunk()
    seen = watch(rig, ResponseHeader, client)
    wire.close()
    client.chunk()
    assert seen == [b""]


def test_the_frame_of_a_broken_connection_is_written_too(rig):
    client, wire, _ = begin(rig, b"data: ha")
    client.chunk()
    wire.close()
    client.ending()
    rig.record()
