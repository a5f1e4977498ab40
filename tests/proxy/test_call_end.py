"""Calls that end otherwise: the client leaves, time runs out, the proxy stops, somebody is slow."""

import asyncio
import re

import pytest

EVENT = b'data: {"choices":[]}\n\n'
DONE = b"data: [DONE]\n\n"
LEFT = re.compile(r"Client disconnected/cancelled after \d+ms\b.*")
LATE = re.compile(r"Request timed out after \d+ms")


def waiting(rig, body=b'{"model":"m"}'):
    """A call that waits for its answer."""
    client = rig.client()
    client.send(rig.request(body))
    wire, _ = rig.upstream.receive()
    return client, wire


def streaming(rig, *events, **fields):
    client, wire = waiting(rig)
    wire.send(rig.stream(*(events or (EVENT,)), **fields))
    client.head()
    for _ in events or (EVENT,):
        client.chunk()
    return client, wire


def left(rig, *, status, complete=False):
    request, response = rig.call()
    assert LEFT.fullmatch(response.header.error)
    assert response.header.status == status
    assert response.header.complete == complete
    assert request.header.request_id == response.header.request_id
    return response


# --- the client leaves -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", ["close", "reset", "half"])
def test_a_client_that_leaves_before_the_answer_ends_the_providers_call(rig, leave):
    client, wire = waiting(rig)
    if leave == "half":  # as nginx, we know no half-closed client
        client.sock.shutdown(1)
    else:
        getattr(client, leave)()
    wire.ending()
    assert left(rig, status=0).header.attempts == 1


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_in_mid_answer_ends_the_providers_call(rig, leave):
    client, wire = streaming(rig)
    getattr(client, leave)()
    wire.ending()
    response = left(rig, status=200)
    assert response.body == EVENT
    assert response.header.provider_status == 200


def test_the_connection_of_a_call_that_was_ended_is_not_used_again(rig):
    client, wire = streaming(rig)
    client.close()
    wire.ending()
    client, again = waiting(rig)
    again.send(rig.answer())
    assert client.receive().status == 200


def test_a_client_that_leaves_before_its_body_is_whole_is_on_record(rig):
    client = rig.client()
    client.send(rig.request(b"", content_length="100") + b'{"model":')
    rig.settle()
    client.close()
    rig.until(lambda: not rig.app.connections)
    response = left(rig, status=0)
    assert response.header.provider == "unrouted"
    assert not rig.upstream.waiting


def test_a_client_that_leaves_while_we_connect(start):
    rig = start()
    secure = {"alpha": {"models": ["m"], "endpoint": f"https://127.0.0.1:{rig.upstream.port}/v1/chat/completions"}}
    rig.app.reload(rig.setup({"providers": secure}))
    client = rig.client()
    client.send(rig.request())
    rig.upstream.accept()  # and says nothing: no handshake
    client.close()
    assert left(rig, status=0).header.provider == "alpha"


@pytest.mark.parametrize("how", ["leaves", "is told to wait no longer"])
def test_a_connection_that_comes_too_late_carries_nothing(rig, how):
    resolve, name_server = rig.loop.getaddrinfo, asyncio.Event()

    async def slowly(*args, **more):
        await name_server.wait()
        return await resolve(*args, **more)

    rig.loop.getaddrinfo = slowly
    client = rig.client()
    client.send(rig.request())
    rig.until(lambda: rig.app.calls)
    if how == "leaves":
        client.close()
        left(rig, status=0)
    else:
        rig.later(31)
        late(rig, client, "connect_timeout")
    name_server.set()
    wire = rig.upstream.accept()
    rig.settle()
    assert wire.arrived() == b""
    client = rig.client()
    client.send(rig.request(b'{"model":"m","n":2}'))
    assert wire.receive().body == b'{"model":"m","n":2}'
    wire.send(rig.answer())
    client.receive()


