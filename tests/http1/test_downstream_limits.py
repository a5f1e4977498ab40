"""Time, memory and clients that leave: nothing is waited for or held without end."""

import math

import pytest

from open_llm_proxy.http1.limits import LINGER_BYTES, LINGER_S, EngineLimits

LIMITS = EngineLimits()
OK = b"HTTP/1.1 200 OK\r\n"
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MUCH = b"x" * 200000
"""More than the water marks, so that a client that does not read is paused."""


def post(body, length=None):
    length = len(body) if length is None else length
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (length, body)


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_client_that_says_nothing_is_closed(client):
    client.later(LIMITS.head_s - 1)
    assert not client.transport.closing
    assert client.later(1) == b""
    assert client.transport.lost


def test_a_head_has_its_time_however_it_drips(client):
    client.send(b"G")
    for octet in (b"E", b"T", b" ", b"/"):
        client.later(LIMITS.head_s / 5)
        assert client.send(octet) == b""
    assert client.later(LIMITS.head_s / 5).startswith(b"HTTP/1.1 408 No\r\nconnection: close\r\n")
    assert client.transport.ended


def test_the_next_head_has_its_own_time(client):
    client.send(GET % 1)
    client.answer()
    client.later(LIMITS.head_s + 1)
    client.send(b"GET")
    client.later(LIMITS.head_s - 1)
    assert client.send((GET % 2)[3:]) == b""
    assert client.call.head.path == b"/2"
    client.answer()
    client.send(b"GET")
    assert client.later(LIMITS.head_s).startswith(b"HTTP/1.1 408 No\r\n")


def test_a_pipelined_head_has_its_time_from_the_answer_before(client):
    client.send(GET % 1 + b"GET /2")
    client.later(LIMITS.head_s + 1)
    client.answer()
    assert client.later(LIMITS.head_s - 1) == b""
    assert client.later(1).startswith(b"HTTP/1.1 408 No\r\n")


@pytest.mark.parametrize("start", [post(b"", length=5), CHUNKED])
def test_a_body_that_never_comes(client, start):
    client.send(start)
    assert client.later(LIMITS.body_s).startswith(b"HTTP/1.1 408 No\r\n")


@pytest.mark.parametrize("start", [post(b"", length=5), CHUNKED])
def test_each_part_of_a_body_has_its_time(client, start):
    client.send(start)
    for part in (b"1\r\n", b"x"):
        client.later(LIMITS.body_s - 1)
        assert client.send(part) == b""
    client.later(LIMITS.body_s - 1)
    assert client.app.refusals == []
    assert client.later(1).startswith(b"HTTP/1.1 408 No\r\nconnection: close\r\n")
    assert client.call.refused.status == 408
    assert client.call.gone == 0


@pytest.mark.parametrize("parts", [[GET % 1], [b"GET", (GET % 1)[3:]], [post(b"hel", length=5), b"lo"]])
def test_an_answer_has_all_the_time_in_the_world(client, parts):
    client.send(*parts)
    assert client.connection.deadline == math.inf
    client.connection.start(OK, None, [b"a"])
    assert client.connection.deadline == math.inf


def test_an_idle_connection_is_closed(client):
    client.send(GET % 1)
    client.answer()
    client.later(LIMITS.idle_s - 1)
    assert not client.transport.closing
    assert client.later(1) == b""
    assert client.transport.lost
    assert not client.transport.aborted


# --- clients that read slowly ----------------------------------------------------------------------------------------


def test_a_client_that_does_not_read_pauses_its_responder(client):
    client.send(GET % 1)
    client.transport.stuck = True
    client.connection.start(OK, None, [b"a"])
    assert client.call.writable == []
    client.connection.send([MUCH])
    assert client.call.writable == [False]
    assert not client.connection.writable
    client.transport.drain()
    assert client.call.writable == [False, True]
    assert client.connection.writable
    assert client.connection.deadline == math.inf


def test_a_client_that_reads_again_once_the_answer_is_over_disturbs_nobody(client):
    client.send(GET % 1)
    client.transport.stuck = True
    client.connection.start(OK, None, [MUCH])
    client.connection.finish([b"end"])
    client.transport.drain()
    assert client.call.writable == [False], "its responder has done with it"
    client.loop.run()
    assert client.received().endswith(b"3\r\nend\r\n0\r\n\r\n")
    assert client.connection.deadline == client.app.clock + LIMITS.idle_s
    client.send(GET % 2)
    assert client.call.head.path == b"/2"


def test_a_client_that_reads_nothing_is_given_up(client):
    client.send(GET % 1)
    client.transport.stuck = True
    client.connection.start(OK, None, [MUCH])
    client.later(LIMITS.send_s - 1)
    assert not client.transport.closing
    client.later(1)
    assert client.transport.aborted
    assert client.call.gone == 1


