"""A call's way back: what of the provider's answer reaches the client, what is added, and what must be safe before."""

import math

import pytest

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


def test_a_head_that_was_first_seen_on_a_model_list_is_relayed_as_any_other(rig):
    asking = rig.client()
    asking.send(rig.request(path="/v1/models", method="GET"))
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer(b'{"data":[]}'))
    asking.receive()
    client = rig.client()
    for body in (b'{"id":"a"}', b'{"id":"bb"}'):
        client.send(rig.request())
        assert wire.receive().start.startswith(b"POST ")
        wire.send(rig.answer(body))
        answer = client.receive()
        assert (answer.status, answer.body) == (200, body)
        assert answer.header("content-type") == "application/json"
        assert answer.header("x-llm-provider") == "alpha"
        _, response = rig.call()
        assert (response.body, response.header.content_type) == (body, "application/json")


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


def test_each_error_tells_its_own_length(rig):
    client, wire = rig.warm()
    for length in (5, 7, 9):
        client.send(rig.request())
        wire.receive()
        wire.send(rig.answer(b"x" * length, "429 Slow Down", retry_after="1"))
        assert client.receive().body == b"x" * length
        assert rig.record()[1].upstream_headers == {"retry-after": "1", "content-length": str(length)}


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


def test_a_stream_passes_as_it_arrives(rig):
    client, wire, head = rig.begin()
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


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_chunks_pass_alone_or_together_and_all_are_on_record(rig, path):
    long = b'data: {"choices":[{"delta":{"content":"' + b"x" * 40 + b'"}}]}\n\n'
    client, wire, _ = rig.begin(long, path=path)
    assert client.chunk() == long
    for _ in range(3):
        wire.send(rig.frame(long))
        assert client.chunk() == long
    wire.send(rig.frame(long) * 2)
    assert client.chunk() == long * 2
    wire.send(rig.frame(long[:-2] + DONE))
    assert client.chunk() == long[:-2] + DONE
    wire.send(rig.frame(long))
    assert client.chunk() == long
    wire.send(b"0\r\n\r\n")
    assert client.chunk() == b""
    _, response = rig.call()
    assert response.body == long * 6 + long[:-2] + DONE
    assert response.header.complete


def test_chunks_come_without_framing_to_an_http_1_0_client(rig):
    long = b"data: " + b"x" * 50 + b"\n\n"
    client = rig.client()
    client.send(rig.request().replace(b"HTTP/1.1", b"HTTP/1.0"))
    wire, _ = rig.upstream.receive()
    wire.send(rig.stream(long))
    client.head()
    assert client.exactly(len(long)) == long
    wire.send(rig.frame(long))
    assert client.exactly(len(long)) == long
    wire.send(b"0\r\n\r\n")
    assert client.ending() == (b"", True)


def test_a_stream_in_one_piece(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    wire.send(rig.stream(EVENT, DONE) + b"0\r\n\r\n")
    answer = client.receive()
    assert answer.body == EVENT + DONE
    assert rig.call()[1].body == EVENT + DONE


def test_while_a_stream_runs_its_request_is_not_held(rig):
    client, wire, _ = rig.begin(EVENT)
    client.chunk()
    (call,) = rig.app.calls
    assert call._body == call._sent_body == b""
    wire.send(b"0\r\n\r\n")
    client.chunks()


def test_a_streams_connections_are_used_again(rig):
    client, wire, _ = rig.begin(EVENT)
    wire.send(b"0\r\n\r\n")
    assert client.chunks() == EVENT
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200


def test_a_stream_that_ends_early_but_properly_passes_as_it_came(rig):
    client, wire, _ = rig.begin(EVENT)
    wire.send(b"0\r\n\r\n")
    assert client.chunks() == EVENT
    _, response = rig.record()
    assert response.error is None
    assert response.complete


def test_a_compressed_stream_passes_as_it_is(rig):
    client, wire, head = rig.begin(b"\x1f\x8b", content_encoding="gzip")
    assert head.header("content-encoding") == "gzip"
    wire.send(rig.frame(b"\0\0") + b"0\r\n\r\n")
    assert client.chunks() == b"\x1f\x8b\0\0"


def test_a_long_stream_is_noted_up_to_the_limit_and_passes_whole(start):
    rig = start(limits={"capture_bytes": 30})
    client, wire, _ = rig.begin(EVENT)
    wire.send(rig.frame(EVENT) + rig.frame(DONE) + b"0\r\n\r\n")
    assert client.chunks() == EVENT * 2 + DONE
    _, response = rig.call()
    assert response.body == (EVENT * 2)[:30]
    assert response.header.total_bytes == len(EVENT * 2 + DONE)


def test_all_streams_together_are_noted_up_to_the_workers_limit_and_pass_whole(start):
    rig = start(limits={"buffer_bytes": len(EVENT) * 3, "body_bytes": len(EVENT) * 3})
    first, wire, _ = rig.begin(EVENT)
    wire.send(rig.frame(EVENT))
    assert rig.app.held.now_bytes == len(EVENT) * 2
    wire.send(rig.frame(EVENT * 2) + rig.frame(DONE) + b"0\r\n\r\n")
    assert first.chunks() == EVENT * 4 + DONE
    _, response = rig.call()
    assert response.body == EVENT * 3
    assert response.header.total_bytes == len(EVENT * 4 + DONE)
    assert rig.app.held.now_bytes == 0, "it is given back with the call"


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
    client, wire, _ = rig.begin(EVENT)
    assert client.chunk() == EVENT
    seen = watch(rig, ResponseHeader, client)
    wire.send(rig.frame(EVENT) + b"0\r\n\r\n")
    assert client.chunks() == EVENT
    assert seen == [b""]


@pytest.mark.parametrize("cut", [0, 3, 12])
def test_a_stream_is_on_record_before_the_piece_that_ends_it_leaves(rig, cut):
    client, wire, _ = rig.begin(EVENT)
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
    client, wire, _ = rig.begin(b"event: ping\ndata: {}\n\n", path="/v1/messages")
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
    client, wire, _ = rig.begin(EVENT)
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


def test_a_cut_is_on_record_before_its_event_leaves(rig):
    client, wire, _ = rig.begin(EVENT)
    client.chunk()
    seen = watch(rig, ResponseHeader, client)
    wire.close()
    client.chunk()
    assert seen == [b""]


def test_a_client_that_was_slow_before_its_answer_began_pauses_it(rig):
    """As one may be that has not yet taken the answer before, and is told to go on with its body."""
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    (connection,), (call,) = rig.app.connections, rig.app.calls
    connection.pause_writing()
    assert call.deadline < math.inf, "the provider has yet to answer, and its clock runs"
    wire.send(rig.stream(EVENT))
    client.head()
    assert client.chunk() == EVENT
    wire.send(rig.frame(EVENT))
    rig.settle()
    assert client.arrived() == b""
    connection.resume_writing()
    assert client.chunk() == EVENT
    wire.send(b"0\r\n\r\n")
    assert client.chunk() == b""