def test_a_client_that_leaves_in_the_turn_of_its_request_sends_nothing_upstream(rig):
    client, wire = rig.warm()

    def leave(_):
        for call in list(rig.app.calls):
            call.on_gone()

    rig.before_commit = leave
    client.send(rig.request())
    assert wire.ending()[0] == b""
    left(rig, status=0)


FINISH = {"on_client_gone": "finish"}


def test_finish_takes_the_answer_in_for_the_record(start):
    rig = start(**FINISH)
    client, wire = waiting(rig)
    client.close()
    rig.until(lambda: not rig.app.connections)
    assert len(rig.calls) == 0
    wire.send(rig.answer(b'{"id":"late"}'))
    response = left(rig, status=0, complete=True)
    assert response.body == b'{"id":"late"}'
    assert response.header.provider_status == 200


def test_finish_takes_the_rest_of_a_stream_in(start):
    rig = start(**FINISH)
    client, wire = streaming(rig)
    client.reset()
    rig.until(lambda: not rig.app.connections)
    wire.send(rig.frame(EVENT) + rig.frame(DONE) + b"0\r\n\r\n")
    response = left(rig, status=200, complete=True)
    assert response.body == EVENT * 2 + DONE


def test_after_finish_the_providers_connection_lives(start):
    rig = start(**FINISH)
    client, wire = waiting(rig)
    client.close()
    rig.until(lambda: not rig.app.connections)
    wire.send(rig.answer())
    rig.call()
    client = rig.client()
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200


def test_a_request_that_was_never_whole_is_not_finished(start):
    rig = start(**FINISH)
    client = rig.client()
    client.send(rig.request(b"", content_length="100") + b'{"model":')
    rig.settle()
    client.close()
    left(rig, status=0)


def test_finish_that_fails_says_why(start):
    rig = start(**FINISH)
    client, wire = waiting(rig)
    client.close()
    rig.until(lambda: not rig.app.connections)
    wire.close()
    _, response = rig.call()
    assert "without an answer" in response.header.error
    assert (response.header.status, response.header.complete, response.body) == (0, False, b"")


def test_finish_that_is_cut_off_says_so(start):
    rig = start(**FINISH)
    client, wire = streaming(rig)
    client.close()
    rig.until(lambda: not rig.app.connections)
    wire.close()
    _, response = rig.call()
    assert "broke off" in response.header.error
    assert not response.header.complete


def test_finish_that_takes_too_long_times_out(start):
    rig = start(**FINISH)
    client, _ = waiting(rig)
    client.close()
    rig.until(lambda: not rig.app.connections)
    rig.later(1201)
    assert LATE.fullmatch(rig.record()[1].error)


@pytest.mark.parametrize(("everywhere", "here", "finishes"), [("finish", "cancel", False), ("cancel", "finish", True)])
def test_a_provider_may_have_its_own_way(start, everywhere, here, finishes):
    rig = start(on_client_gone=everywhere, providers={"alpha": {"models": ["m"], "on_client_gone": here}})
    client, wire = waiting(rig)
    client.close()
    rig.until(lambda: not rig.app.connections)
    if finishes:
        wire.send(rig.answer())
    else:
        wire.ending()
    left(rig, status=0, complete=finishes)


# --- time runs out ---------------------------------------------------------------------------------------------------


def late(rig, client, code):
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (504, code)
    assert answer.error["type"] == "timeout_error"
    assert LATE.fullmatch(answer.error["message"])
    assert "x-llm-provider" not in answer.names
    _, response = rig.call()
    assert response.header.error == answer.error["message"]
    assert response.header.status == 504
    return response.header


def test_a_provider_that_sends_nothing(rig):
    client, wire = waiting(rig)
    rig.later(1199)
    assert client.arrived() == b""
    rig.later(2)
    late(rig, client, "provider_timeout")
    wire.ending()


def test_the_limit_is_the_configs(start):
    rig = start(timeouts={"between_bytes_s": 5})
    client, _ = waiting(rig)
    rig.later(6)
    late(rig, client, "provider_timeout")


def test_a_timed_out_connection_is_not_used_again(rig):
    client, _ = waiting(rig)
    rig.later(1201)
    late(rig, client, "provider_timeout")
    _, again = waiting(rig)
    again.send(rig.answer())
    rig.call()