def test_a_client_that_reads_slowly_is_not(client):
    client.send(GET % 1)
    client.transport.stuck = True
    client.connection.start(OK, None, [MUCH])
    for _ in range(5):
        client.transport.drain(1000)
        client.later(LIMITS.send_s)
        assert not client.transport.closing
    client.later(LIMITS.send_s)
    assert client.transport.aborted


def test_who_asks_and_never_reads_is_answered_once(client):
    """Else its answers would pile up in our memory."""
    client.transport.stuck = True
    client.send(GET % 1 + GET % 2)
    client.answer(MUCH)
    client.send(GET % 3)
    assert len(client.app.calls) == 1
    client.transport.drain()
    assert client.call.head.path == b"/2"
    client.answer(MUCH)
    assert len(client.app.calls) == 2
    client.later(LIMITS.send_s)
    assert client.transport.aborted


def test_a_client_that_read_at_last_is_idle_again(client):
    client.transport.stuck = True
    client.send(GET % 1)
    client.answer(MUCH)
    client.transport.drain()
    client.later(LIMITS.idle_s - 1)
    assert not client.transport.closing
    client.send(GET % 2)
    assert client.call.head.path == b"/2"
    client.answer()
    client.later(LIMITS.idle_s)
    assert client.transport.closing


@pytest.mark.parametrize("request_", [CLOSING, b"GET / HTTP/1.0\r\n\r\n"])
def test_a_long_last_answer_is_not_cut_by_the_lingering_close(client, request_):
    client.transport.stuck = True
    client.send(request_)
    client.answer(MUCH)
    client.later(LINGER_S)
    for _ in range(100):
        client.transport.drain(1000)
        client.later(LIMITS.send_s)
    assert not client.transport.aborted
    client.transport.drain()
    client.later(LIMITS.send_s)
    assert client.transport.aborted  # all is out; the client just never closed


def test_a_last_answer_that_nobody_reads_is_given_up(client):
    client.transport.stuck = True
    client.send(CLOSING)
    client.answer(MUCH)
    client.later(LINGER_S)
    client.later(LIMITS.send_s)
    assert client.transport.aborted


def test_an_idle_client_that_does_not_read_is_given_up_too(client):
    client.transport.stuck = True
    client.send(GET % 1)
    client.answer(b"below the water marks")
    client.later(LIMITS.idle_s)
    client.later(LINGER_S)
    client.later(LIMITS.send_s)
    assert client.transport.aborted


def test_drain_closes_who_has_yet_to_read_once_it_has(client):
    client.transport.stuck = True
    client.send(GET % 1 + GET % 2)
    client.answer(MUCH)
    client.app.draining = True
    client.connection.close_if_idle()
    client.later(LINGER_S)
    assert not client.transport.lost
    client.transport.drain()
    client.loop.run()
    assert client.transport.lost
    assert not client.transport.aborted
    assert len(client.app.calls) == 1


# --- lingering -------------------------------------------------------------------------------------------------------


def test_the_rest_of_a_refused_request_is_drained_within_bounds(client):
    client.send(b"\n")
    assert client.transport.ended
    for _ in range(LINGER_BYTES >> 16):
        client.send(b"x" * (1 << 16))
    assert not client.transport.closing
    client.send(b"x")
    assert client.transport.aborted


def test_a_lingering_connection_ends_with_the_clients(client):
    client.send(CLOSING)
    client.answer()
    assert client.transport.ended
    client.finish()
    client.loop.run()
    assert client.transport.lost
    assert not client.transport.aborted


def test_a_connection_paused_for_pipelining_is_read_on_while_it_lingers(client):
    client.send(GET % 1, b"X" * 70000)
    assert not client.transport.reading
    client.app.draining = True
    client.answer()
    assert client.transport.ended
    assert client.transport.reading


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def all_counted(monkeypatch):
    monkeypatch.setattr("open_llm_proxy.http1.downstream.UNCOUNTED_BYTES", 0)


def test_bodies_are_counted_until_they_are_answered(client, all_counted):
    app = client.app
    client.send(post(b"hel", length=5))
    assert app.buffered_bytes == 3
    client.send(b"lo")
    assert app.buffered_bytes == 5
    client.answer()
    assert app.buffered_bytes == 0
    client.send(post(b"whole"))
    assert app.buffered_bytes == 5
    client.transport.lose()
    client.loop.run()
    assert app.buffered_bytes == 0


def test_over_the_budget_a_request_gets_a_503(make_app, connect):
    app = make_app(buffer_bytes=10)
    first, second, third = (connect(app) for _ in range(3))
    first.send(post(b"x" * 6, length=7))
    assert second.send(post(b"x" * 6)).startswith(b"HTTP/1.1 503 No\r\nconnection: close\r\n")
    assert second.call.body is None
    assert app.buffered_bytes == 6
    third.send(post(b"xx", length=9))
    assert third.send(b"x" * 7).startswith(b"HTTP/1.1 503 No\r\nconnection: close\r\n")
    assert third.call.refused.status == 503
    first.send(b"x")
    assert first.call.body == b"x" * 7


