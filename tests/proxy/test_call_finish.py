"""``on_client_gone: finish``: who asked has left at some point, and what the provider says is taken in for the record."""

import asyncio

import pytest

EVENT = b'data: {"choices":[]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def rig(start):
    return start(on_client_gone="finish")


def leave(rig, client):
    client.close()
    rig.until(lambda: not rig.app.connections)


def taken_in(rig):
    _, response = rig.call()
    assert response.header.error.endswith("the answer was taken in for the record")
    assert response.header.complete
    assert response.header.status == 0, "the client was answered nothing"
    assert response.header.provider_status == 200
    assert not rig.app.calls
    return response


def test_before_an_answer_that_comes_in_one_piece(rig):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    leave(rig, client)
    wire.send(rig.answer(b'{"id":"late"}'))
    response = taken_in(rig)
    assert response.body == b'{"id":"late"}'
    assert response.header.ttft_us is None, "nobody saw its first byte"
    client = rig.client()
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200, "the provider's connection lives"


def test_before_a_stream_begins(rig):
    client = rig.client()
    client.send(rig.request())
    wire, _ = rig.upstream.receive()
    leave(rig, client)
    wire.send(rig.stream(EVENT))
    rig.settle()
    wire.send(rig.frame(EVENT) + rig.frame(DONE) + b"0\r\n\r\n")
    assert taken_in(rig).body == EVENT * 2 + DONE


def test_while_the_connection_is_made(rig):
    resolve, name_server = rig.loop.getaddrinfo, asyncio.Event()

    async def slowly(*args, **more):
        await name_server.wait()
        return await resolve(*args, **more)

    rig.loop.getaddrinfo = slowly
    client = rig.client()
    client.send(rig.request(b'{"model":"m","n":1}'))
    rig.until(lambda: rig.app.calls)
    leave(rig, client)
    name_server.set()
    wire, sent = rig.upstream.receive()
    assert sent.body == b'{"model":"m","n":1}'
    wire.send(rig.answer(b"1"))
    assert taken_in(rig).body == b"1"


def test_a_fault_of_ours_then_is_on_record(rig, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("on purpose")

    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    leave(rig, client)
    monkeypatch.setattr("open_llm_proxy.proxy.call.Call.on_whole", fail)
    rig.expected_faults = 1
    wire.send(rig.answer())
    _, response = rig.record()
    assert response.error == "The proxy failed on this call: ZeroDivisionError"
    assert not response.complete