def test_each_byte_gives_a_stream_more_time(rig):
    client, wire = streaming(rig)
    for _ in range(3):
        rig.later(1000)
        wire.send(rig.frame(EVENT))
        assert client.chunk() == EVENT
    wire.send(b"0\r\n\r\n")
    assert client.chunk() == b""


def test_a_stream_that_stands_still(rig):
    client, wire = streaming(rig)
    rig.later(1201)
    assert b"Request timed out after" in client.chunk()
    assert client.chunk() == b""
    wire.ending()
    _, response = rig.call()
    assert LATE.fullmatch(response.header.error)
    assert (response.header.status, response.header.complete, response.body) == (200, False, EVENT)


def test_an_answer_that_stands_still_is_broken_off(rig):
    client, wire = waiting(rig)
    wire.send(rig.answer(b"x" * 10)[:-5])
    client.head()
    rig.later(1201)
    assert client.ending()[0] == b"x" * 5
    assert LATE.fullmatch(rig.record()[1].error)


def hanging(rig):
    """A call whose provider accepts and makes no handshake."""
    secure = {"alpha": {"models": ["m"], "endpoint": f"https://127.0.0.1:{rig.upstream.port}/v1/chat/completions"}}
    rig.app.reload(rig.setup({"providers": secure}))
    client = rig.client()
    client.send(rig.request())
    rig.upstream.accept()
    return client


def test_a_provider_that_makes_no_connection(rig):
    client = hanging(rig)
    rig.later(29)
    assert client.arrived() == b""
    rig.later(2)
    assert late(rig, client, "connect_timeout").attempts == 1


def test_the_pools_own_clock_may_be_first(start):
    rig = start()
    secure = {"alpha": {"models": ["m"], "endpoint": f"https://127.0.0.1:{rig.upstream.port}/v1/chat/completions"}}
    rig.app.reload(rig.setup({"providers": secure, "timeouts": {"connect_s": 0.02}}))
    client = rig.client()
    client.send(rig.request())
    late(rig, client, "connect_timeout")


def test_the_time_to_connect_is_not_the_proxys_share(rig, monkeypatch):
    clock = [10**9]
    monkeypatch.setattr("open_llm_proxy.proxy.call.monotonic_ns", lambda: clock[0])
    client = rig.client()
    client.send(rig.request())
    rig.until(lambda: rig.app.calls)
    clock[0] += 3 * 10**9
    wire, _ = rig.upstream.receive()
    clock[0] += 3 * 10**9
    wire.send(rig.answer())
    assert client.receive().header("server-timing") == "proxy;dur=0.001"
    assert rig.record()[1].own_us == 1


# --- the proxy stops -------------------------------------------------------------------------------------------------


def test_what_is_in_flight_is_served_and_the_connection_closed(rig):
    client, wire = waiting(rig)
    rig.app.drain()
    wire.send(rig.answer())
    answer = client.receive()
    assert (answer.status, answer.header("connection")) == (200, "close")
    assert client.ending() == (b"", True)


def test_what_still_arrives_on_an_open_connection_is_served_too(rig):
    client = rig.client()
    client.send(rig.request()[:-5])
    rig.settle()
    rig.app.drain()
    client.send(rig.request()[-5:])
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer())
    assert client.receive().header("connection") == "close"


def test_an_idle_connection_is_closed(rig):
    client, _ = rig.warm()
    rig.app.drain()
    assert client.ending() == (b"", True)


def test_after_the_drain_time_a_call_without_an_answer_gets_503(rig):
    client, wire = waiting(rig)
    rig.app.drain()
    rig.app.end_drain()
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (503, "draining")
    assert int(answer.header("retry-after")) > 0
    wire.ending()
    assert rig.record()[1].status == 503


def test_after_the_drain_time_a_stream_is_cut_off(rig):
    client, wire = streaming(rig)
    rig.app.drain()
    rig.app.end_drain()
    assert b"drain" in client.chunk()
    wire.ending()
    _, response = rig.record()
    assert not response.complete
    assert "drain time" in response.error