def test_a_small_body_that_came_whole_is_not_counted(make_app, connect):
    client = connect(make_app(buffer_bytes=10))
    for _ in range(2):
        client.send(post(b"x" * 9))
        client.answer()
    client.send(post(b"x" * 11))
    assert client.call.body == b"x" * 11
    assert client.app.buffered_bytes == 0


def test_the_largest_body_that_is_not_counted(client):
    for _ in range(2):  # of a head that comes again
        client.send(post(b"x" * 4096))
        client.answer()
    client.send(post(b"x" * 4096))
    assert client.app.buffered_bytes == 0
    client.answer()
    client.send(post(b"x" * 4097))
    assert client.app.buffered_bytes == 4097
    client.answer()
    assert client.app.buffered_bytes == 0


def test_over_the_budget_a_whole_request_gets_a_503_too(make_app, connect, all_counted):
    client = connect(make_app(buffer_bytes=10))
    client.send(post(b"x" * 6))
    client.answer()
    assert client.send(post(b"x" * 11)).startswith(b"HTTP/1.1 503 No\r\nconnection: close\r\n")
    assert client.call.body is None
    assert client.app.buffered_bytes == 0


# --- clients that leave ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
@pytest.mark.parametrize("request_", [GET % 1, post(b"hel", length=5), CHUNKED])
def test_a_client_that_leaves_is_told_of_once(client, request_, error):
    client.send(request_)
    client.transport.lose(error)
    client.loop.run()
    assert client.call.gone == 1
    assert client.connection not in client.app.connections


def test_a_fin_during_an_answer_is_a_client_that_leaves(client):
    client.send(GET % 1)
    client.connection.start(OK, None, [b"a"])
    client.finish()
    client.loop.run()
    assert client.call.gone == 1
    assert client.connection.gone


def test_a_fin_in_the_turn_of_its_answer_does_not_lose_it(client):
    client.send(GET % 1)
    client.call.answer(b"hello")
    client.finish()
    client.loop.run()
    assert client.received() == OK + b"content-length: 5\r\n\r\nhello"
    assert client.call.gone == 0
    assert client.transport.ended


def test_a_client_that_leaves_when_it_was_answered_is_no_news(client):
    client.send(GET % 1)
    client.answer()
    client.transport.lose()
    client.loop.run()
    assert client.call.gone == 0


def test_an_answer_to_one_that_has_gone_is_written_to_nobody(client):
    client.send(GET % 1)
    client.call.answer(b"hello")
    client.transport.lose()
    client.loop.run()
    assert client.received() == b""
    assert client.app.faults == []


def test_a_fin_before_anything_was_asked_closes(client):
    client.finish()
    client.loop.run()
    assert client.transport.lost
    assert client.app.calls == []


def test_one_that_left_and_does_not_read_is_given_up(client):
    """Its FIN came, what it was to get did not go: nothing else would ever end it."""
    client.transport.stuck = True
    client.send(GET % 1)
    client.connection.start(OK, None, [b"a"])
    client.finish()
    client.later(LINGER_S)
    assert not client.transport.lost
    client.later(LIMITS.send_s)
    assert client.transport.aborted
    assert client.call.gone == 1


# --- faults of ours --------------------------------------------------------------------------------------------------

FAULT = RuntimeError("a fault of ours")


def fail(*_):
    raise FAULT


@pytest.mark.parametrize("where", ["begin", "on_request", "refuse", "pipelined"])
def test_a_fault_of_ours_ends_one_connection(app, connect, loop, monkeypatch, where):
    client, other = connect(app), connect(app)
    if where == "begin":
        monkeypatch.setattr(app, "begin", fail)
        client.send(GET % 1)
    elif where == "on_request":
        app.on_begin = lambda call: monkeypatch.setattr(call, "on_request", fail)
        client.send(GET % 1)
    elif where == "refuse":
        monkeypatch.setattr(app, "refuse", fail)
        client.send(b"\n")
    else:
        client.send(GET % 1 + GET % 2)
        monkeypatch.setattr(app, "begin", fail)
        client.answer()
    loop.run()
    assert app.faults == [FAULT]
    assert client.transport.aborted
    monkeypatch.undo()
    app.on_begin = lambda _: None
    other.send(GET % 3)
    assert other.answer() == OK + b"content-length: 0\r\n\r\n"


def test_a_fault_in_a_refusal_does_not_stop_the_sweep(app, connect, loop, monkeypatch):
    first, second = connect(app), connect(app)
    monkeypatch.setattr(app, "refuse", fail)
    for client in (first, second):
        client.send(b"GET")
    app.later(LIMITS.head_s)
    loop.run()
    assert first.transport.aborted
    assert second.transport.aborted
    assert app.faults == [FAULT, FAULT]


def test_a_fault_when_told_that_the_client_left_is_counted(client, monkeypatch):
    client.send(GET % 1)
    monkeypatch.setattr(client.call, "on_gone", fail)
    client.transport.lose()
    client.loop.run()
    assert client.app.faults == [FAULT]
