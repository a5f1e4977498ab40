"""Calls whose provider fails: before an answer, on a connection gone stale, in mid-answer."""

import asyncio
import json
import socket
import ssl

import pytest
import trustme

from open_llm_proxy.http1.pool import Pool

EVENT = b'data: {"choices":[]}\n\n'


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


def test_nor_a_third_time_whatever_connection_the_second_got(rig, monkeypatch):
    clients = [rig.client(), rig.client()]
    wires = []
    for client in clients:
        client.send(rig.request())
        wires.append(rig.upstream.receive()[0])
    for wire, client in zip(wires, clients, strict=True):
        wire.send(rig.answer())
        client.receive()
    monkeypatch.setattr(Pool, "wait", lambda pool, call: call.on_connection(pool.take_idle()))
    clients[0].send(rig.request())
    for wire in reversed(wires):
        wire.receive()
        wire.close()
    assert failed(rig, clients[0], 502, "provider_cut_off").attempts == 2


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
    client, wire, _ = rig.begin(EVENT)
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
    client, wire, _ = rig.begin(b"event: ping\ndata: {}\n\n", path="/v1/messages")
    client.chunk()
    wire.close()
    name, data, *_ = client.chunk().split(b"\n")
    assert name == b"event: error"
    assert json.loads(data[6:])["type"] == "error"
    assert client.chunk() == b""


def test_before_the_first_event_there_is_room_for_one_too(rig):
    client, wire, _ = rig.begin()
    wire.close()
    assert b"provider_cut_off" in client.chunk()
    assert client.chunk() == b""


def test_inside_an_event_the_connection_is_broken_off(rig):
    client, wire, _ = rig.begin(EVENT, b"data: ha")
    wire.close()
    got, _, response = cut(rig, client)
    assert b"error" not in got
    assert not got.endswith(b"0\r\n\r\n")
    assert response.body == EVENT + b"data: ha"


def test_a_compressed_stream_is_broken_off(rig):
    client, wire, _ = rig.begin(b"\x1f\x8b\n\n", content_encoding="gzip")
    wire.close()
    got, _, _ = cut(rig, client)
    assert not got.endswith(b"0\r\n\r\n")
    assert b"error" not in got


def test_a_chunked_answer_that_is_no_stream_is_broken_off(rig):
    client, wire, _ = rig.begin(b'{"a":1}\n\n', content_type="application/json")
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
    client, wire, _ = rig.begin(EVENT)
    client.chunk()
    wire.send(b"xyz\r\n")
    assert b"provider_cut_off" in client.chunk()
    assert wire.ending()[0] == b""
    assert not rig.record()[1].complete


# --- faults of ours --------------------------------------------------------------------------------------------------


def test_a_fault_that_cannot_even_be_noted_ends_the_call_alone(rig, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("on purpose")

    client, wire = rig.warm()
    monkeypatch.setattr("open_llm_proxy.proxy.call.Call.on_whole", fail)
    monkeypatch.setattr("open_llm_proxy.proxy.call.Call._note_response", fail)
    rig.expected_faults = 2
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.ending()[0] == b""
    assert not rig.app.calls
    monkeypatch.undo()
    assert rig.exchange()[0].status == 200
    (orphan,) = {frame.header.request_id for frame in rig.frames} - {one.header.request_id for one, _ in rig.calls}
    rig.frames[:] = [frame for frame in rig.frames if frame.header.request_id != orphan]


@pytest.mark.parametrize("callback", ["on_deadline", "on_drained", "on_worker_end", "on_gone"])
def test_what_an_ended_call_is_told_changes_nothing(rig, callback):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    (call,) = rig.app.calls
    wire.send(rig.answer())
    assert client.receive().status == 200
    noted = list(rig.frames)
    getattr(call, callback)()
    rig.settle()
    assert rig.frames == noted
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200


# --- cut off, and on record ------------------------------------------------------------------------------------------


def test_the_frame_of_a_broken_connection_is_written_too(rig):
    client, wire, _ = rig.begin(b"data: ha")
    client.chunk()
    wire.close()
    client.ending()
    rig.record()