def test_after_the_drain_time_a_body_is_not_waited_for(rig):
    rig.app.end_drain()
    client = rig.client()
    client.send(rig.request(b"", content_length="1000"))
    assert client.receive().error["code"] == "draining"
    rig.record()


@pytest.mark.parametrize("cut", [10, -5])
@pytest.mark.parametrize("known", [True, False])
def test_after_the_drain_time_what_still_arrives_gets_503(rig, known, cut):
    client = rig.warm()[0] if known else rig.client()
    client.send(rig.request()[:cut])
    rig.settle()
    rig.app.drain()
    rig.app.end_drain()
    client.send(rig.request()[cut:])
    answer = client.receive()
    assert (answer.status, answer.error["code"]) == (503, "draining")
    rig.record()


@pytest.mark.parametrize("mode", ["cancel", "finish"])
def test_at_the_very_end_every_open_call_gets_its_response(start, mode):
    """The supervisor is dead. Nobody left who asked, so the error is the worker's, whatever ``on_client_gone`` says."""
    rig = start(on_client_gone=mode)
    clients = [waiting(rig)[0], streaming(rig)[0]]
    rig.app.close()
    assert [client.ending()[0] for client in clients] == [b"", b""]  # no last chunk: half an answer is none
    responses = [response.header for _, response in rig.calls]
    assert [response.error for response in responses] == ["worker ended", "worker ended"]
    assert sorted(response.status for response in responses) == [0, 200]
    assert not any(response.complete for response in responses)


def test_a_request_that_is_half_there_at_the_very_end_is_on_record(rig):
    client = rig.client()
    client.send(rig.request(b"", content_length="100") + b'{"model":')
    rig.settle()
    rig.app.close()
    rig.until(lambda: not rig.app.connections)
    _, response = rig.call()
    assert (response.header.error, response.header.status) == ("worker ended", 0)


# --- somebody is slow ------------------------------------------------------------------------------------------------

LONG = 32 << 20


def slow(rig):
    """A client that does not read a long answer, and what the provider is still trying to send."""
    client, wire = waiting(rig)
    head = rig.answer(b"", content_length=str(LONG))
    sending = rig.loop.create_task(rig.loop.sock_sendall(wire.sock, head + b"x" * LONG))
    (connection,) = rig.app.connections
    rig.until(lambda: not connection.writable)
    rig.settle()
    assert not sending.done(), "the provider's reading was not paused"
    assert connection.transport.get_write_buffer_size() < 1 << 20
    return client, wire, sending


@pytest.fixture
def rig_for_slow(start):
    return start(limits={"capture_bytes": 100}, timeouts={"body_s": 10_000})


def test_a_slow_client_pauses_the_provider_and_fills_no_memory(rig_for_slow):
    rig = rig_for_slow
    client, _, sending = slow(rig)
    answer = client.receive()
    assert answer.body == b"x" * LONG
    assert sending.done()
    _, response = rig.call()
    assert (response.header.total_bytes, response.body) == (LONG, b"x" * 100)
    assert response.header.error is None


def test_while_the_client_is_slow_the_providers_clock_stands(rig_for_slow):
    rig = rig_for_slow
    client, _, _ = slow(rig)
    rig.later(1201)
    assert client.receive().body == b"x" * LONG
    assert rig.record()[1].error is None


def test_a_slow_client_that_leaves_lets_the_provider_finish(start):
    rig = start(limits={"capture_bytes": 100}, **FINISH)
    client, _, sending = slow(rig)
    client.close()
    rig.until(sending.done)
    assert left(rig, status=200, complete=True).header.total_bytes == LONG


def test_a_slow_client_that_leaves_ends_the_providers_call(rig_for_slow):
    rig = rig_for_slow
    client, _, sending = slow(rig)
    client.close()
    rig.until(sending.done)
    assert isinstance(sending.exception(), ConnectionError)
    left(rig, status=200)
